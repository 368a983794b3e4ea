/**
 * Whether two texts are equal, in a time that depends on the length of `presented` alone and not on where they differ.
 * @param presented what the caller sent
 * @param secret what it must equal
 */
export function equalConstantTime(presented: string, secret: string): boolean {
  let difference = presented.length ^ secret.length;
  for (let i = 0; i < presented.length; i++) {
    // Past its end the secret compares with itself; the lengths have already told the difference.
    difference |= presented.charCodeAt(i) ^ secret.charCodeAt(i % Math.max(1, secret.length));
  }
  return difference === 0;
}
