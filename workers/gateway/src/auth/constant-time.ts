/**
 * Whether two texts are equal, in a time that does not depend on where they differ. Their lengths are no secret.
 * @param presented what the caller sent
 * @param secret what it must equal
 */
export function equalConstantTime(presented: string, secret: string): boolean {
  if (presented.length !== secret.length) return false;
  let difference = 0;
  for (let i = 0; i < presented.length; i++) difference |= presented.charCodeAt(i) ^ secret.charCodeAt(i);
  return difference === 0;
}
