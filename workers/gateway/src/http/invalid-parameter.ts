import type { Refusal } from "../../../../contracts/result.ts";

/**
 * The refusal of one parameter or header.
 * @param detail the sentence without the name, as in "comes twice"
 */
export function invalidParameter(name: string, detail: string): { ok: false; refusal: Refusal } {
  const errors = [{ pointer: name, detail }];
  return { ok: false, refusal: { code: "invalid_parameter", detail: `${name} ${detail}.`, errors } };
}
