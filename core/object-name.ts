/**
 * The name of an object: its parts, each behind its length, so that no two tuples share a name whatever they contain
 * (netstrings, D. J. Bernstein). The first part is the tenant's server-minted id.
 *
 * @example objectName("t_ab12", "rl", 3) // "6:t_ab122:rl1:3"
 */
export function objectName(...parts: readonly (string | number)[]): string {
  let name = "";
  for (const part of parts) {
    const text = String(part);
    name += `${text.length}:${text}`;
  }
  return name;
}
