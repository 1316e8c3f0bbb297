/** The database that DATABASE_URL names, and waiting for it. */
import { setTimeout as pause } from "node:timers/promises";
import knex, { type Knex } from "knex";
import { NodeSqlite } from "./node-sqlite.ts";

/** What the operator is told without a stack. */
export class Refusal extends Error {}

/** @param patience seconds to wait, with SQLite, for another connection that writes */
export function openDatabase(url: string, patience = 3): Knex {
  const common = {
    pool: { min: 0, max: 10 },
    acquireConnectionTimeout: 5_000,
    // Errors name statements without the values in them, which are personal data.
    compileSqlOnError: false,
    // Knex warns of errors that it also throws.
    log: { warn: () => {} },
  };
  const isKnown = /^(?:postgres(?:ql)?|mysql|mariadb):/.test(url);
  if (!isKnown && /^[\w+.-]+:\/\//.test(url))
    throw new Refusal(
      "DATABASE_URL must begin with postgres://, mysql:// or mariadb://, or be the name of an SQLite file.",
    );
  if (!isKnown)
    // Beside what Knex knows, what node-sqlite.ts takes.
    return knex({
      ...common,
      client: NodeSqlite,
      connection: { filename: url, patience: patience * 1000 } as Knex.StaticConnectionConfig,
      useNullAsDefault: true,
    });
  if (!readable.test(url) || !URL.canParse(url))
    throw new Refusal(
      "DATABASE_URL is not a valid URL. Special characters of its user name and password must be encoded: # is %23, / is %2F, @ is %40.",
    );
  if (url.startsWith("postgres"))
    return knex({ ...common, client: "pg", connection: { connectionString: url, keepAlive: true } });
  return knex({ ...common, client: "mysql2", connection: withCharset(url) });
}

/** URLs in which nothing of a password can be taken for a host, a port or a path, and end up in messages. */
const readable = /^\w+:\/\/(?:[^\s/?#@]*@)?[^\s/?#@]*(?:[/?][^\s#@]*)?$/;

/** Tables get the connection's character set, not the server's, which may be none for every language. */
function withCharset(url: string): string {
  const address = new URL(url);
  address.searchParams.set("charset", "utf8mb4");
  return address.href;
}

/** The database is there, but a request has waited for it long enough. */
export class Late extends Error {}

/** How long a request waits for the database, in milliseconds. */
const patienceOfRequests = 4_000;

/** Throws Late if the database takes too long, which may still do what it was sent. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Late("The database is late.")), patienceOfRequests);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

/** Waits until the database answers: a container of it that has just been started takes its time. */
export async function waitFor(database: Knex, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (let [said, next] = ["", 0]; ; ) {
    try {
      await inTime(Promise.resolve(database.raw("select 1")));
      return;
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      const reason = message || String(code);
      const now = Date.now();
      if (now >= deadline)
        throw new Refusal(`The database did not answer within ${seconds} seconds: ${reason}`);
      if (reason !== said || now >= next) {
        console.error(`Waiting for the database: ${reason}`);
        next = now + 10_000;
      }
      said = reason;
    }
    await pause(250);
  }
}

/** Whether the database answers at present. */
export const answers = (database: Knex): Promise<boolean> =>
  inTime(Promise.resolve(database.raw("select 1"))).then(
    () => true,
    () => false,
  );
