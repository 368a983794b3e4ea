import { toHex } from "../../../../core/hex.ts";

/** A W3C trace context: what is needed to continue a caller's trace. */
export interface TraceContext {
  readonly traceId: string;
  /** This request's own span. */
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: string;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Continues the trace of a `traceparent` header (https://www.w3.org/TR/trace-context/).
 * @param spanId of this request: 16 hex digits, not all zero
 * @returns undefined when the header is not valid; then the caller's trace is not continued
 */
export function continueTrace(traceparent: string, spanId: string): TraceContext | undefined {
  const match = form.exec(traceparent);
  if (match === null) return undefined;
  const [, version, traceId, parentSpanId, flags, more] = match;
  if (version === undefined || traceId === undefined || parentSpanId === undefined || flags === undefined)
    return undefined;
  // Version 00 has exactly four fields; later ones may add some; ff is forbidden, and so are ids of zeros alone.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentSpanId)) return undefined;
  return { traceId, spanId, parentSpanId, flags };
}

/** The header that passes `trace` on. */
export function traceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.flags}`;
}

/** `digits` random hex digits, not all zero. */
export function randomHex(digits: 16 | 32): string {
  const bytes = crypto.getRandomValues(new Uint8Array(digits / 2));
  bytes[0] = (bytes[0] ?? 0) | 1;
  return toHex(bytes);
}
