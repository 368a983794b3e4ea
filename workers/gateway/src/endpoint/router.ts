import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/**
 * Hono's trie, with the matches of paths without parameters remembered: the hot path, `POST /v1/limits/check`, is one. Hono's
 * own fast router, RegExpRouter, refuses a table that has both `/v1/limits/check` and `/v1/limits/:name/…`.
 */
export class StaticFirstRouter<T> implements Router<T> {
  name = "StaticFirstRouter";
  readonly #trie = new TrieRouter<T>();
  readonly #staticPaths = new Set<string>();
  /** At most one match for each static path and method of the table. */
  readonly #matches = new Map<string, Result<T>>();

  add(method: string, path: string, handler: T): void {
    this.#trie.add(method, path, handler);
    if (!/[:*]/.test(path)) this.#staticPaths.add(`${method} ${path}`);
  }

  match(method: string, path: string): Result<T> {
    const id = `${method} ${path}`;
    const known = this.#matches.get(id);
    if (known !== undefined) return known;
    const match = this.#trie.match(method, path);
    if (this.#staticPaths.has(id)) this.#matches.set(id, match);
    return match;
  }
}
