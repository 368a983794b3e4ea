/** An answer, its JSON read. `T` says what the test expects of it; nothing checks that. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface CallInit {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
}

/** Longest wait for an answer: a platform that hangs must not hang the tests. */
const answerMs = 20_000;

/** A caller of the gateway at `url` with a credential of its own; without `key` it sends none. */
export class Caller {
  readonly #url: string;
  readonly #key: string | undefined;

  constructor(url: string, key?: string) {
    this.#url = url;
    this.#key = key;
  }

  async call<T = Record<string, unknown>>(method: string, path: string, init: CallInit = {}): Promise<Answer<T>> {
    const headers = new Headers(init.headers);
    if (this.#key !== undefined) headers.set("authorization", `Bearer ${this.#key}`);
    if (init.json !== undefined) headers.set("content-type", "application/json");
    const response = await fetch(this.#url + path, {
      method,
      headers,
      body: init.json === undefined ? null : JSON.stringify(init.json),
      signal: AbortSignal.timeout(answerMs),
      redirect: "manual",
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
  }

  get<T>(path: string, init?: CallInit): Promise<Answer<T>> {
    return this.call<T>("GET", path, init);
  }

  put<T>(path: string, json: unknown, init?: CallInit): Promise<Answer<T>> {
    return this.call<T>("PUT", path, { ...init, json });
  }

  post<T>(path: string, json: unknown, init?: CallInit): Promise<Answer<T>> {
    return this.call<T>("POST", path, { ...init, json });
  }

  delete<T>(path: string, init?: CallInit): Promise<Answer<T>> {
    return this.call<T>("DELETE", path, init);
  }
}
