export { Breakwater } from "./breakwater.ts";
export { BreakwaterError, type LocalErrorCode } from "./error.ts";
export type { Permitted, WithPermitOptions } from "./permits.ts";
export type { ListOptions, WriteOptions } from "./resources.ts";
export type { CallOptions, ClientOptions, PostOptions } from "./transport.ts";
export type * from "./types.ts";
