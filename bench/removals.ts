/**
 * `npm run bench -- removals`: how long one statement or transaction holds others up while much is removed at once, or has
 * expired. With SQLite that is CPU time of the thread that answers requests; with PostgreSQL, which goes on answering
 * others, the time of the longest statement.
 */
import { sql } from "kysely";
import { pino } from "pino";
import { deleteClient } from "../src/store/client-removal.ts";
import { type Db, inTransaction } from "../src/store/db.ts";
import { deleteGroup } from "../src/store/groups.ts";
import { openDatabase } from "../src/store/open.ts";
import { deletePool, emptyPool } from "../src/store/pool-removal.ts";
import { sweep, sweepEvents } from "../src/store/sweep.ts";
import { revokeManyFamilies, signOutUser } from "../src/store/token-families.ts";
import { deleteUser } from "../src/store/user-removal.ts";
import { newDatabase } from "./lib/database.ts";
import { watchHolds, watchStatements } from "./lib/holds.ts";
import { quantile } from "./lib/load.ts";
import { insertEvents, insertFamilies, insertRows, insertUsers, numbered } from "./lib/rows.ts";
import { masterKey, startPoolhouse } from "./lib/server.ts";
import { makePool } from "./lib/stage.ts";
import { table } from "./lib/table.ts";
import { loadUsers, userName } from "./lib/users.ts";

export const name = "removals";

/** The longest hold, in milliseconds. */
const goal = 20;
const day = 24 * 3600_000;

interface Place {
  readonly poolId: string;
  readonly clientId: string;
  readonly userId: string;
  readonly number: number;
}

interface Work {
  readonly title: string;
  fill(db: Db, place: Place): Promise<void>;
  run(db: Db, place: Place): Promise<unknown>;
}

const families = (db: Db, place: Place, count: number) => insertFamilies(db, count, place);
const events = (db: Db, { poolId, number }: Place, count: number, ageMs = 0) =>
  insertEvents(db, count, { poolId, number: sql.lit(number), ageMs });

const works: readonly Work[] = [
  {
    title: "GlobalSignOut or a password reset, 10,000 families",
    fill: (db, place) => families(db, place, 10_000),
    run: async (db, { poolId, userId }) => {
      await revokeManyFamilies(db, poolId, userId, Date.now());
      await inTransaction(db, (tx) => signOutUser(tx, poolId, userId, Date.now()));
    },
  },
  {
    title: "Sweep, 1,000,000 events",
    fill: (db, place) => events(db, place, 1_000_000, 400 * day),
    run: (db) => sweepEvents(db, Date.now(), { audit: 90, auth: 90 }),
  },
  {
    title: "Sweep, 1,000,000 families",
    fill: (db, place) =>
      insertFamilies(db, 1_000_000, { ...place, userId: "gone", expiresAt: Date.now() - 9 * day }),
    run: (db) => sweep(db, Date.now()),
  },
  {
    title: "DeleteUser, 10,000 families, 100,000 events",
    fill: (db, place) => events(db, place, 100_000),
    run: (db, { poolId, userId }) => deleteUser(db, poolId, userId),
  },
  {
    title: "DeleteGroup, 100,000 members",
    fill: async (db, { poolId }) => {
      await insertUsers(db, poolId, 100_000);
      const group = { pool_id: poolId, group_name: "g", created_at: 0 };
      await insertRows(db, "groups", 1, { ...group, updated_at: 0 });
      await insertRows(db, "group_members", 100_000, { ...group, user_id: numbered("copy-") });
    },
    run: (db, { poolId }) => deleteGroup(db, poolId, "g"),
  },
  {
    title: "DeleteUserPoolClient, 100,000 families of 200,000",
    fill: async (db, place) => {
      await insertFamilies(db, 100_000, { ...place, userId: "copy-1" });
      await insertFamilies(db, 100_000, { ...place, userId: "copy-2", clientId: "another" });
    },
    run: (db, { poolId, clientId }) => deleteClient(db, poolId, clientId, Date.now()),
  },
  {
    title: "DeleteUserPool, 100,000 users, 100,000 families",
    fill: async () => {},
    run: async (db, { poolId }) => {
      await deletePool(db, poolId, Date.now());
      // As the sweep goes on.
      await emptyPool(db, poolId);
    },
  },
];

export async function run({ kinds }: { readonly kinds: readonly string[] }): Promise<void> {
  for (const kind of kinds) {
    const database = await newDatabase(kind);
    const server = await startPoolhouse(database.url);
    const pool = await makePool(server);
    await server.close();
    await loadUsers({ database: { url: database.url, masterKey }, poolId: pool.poolId, users: 2 });
    const opened = await openDatabase({ url: database.url, masterKey, log: pino({ level: "error" }) });
    const { rows } = await sql<{ user_id: string; number: number }>`select user_id, number from users
      where pool_id = ${pool.poolId} and username = ${userName(0)}`.execute(opened.db.kysely);
    const place = { ...pool, userId: rows[0]!.user_id, number: Number(rows[0]!.number) };
    const measured: string[][] = [];
    for (const work of works) measured.push(await measureOne(opened.db, work, place));
    console.log(`\n${kind}\n`);
    console.log(table(["removed", "holds", "p50 ms", "p99 ms", "longest", "goal", "in all, s"], measured));
    await opened.close();
    await database.remove();
  }
}

async function measureOne(db: Db, work: Work, place: Place): Promise<string[]> {
  await work.fill(db, place);
  if (db.kind === "postgres") await sql`vacuum analyze`.execute(db.kysely);
  const holds = db.kind === "sqlite" ? watchHolds() : watchStatements();
  const began = performance.now();
  await work.run(db, place);
  const seconds = (performance.now() - began) / 1000;
  holds.stop();
  const took = holds.took.toSorted((a, b) => a - b);
  const times = [quantile(took, 0.5), quantile(took, 0.99), took.at(-1) ?? 0].map((ms) => ms.toFixed(1));
  return [work.title, `${took.length}`, ...times, `≤ ${goal}`, seconds.toFixed(1)];
}
