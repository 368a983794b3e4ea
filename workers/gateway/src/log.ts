export type Level = "debug" | "info" | "warn" | "error";

const ranks: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Plain members of a log line. Never credentials, bodies or keys: a log is read by more people than the data is. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one JSON object a line. */
export class Log {
  readonly #rank: number;
  readonly #write: (line: string) => void;

  constructor(level: Level, write: (line: string) => void = (line) => console.log(line)) {
    this.#rank = ranks[level];
    this.#write = write;
  }

  /** Whether lines of `level` are written; asked before fields are gathered on hot paths. */
  writes(level: Level): boolean {
    return ranks[level] >= this.#rank;
  }

  /** Writes a line when `level` is high enough. */
  write(level: Level, message: string, fields: Fields = {}): void {
    if (!this.writes(level)) return;
    this.#write(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));
  }
}
