import type { SwitchBody } from "./entry.ts";

export interface SwitchState {
  readonly on: boolean;
  readonly value?: unknown;
}

const off: SwitchState = { on: false };

/** What a switch says at `nowMs`. One never set is off, and so is one from its `until` on (CP-9); off carries no value. */
export function switchState(body: SwitchBody | undefined, nowMs: number): SwitchState {
  if (body === undefined || !body.on) return off;
  if (body.untilMs !== undefined && nowMs >= body.untilMs) return off;
  return body.value === undefined ? { on: true } : { on: true, value: body.value };
}
