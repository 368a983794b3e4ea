import type { AdminKey } from "./admin-key.ts";

/**
 * What `npm start` prints when the gateway answers at `url`: where it is, where the administrator's key is, and one line
 * for a shell that creates a limit and checks it. With `platformHost` the gateway answers under that name alone.
 */
export function greeting(url: string, admin: AdminKey, platformHost?: string): string {
  const host = platformHost === undefined ? "" : ` -H 'Host: ${platformHost}'`;
  const headers = `-H "Authorization: Bearer ${admin.expression}" -H 'Content-Type: application/json'${host}`;
  const put = `curl -fsS -o /dev/null -X PUT ${url}/v1/limits/demo ${headers} -d '{"algorithm":"gcra","limit":100,"windowMs":60000}'`;
  const check = `curl -sS ${url}/v1/limits/check ${headers} -d '{"checks":[{"limit":"demo","key":"user:1"}]}' -w '\\n'`;
  return [
    `Ready on ${url}`,
    `The admin key is in ${admin.place}. To try a limit:`,
    "",
    `  ${put} && ${check}`,
    "",
  ].join("\n");
}
