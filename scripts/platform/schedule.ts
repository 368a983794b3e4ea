import { StartError } from "./start-error.ts";

const minuteMs = 60_000;
/** The only schedule that workers use. Another needs a cron parser, which nothing else here needs. */
const everyMinute = "* * * * *";

/**
 * Runs `tick` at the start of each minute until stopped, never twice at the same time: workerd alone fires no cron trigger.
 *
 * @returns what stops it.
 */
export function eachMinute(tick: (scheduledMs: number) => Promise<void>): () => void {
  let running = false;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    timer = setTimeout(
      async () => {
        arm();
        if (running) return;
        running = true;
        await tick(Math.floor(Date.now() / minuteMs) * minuteMs).finally(() => {
          running = false;
        });
      },
      minuteMs - (Date.now() % minuteMs),
    );
    timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}

/** @throws StartError when one of `crons` is not the every-minute schedule that `eachMinute` drives. */
export function expectEveryMinute(worker: string, crons: readonly string[]): void {
  const other = crons.find((cron) => cron !== everyMinute);
  if (other !== undefined)
    throw new StartError(`${worker}: cron "${other}" is not run locally, only "${everyMinute}" is`);
}
