/**
 * An id that nobody else makes: 128 random bits in hexadecimal. It keeps requests apart and protects nothing, so Node 18,
 * which has no global `crypto`, may make it from `Math.random`.
 */
export function randomId(): string {
  const bytes = new Uint8Array(16);
  if (typeof crypto === "object") crypto.getRandomValues(bytes);
  else for (let at = 0; at < bytes.length; at++) bytes[at] = Math.random() * 256;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
