import { beforeEach, expect, test } from "vitest";
import { KeySets } from "./jwks.ts";

const url = "https://id.test/jwks";
const set = { keys: [{ kty: "EC", kid: "k1" }] };

let answers: (() => Promise<Response>)[];
let calls: { url: string; init: RequestInit | undefined }[];
let sets: KeySets;

beforeEach(() => {
  answers = [];
  calls = [];
  sets = new KeySets((async (input: string, init?: RequestInit) => {
    calls.push({ url: input, init });
    const answer = answers.shift() ?? (async () => Response.json(set));
    return answer();
  }) as typeof fetch);
});

test("a key set is fetched once in five minutes", async () => {
  expect(await sets.get(url, 0, false)).toEqual({ ok: true, value: set });
  await sets.get(url, 299_999, false);
  expect(calls.length).toBe(1);
  await sets.get(url, 300_000, false);
  expect(calls.length).toBe(2);
});

test("an unknown key id fetches again, but not within 30 s", async () => {
  await sets.get(url, 0, false);
  await sets.get(url, 29_999, true);
  expect(calls.length).toBe(1);
  await sets.get(url, 30_000, true);
  await sets.get(url, 30_001, true);
  expect(calls.length).toBe(2);
});

test("a stale set serves while its issuer is away", async () => {
  await sets.get(url, 0, false);
  answers.push(async () => Promise.reject(new Error("away")));
  expect(await sets.get(url, 400_000, false)).toEqual({ ok: true, value: set });
});

test("while one request fetches again, the others go on with what is known", async () => {
  await sets.get(url, 0, false);
  let release = (_: Response) => {};
  answers.push(() => new Promise((resolve) => (release = resolve)));
  const slow = sets.get(url, 300_000, false);
  expect(await sets.get(url, 300_001, false)).toEqual({ ok: true, value: set });
  release(Response.json({ keys: [] }));
  expect(await slow).toEqual({ ok: true, value: { keys: [] } });
  expect(calls.length).toBe(2);
});

test("an issuer that is away is asked again a second later", async () => {
  answers.push(async () => Promise.reject(new Error("away")));
  expect(await sets.get(url, 0, false)).toMatchObject({ refusal: { code: "issuer_unavailable" } });
  expect((await sets.get(url, 999, false)).ok).toBe(false);
  expect(calls.length).toBe(1);
  expect((await sets.get(url, 1000, false)).ok).toBe(true);
});

test.each<[string, () => Response]>([
  ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://evil.test" } })],
  ["an error", () => Response.json(set, { status: 500 })],
  ["no JSON", () => new Response("<html>")],
  ["another JSON", () => Response.json([1])],
  ["more than 64 KB", () => Response.json({ keys: [], padding: "x".repeat(65_536) })],
])("%s is no key set", async (_name, answer) => {
  answers.push(async () => answer());
  expect((await sets.get(url, 0, false)).ok).toBe(false);
  expect(calls[0]?.init?.redirect).toBe("manual");
  expect(calls[0]?.init?.signal).toBeInstanceOf(AbortSignal);
});
