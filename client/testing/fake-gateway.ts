import { vi } from "vitest";
import { Breakwater, type ClientOptions } from "../index.ts";

/** One request as the gateway saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
  readonly atMs: number;
}

/** How one request is answered. */
export type Reply = (seen: Seen, init: RequestInit) => Response | Promise<Response>;

/**
 * A client whose gateway answers `replies` in turn; a request beyond the last fails the test. Times are those of the
 * held clock, from 0.
 */
export function fakeGateway(replies: readonly Reply[], options: Partial<ClientOptions> = {}) {
  const seen: Seen[] = [];
  const startMs = performance.now();
  const client = new Breakwater({
    baseUrl: "https://gateway.test",
    token: "bw_id_secret",
    ...options,
    fetch: async (url, init) => {
      const one: Seen = {
        method: init.method ?? "GET",
        url,
        headers: new Headers(init.headers),
        body: init.body ? JSON.parse(String(init.body)) : undefined,
        atMs: performance.now() - startMs,
      };
      seen.push(one);
      const reply = replies[seen.length - 1];
      if (!reply) throw new Error(`request ${seen.length} was not expected`);
      return reply(one, init);
    },
  });
  return { client, seen };
}

/** Answers JSON. */
export function says(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return () => Response.json(body, { status, headers });
}

/** Answers a problem document. */
export function problem(status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Reply {
  const body = { type: "about:blank", title: "t", status, code, detail: "do this", instance: "req-1", ...more };
  return says(body, status, { "content-type": "application/problem+json", ...headers });
}

/** No answer, in the way of Node's fetch. */
export function connectionFails(code: string): Reply {
  return () => {
    throw new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
  };
}

/** Never answers, but heeds the signal, as fetch does. */
export const hangs: Reply = (_, init) =>
  new Promise((_resolve, reject) => {
    const { signal } = init;
    signal?.addEventListener("abort", () => reject(signal.reason));
  });

/** What `promise` came to, once the held clock has moved on far enough. */
export async function settle<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown }> {
  const outcome = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await vi.runAllTimersAsync();
  return outcome;
}
