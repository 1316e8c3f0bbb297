/** The CMS' own database, as old as the CMS: its users and their articles. An SQLite file in the current folder. */
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

export interface CmsUser {
  /** The legacy id: the pool keeps it as `custom:legacy_id`. */
  readonly id: number;
  readonly username: string;
  readonly displayName: string;
  readonly email: string;
}

export interface Article {
  readonly id: number;
  readonly title: string;
}

// The files that this process creates are for its owner alone.
process.umask(0o077);
const db = new DatabaseSync("cms.db");
db.exec(`
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE COLLATE NOCASE,
    displayName TEXT NOT NULL,
    email TEXT NOT NULL,
    salt BLOB,
    hash BLOB,
    poolSub TEXT UNIQUE
  ) STRICT;
  CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY,
    author INTEGER NOT NULL REFERENCES users (id),
    title TEXT NOT NULL
  ) STRICT;
`);

const columns = "id, username, displayName, email";

export const findUser = (id: number) =>
  db.prepare(`SELECT ${columns} FROM users WHERE id = ?`).get(id) as CmsUser | undefined;

export const findByName = (username: string) =>
  db.prepare(`SELECT ${columns} FROM users WHERE username = ?`).get(username) as CmsUser | undefined;

export const allUsers = () =>
  db.prepare(`SELECT ${columns} FROM users ORDER BY username`).all() as unknown as CmsUser[];

const hashed = (password: string, salt: Uint8Array) => scryptSync(password, salt, 32);

/** Adds a user who signs in here. */
export function addUser({ username, displayName, email }: Omit<CmsUser, "id">, password: string): CmsUser {
  const salt = randomBytes(16);
  return db
    .prepare(
      `INSERT INTO users (username, displayName, email, salt, hash) VALUES (?, ?, ?, ?, ?) RETURNING ${columns}`,
    )
    .get(username, displayName, email, salt, hashed(password, salt)) as unknown as CmsUser;
}

/**
 * The record of a user who came to the pool first, and has no password here: made if there is none. Undefined if the
 * name is somebody else's.
 */
export function recordOf(poolSub: string, { username, displayName, email }: Omit<CmsUser, "id">) {
  db.prepare(
    "INSERT INTO users (username, displayName, email, poolSub) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  ).run(username, displayName, email, poolSub);
  return db.prepare(`SELECT ${columns} FROM users WHERE poolSub = ?`).get(poolSub) as CmsUser | undefined;
}

const nobodysSalt = randomBytes(16);

/** The user with this name and password. */
export function authenticate(username: string, password: string): CmsUser | undefined {
  const found = db.prepare("SELECT id, salt, hash FROM users WHERE username = ?").get(username) as
    | { id: number; salt: Uint8Array | null; hash: Uint8Array | null }
    | undefined;
  // Names that nobody has take as long.
  const given = hashed(password, found?.salt ?? nobodysSalt);
  return found?.hash && timingSafeEqual(given, found.hash) ? findUser(found.id) : undefined;
}

export const articlesOf = (author: number) =>
  db
    .prepare("SELECT id, title FROM articles WHERE author = ? ORDER BY id")
    .all(author) as unknown as Article[];

export interface SignedArticle extends Article {
  readonly displayName: string;
}

/** What everybody has written, the newest first. */
export const allArticles = () =>
  db
    .prepare(
      "SELECT articles.id, title, displayName FROM articles JOIN users ON users.id = author ORDER BY articles.id DESC",
    )
    .all() as unknown as SignedArticle[];

export const removeArticle = (id: number) => void db.prepare("DELETE FROM articles WHERE id = ?").run(id);

export const addArticle = (author: number, title: string) =>
  void db.prepare("INSERT INTO articles (author, title) VALUES (?, ?)").run(author, title);
