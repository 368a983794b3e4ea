import type { GatewayContext } from "../context.ts";
import { respond } from "./answer.ts";

/** One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface ServerSentEvent {
  readonly event: string;
  readonly id?: string;
  readonly data: unknown;
}

/** Sends an event, or with null a comment that keeps the connection open. Rejects once the client has gone. */
export type Send = (event: ServerSentEvent | null) => Promise<void>;

const encoder = new TextEncoder();

/**
 * Answers with a stream of what `run` sends; the stream ends with it.
 * @param run must end by itself: a client that has gone may not be noticed before the next event
 */
export function eventStream(c: GatewayContext, run: (send: Send) => Promise<void>): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const send: Send = (event) => writer.write(encoder.encode(event === null ? ":\n\n" : frame(event)));
  const finish = async () => {
    try {
      await run(send);
      await writer.close();
    } catch (error) {
      // The client has gone, which is how most streams end.
      await writer.abort(error).catch(() => {});
    }
  };
  void finish();
  return respond(c, readable, 200, { "content-type": "text/event-stream", "cache-control": "no-store" });
}

function frame({ event, id, data }: ServerSentEvent): string {
  const head = id === undefined ? `event: ${event}\n` : `event: ${event}\nid: ${id}\n`;
  // JSON has no line breaks outside its strings, and escapes them inside.
  return `${head}data: ${JSON.stringify(data)}\n\n`;
}
