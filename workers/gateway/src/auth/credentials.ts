/** What an Authorization header carries, told apart by form alone. */
export type Credentials =
  | { readonly kind: "none" }
  | { readonly kind: "malformed" }
  | { readonly kind: "bearer"; readonly token: string };

/** Longest token that is looked at: a JWT with many claims. */
const maxTokenLength = 8192;

/** The bearer token of an Authorization header (RFC 6750). */
export function bearerToken(authorization: string | null): Credentials {
  if (authorization === null || authorization === "") return { kind: "none" };
  const token = authorization.slice(7).trim();
  if (!/^bearer /i.test(authorization) || token === "" || token.length > maxTokenLength) return { kind: "malformed" };
  return { kind: "bearer", token };
}

/** The id in `bw_<id>_<secret>`, or undefined when the token is not an API key. */
export function apiKeyId(token: string): string | undefined {
  if (!token.startsWith("bw_")) return undefined;
  const end = token.indexOf("_", 3);
  return end > 3 && end < token.length - 1 ? token.slice(3, end) : undefined;
}
