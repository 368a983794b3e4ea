import { type Answer, readAnswer, toError } from "./answer.ts";
import { Deadline } from "./deadline.ts";
import { BreakwaterError } from "./error.ts";
import { randomId } from "./random-id.ts";
import { type Repetition, RetryBudget, retryDelayMs, surelyDidNotRun } from "./retry.ts";

/** Total time of a call where neither the client nor the call says otherwise. */
const defaultTimeoutMs = 10_000;
/** Attempts of a call, the first one included, where the client does not say. */
const defaultMaxAttempts = 3;

/** What every client needs to know. */
export interface ClientOptions {
  /** Where the gateway is, for instance `https://limits.example.com`. A path prefix is kept. */
  readonly baseUrl: string | URL;
  /** An API key (`bw_…`) or a JWT, or a function that gives one: asked before each attempt, so tokens may expire. */
  readonly token?: string | (() => string | Promise<string>);
  /** Total time of a call, back-off included, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Most attempts of a call. Default 3; 1 turns retries off. */
  readonly maxAttempts?: number;
  /** For a service binding, a test or an agent of one's own. Default: the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What any single call may say. */
export interface CallOptions {
  /** Ends the call, also while it waits for a retry; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Total time of this call, milliseconds. */
  readonly timeoutMs?: number;
  /** W3C trace context to continue. */
  readonly traceparent?: string;
}

/** Options of a POST. */
export interface PostOptions extends CallOptions {
  /** Makes repetitions of this POST, by whomever and for 24 hours, do its work once. */
  readonly idempotencyKey?: string;
}

/** One request, as a resource describes it. */
export interface Call {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Path below the base URL, its variable parts percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly ifMatch?: string;
  /**
   * What running a POST twice does without an Idempotency-Key, where it is not to get one by itself: a check's would
   * cost the platform a row.
   */
  readonly repetition?: Repetition;
  /** A 429 is what a limit answers (reserve, acquire), not an obstacle: it is not retried. */
  readonly refusalIsAnswer?: boolean;
  /** A DELETE after which nothing is there: a 404 to its repetition says that the first attempt did it. */
  readonly goneIsDone?: boolean;
  /** Answers beside 2xx that are no failure. */
  readonly accepts?: (answer: Answer) => boolean;
  /** Options of the caller. */
  readonly options?: PostOptions | undefined;
}

/** Sends calls: credentials, deadlines, retries, and errors. */
export class Transport {
  readonly #baseUrl: string;
  readonly #token: ClientOptions["token"];
  readonly #timeoutMs: number;
  readonly #maxAttempts: number;
  readonly #fetch: NonNullable<ClientOptions["fetch"]>;
  readonly #budget = new RetryBudget();

  /** @throws RangeError for options that no call could use */
  constructor(options: ClientOptions) {
    const url = new URL(options.baseUrl);
    if (url.protocol !== "https:" && url.protocol !== "http:") throw new RangeError("baseUrl must be http or https");
    if (url.search || url.hash || url.username) throw new RangeError("baseUrl has no place for a query or credentials");
    this.#baseUrl = url.href.replace(/\/+$/, "");
    this.#token = options.token;
    this.#timeoutMs = wholeNumber("timeoutMs", options.timeoutMs ?? defaultTimeoutMs);
    this.#maxAttempts = wholeNumber("maxAttempts", options.maxAttempts ?? defaultMaxAttempts);
    // Called as a bare function: browsers refuse a fetch whose `this` is not the window.
    const { fetch: given } = options;
    this.#fetch = given ?? ((url, init) => fetch(url, init));
  }

  /**
   * Sends `call`, again when that is safe and may help, and gives its answer.
   *
   * Rejects with a BreakwaterError, or with the reason of the caller's signal.
   */
  async send(call: Call): Promise<Answer> {
    const { options } = call;
    const deadline = new Deadline(wholeNumber("timeoutMs", options?.timeoutMs ?? this.#timeoutMs), options?.signal);
    const idempotencyKey = options?.idempotencyKey ?? (this.#wantsKey(call) ? randomId() : undefined);
    let mayHaveRun = false;
    try {
      for (let attempts = 1; ; attempts++) {
        const outcome = await this.#attempt(call, idempotencyKey, deadline);
        if (outcome.ok) {
          this.#budget.succeeded();
          return outcome.answer;
        }
        const { error } = outcome;
        if (call.method === "DELETE" && call.goneIsDone && mayHaveRun && error.status === 404) return gone;
        if (!isPlatformFailure(call, error)) throw error;
        const withinBudget = this.#budget.failed();
        const delayMs = retryDelayMs({
          error,
          retriedByGateway: outcome.retriedByGateway,
          repetition: repetition(call, idempotencyKey),
          attempts,
          maxAttempts: this.#maxAttempts,
          remainingMs: deadline.remainingMs(),
          random: Math.random(),
        });
        if (delayMs === undefined || !withinBudget) throw error;
        mayHaveRun ||= !surelyDidNotRun(error);
        await deadline.sleep(delayMs);
      }
    } finally {
      deadline.close();
    }
  }

  /** The body of the answer, which the platform's contract says is a `T`. */
  async json<T>(call: Call): Promise<T> {
    const { body } = await this.send(call);
    return body as T;
  }

  #wantsKey(call: Call): boolean {
    return call.method === "POST" && call.repetition === undefined && this.#maxAttempts > 1;
  }

  async #attempt(call: Call, idempotencyKey: string | undefined, deadline: Deadline): Promise<Outcome> {
    const { signal } = deadline;
    const headers = await this.#headers(call, idempotencyKey, deadline);
    const init: RequestInit = { method: call.method, headers, signal, redirect: "manual" };
    if (call.body !== undefined) init.body = JSON.stringify(call.body);
    signal.throwIfAborted();
    let answer: Answer;
    try {
      answer = await readAnswer(await this.#fetch(this.#url(call), init));
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const error = cause instanceof BreakwaterError ? cause : unreachable(cause);
      return { ok: false, error, retriedByGateway: false };
    }
    if ((answer.status >= 200 && answer.status < 300) || call.accepts?.(answer)) return { ok: true, answer };
    return { ok: false, error: toError(answer), retriedByGateway: answer.headers.has("x-breakwater-retried") };
  }

  async #headers(call: Call, idempotencyKey: string | undefined, deadline: Deadline): Promise<Record<string, string>> {
    const headers: Record<string, string> = { accept: "application/json, application/problem+json" };
    const token = typeof this.#token === "function" ? await deadline.race(this.#askToken(this.#token)) : this.#token;
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (call.ifMatch !== undefined) headers["if-match"] = call.ifMatch;
    if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
    if (call.options?.traceparent !== undefined) headers.traceparent = call.options.traceparent;
    headers["x-request-timeout-ms"] = String(Math.max(1, deadline.remainingMs()));
    return headers;
  }

  /** Turns a synchronous throw of the caller's function into a rejection. */
  async #askToken(token: () => string | Promise<string>): Promise<string> {
    return token();
  }

  #url(call: Call): string {
    const query = Object.entries(call.query ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
    return `${this.#baseUrl}${call.path}${query.length > 0 ? `?${query.join("&")}` : ""}`;
  }
}

type Outcome =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly error: BreakwaterError; readonly retriedByGateway: boolean };

/** What a DELETE answers whose first attempt, unheard, has done it. */
const gone: Answer = { status: 204, headers: new Headers(), body: undefined };

/** A failure that may pass, and not the answer that the caller asked a limit for. */
function isPlatformFailure(call: Call, error: BreakwaterError): boolean {
  return error.retryable && !(error.status === 429 && call.refusalIsAnswer);
}

function repetition(call: Call, idempotencyKey: string | undefined): Repetition {
  if (idempotencyKey !== undefined) return "harmless";
  if (call.method === "POST") return call.repetition ?? "harmful";
  // The second of two equal conditional writes finds the version that the first one made.
  return call.ifMatch === undefined ? "harmless" : "harmful";
}

function unreachable(cause: unknown): BreakwaterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BreakwaterError({ code: "unreachable", status: 0, detail: `no answer came: ${reason}`, cause });
}

/** Eleven days: what X-Request-Timeout-Ms has digits for. */
const maxTimeoutMs = 999_999_999;

function wholeNumber(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= maxTimeoutMs) return value;
  throw new RangeError(`${name} must be a whole number from 1 to ${maxTimeoutMs}`);
}
