/** Most items of one page. */
const maxPageItems = 1_000;

/** A page of a list: at most `limit` items after `cursor`, an opaque text of an earlier page. */
export interface Page {
  readonly limit: number;
  readonly cursor?: string;
}

export interface Paged<T> {
  readonly items: readonly T[];
  /** Of the next page; absent at the end. */
  readonly cursor?: string;
}

/** How many rows to ask for: one more than the page tells whether there is a next one. */
export function rowsOf(page: Page): number {
  return Math.min(page.limit, maxPageItems) + 1;
}

/** The page of these rows, with a cursor after its last item when there is more. */
export function paged<Row, T>(
  page: Page,
  rows: readonly Row[],
  item: (row: Row) => T,
  key: (row: Row) => string,
): Paged<T> {
  const size = rowsOf(page) - 1;
  const items = rows.slice(0, size).map(item);
  const last = rows[size - 1];
  return rows.length > size && last !== undefined ? { items, cursor: encode(key(last)) } : { items };
}

/** Where the page starts: the key after which it does, "" at the beginning. A cursor that is none starts at the beginning. */
export function startOf(page: Page): string {
  if (page.cursor === undefined) return "";
  try {
    const base64 = page.cursor.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "";
  }
}

function encode(key: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(key));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
