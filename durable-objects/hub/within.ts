import { systemClock } from "./clock.ts";

/** Waits for `promise` at most `timeoutMs`, then rejects. What the promise does later is not observed. */
export async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let callOff = () => {};
  const late = new Promise<never>((_, reject) => {
    callOff = systemClock.after(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    callOff();
  }
}
