/** The server's own records: an SQLite file in the current folder. A record's id is the name of its user in the pool. */
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

export interface Account {
  readonly id: string;
  readonly name: string;
  /** A copy: the pool knows better. */
  readonly email: string;
  /** Pending until its user is known to have the password. */
  readonly state: "pending" | "ready";
  readonly createdAt: string;
}

// The files that this process creates are for its owner alone.
process.umask(0o077);
const db = new DatabaseSync("accounts.db");
// The order of accounts.ts holds within one process, so the file admits no second one.
db.exec(`
  PRAGMA locking_mode = EXCLUSIVE;
  BEGIN EXCLUSIVE;
  CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'ready')),
    createdAt TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS accountsByEmail ON accounts (email);
  CREATE UNIQUE INDEX IF NOT EXISTS pendingByEmail ON accounts (email) WHERE state = 'pending';
  COMMIT;
`);

const one = (sql: string, ...values: string[]) => db.prepare(sql).get(...values) as Account | undefined;

export const find = (id: string) => one("SELECT * FROM accounts WHERE id = ?", id);

export const findByEmail = (email: string) =>
  one("SELECT * FROM accounts WHERE email = ? ORDER BY state, id", email);

export const begin = (name: string, email: string) =>
  one(
    "INSERT INTO accounts VALUES (?, ?, ?, 'pending', ?) RETURNING *",
    ...[randomUUID(), name, email, new Date().toISOString()],
  )!;

/** The account is ready, with the address that its user has. */
export const settle = (id: string, email: string) =>
  one("UPDATE accounts SET state = 'ready', email = ? WHERE id = ? RETURNING *", email, id)!;

export const rename = (id: string, name: string) =>
  one("UPDATE accounts SET name = ? WHERE id = ? RETURNING *", name, id)!;

export const remove = (id: string) => void db.prepare("DELETE FROM accounts WHERE id = ?").run(id);
