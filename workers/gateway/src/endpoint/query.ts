import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import { invalidParameter } from "../http/invalid-parameter.ts";

/** Most parameters that a query may have; no route knows more than a handful. */
const maxParameters = 20;

/**
 * The parameters of a URL's query. Unlike URLSearchParams it refuses malformed percent-encoding, which would otherwise
 * turn two different keys into one, and a parameter that comes twice.
 */
export function parseQuery(url: string): Result<Record<string, string>> {
  const parameters: Record<string, string> = Object.create(null);
  const start = url.indexOf("?");
  if (start < 0) return ok(parameters);
  const pairs = url.slice(start + 1).split("&", maxParameters + 1);
  if (pairs.length > maxParameters) return refuse("invalid_parameter", `Send at most ${maxParameters} parameters.`);
  for (const pair of pairs) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = decode(equals < 0 ? "" : pair.slice(equals + 1));
    if (name === undefined || value === undefined) {
      return refuse("invalid_parameter", "The query is not valid percent-encoded UTF-8.");
    }
    if (name in parameters) return invalidParameter(name, "comes twice");
    parameters[name] = value;
  }
  return ok(parameters);
}

/** A form-encoded text (`+` is a space), or `undefined` when it is malformed. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
