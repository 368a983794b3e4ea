/**
 * The tables of one object. A step is never changed once it has been released; a new one is appended. Everything is keyed
 * by what it is looked up with and has no second index, which would double the rows written.
 */
const steps: readonly string[] = [
  `CREATE TABLE limits (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     version INTEGER NOT NULL,
     numbers TEXT NOT NULL
   ) STRICT;
   CREATE TABLE overrides (
     limit_id INTEGER NOT NULL,
     key TEXT NOT NULL,
     version INTEGER NOT NULL,
     override TEXT,
     changed_ms INTEGER NOT NULL,
     PRIMARY KEY (limit_id, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE keys (
     limit_id INTEGER NOT NULL,
     key TEXT NOT NULL,
     state TEXT NOT NULL,
     PRIMARY KEY (limit_id, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE reservations (
     id TEXT NOT NULL PRIMARY KEY,
     limit_id INTEGER NOT NULL,
     key TEXT NOT NULL,
     cost INTEGER NOT NULL,
     charged_ms INTEGER NOT NULL,
     charged_version INTEGER NOT NULL,
     expires_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE permits (
     id TEXT NOT NULL PRIMARY KEY,
     limit_id INTEGER NOT NULL,
     key TEXT NOT NULL,
     expires_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE marks (
     id TEXT NOT NULL PRIMARY KEY,
     body_hash TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     running_until_ms INTEGER NOT NULL,
     answer TEXT,
     expires_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE parts (
     id TEXT NOT NULL PRIMARY KEY,
     body_hash TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     charges TEXT,
     verdicts TEXT NOT NULL,
     expires_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  "ALTER TABLE reservations ADD COLUMN charged_epoch TEXT NOT NULL DEFAULT ''",
];

/**
 * Brings the tables of this object up to date, all or nothing.
 *
 * @throws Error when the object was written by a newer release, which this one must not touch
 */
export function migrate(storage: DurableObjectStorage): void {
  storage.transactionSync(() => {
    const done = storage.kv.get<number>("schema") ?? 0;
    if (done > steps.length) throw new Error(`schema ${done} is newer than this release knows (${steps.length})`);
    if (done === steps.length) return;
    for (const step of steps.slice(done)) storage.sql.exec(step);
    storage.kv.put("schema", steps.length);
  });
}
