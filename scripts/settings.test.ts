import { expect, test } from "vitest";
import { expectAdminKey, readSettings } from "./settings.ts";

test("without an environment there are defaults, and CF-Connecting-IP is not believed", () => {
  expect(readSettings({ PORT: "", HOST: "" })).toEqual({
    port: 8787,
    host: "127.0.0.1",
    dataDir: ".data",
    // Fewer objects than deployed: on one machine more of them only mean more commits.
    vars: { LOG_LEVEL: "info", RATE_LIMITER_SHARDS: "4", TRUST_CF_CONNECTING_IP: "false" },
  });
});

test("what is set is taken", () => {
  const env = { PORT: "0", HOST: "::1", DATA_DIR: "/d", LOG_LEVEL: "debug", RATE_LIMITER_SHARDS: "32" };
  expect(readSettings({ ...env, TRUST_CF_CONNECTING_IP: "true" })).toEqual({
    port: 0,
    host: "::1",
    dataDir: "/d",
    vars: { LOG_LEVEL: "debug", RATE_LIMITER_SHARDS: "32", TRUST_CF_CONNECTING_IP: "true" },
  });
});

test("pages that may call and the platform's host reach the workers as browsers write them", () => {
  const env = {
    ALLOWED_ORIGINS: "https://app.example.com, http://localhost:3000",
    PLATFORM_HOST: "API.example.com:8443",
  };
  expect(readSettings(env).vars).toMatchObject({
    ALLOWED_ORIGINS: "https://app.example.com,http://localhost:3000",
    PLATFORM_HOST: "api.example.com:8443",
  });
});

test.each([
  ["PORT", "-1"],
  ["PORT", "1e3"],
  ["PORT", " 80"],
  ["PORT", "65536"],
  ["LOG_LEVEL", "INFO"],
  ["RATE_LIMITER_SHARDS", "0"],
  ["RATE_LIMITER_SHARDS", "1.5"],
  ["RATE_LIMITER_SHARDS", "1025"],
  ["TRUST_CF_CONNECTING_IP", "1"],
  ["ALLOWED_ORIGINS", "*"],
  ["ALLOWED_ORIGINS", "app.example.com"],
  ["ALLOWED_ORIGINS", "https://app.example.com/"],
  ["ALLOWED_ORIGINS", "https://app.example.com,"],
  ["ALLOWED_ORIGINS", "file:///page.html"],
  ["PLATFORM_HOST", "https://api.example.com"],
  ["PLATFORM_HOST", "api.example.com/v1"],
  ["PLATFORM_HOST", "a b"],
])("OP-3 %s=%j is refused by name", (name, value) => {
  expect(() => readSettings({ [name]: value })).toThrow(`${name} is "${value}": it must be`);
});

test("OP-3 an admin key that is short, long or unfit for a header is refused, and is not told", () => {
  for (const key of ["x".repeat(31), "x".repeat(513), `${"x".repeat(40)} y`, "é".repeat(40)]) {
    expect(() => expectAdminKey(key, "here")).toThrow(/ADMIN_KEY in here/);
    expect(() => expectAdminKey(key, "here")).not.toThrow(key);
  }
  expect(expectAdminKey("x".repeat(32), "here")).toBe("x".repeat(32));
});
