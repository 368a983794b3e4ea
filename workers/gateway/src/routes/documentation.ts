import packageJson from "../../../../package.json" with { type: "json" };
import { type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { respond } from "../http/answer.ts";
import { buildDocument, type OpenApiDocument } from "../openapi/document.ts";
import { renderPage } from "../openapi/page.ts";

/** Long enough for a reader, short enough for the next deployment. */
const cacheControl = "public, max-age=300";

/** The page has no script and loads nothing. */
const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** `/openapi.json` and `/docs` of these endpoints and of themselves, made at their first request. */
export function documentation(described: readonly Endpoint[]): readonly Endpoint[] {
  let document: OpenApiDocument | undefined;
  let json: string | undefined;
  let page: string | undefined;
  const build = () => (document ??= buildDocument([...described, ...own], packageJson.version));
  const own: readonly Endpoint[] = [
    endpoint(
      {
        method: "get",
        path: "/openapi.json",
        tag: "operation",
        summary: "OpenAPI document",
        access: "public",
        answers: { 200: { description: "This document, OpenAPI 3.1.", mediaType: "application/json" } },
      },
      ({ c }) => {
        json ??= JSON.stringify(build());
        return respond(c, json, 200, { "content-type": "application/json", "cache-control": cacheControl });
      },
    ),
    endpoint(
      {
        method: "get",
        path: "/docs",
        tag: "operation",
        summary: "Documentation",
        access: "public",
        answers: { 200: { description: "This document as a page.", mediaType: "text/html" } },
      },
      ({ c }) => {
        page ??= renderPage(build());
        const headers = {
          "content-type": "text/html; charset=utf-8",
          "cache-control": cacheControl,
          "content-security-policy": contentSecurityPolicy,
          "x-content-type-options": "nosniff",
          "referrer-policy": "no-referrer",
        };
        return respond(c, page, 200, headers);
      },
    ),
  ];
  return own;
}
