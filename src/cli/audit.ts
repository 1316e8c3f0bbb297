/** `poolhouse audit`: reads the audit log, with or without a running server. */
import { setTimeout as delay } from "node:timers/promises";
import { isUuid, uuid7Floor } from "../lib/uuid.ts";
import { type AuditEvent, type AuditSearch, listAuditEvents } from "../store/audit.ts";
import type { Db } from "../store/db.ts";
import { CommandError, type Given, readArguments, timeText, withDatabase } from "./command-line.ts";

const usage = `poolhouse audit [--since WHEN] [--until WHEN] [--pool ID] [--actor WHO] [--operation NAME] [--target ID]
                [--result ok|error] [--limit N] [--json] [--follow]
WHEN is a date (2026-01-31), a time (2026-01-31T12:00:00Z) or how long ago (30m, 24h, 7d). WHO is a principal's ARN or
its name, a user's id, cli:<account> or system. The newest N (100 unless given; 0: all) are shown, oldest first.
--follow goes on with what comes. The flags of serve choose the database.`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;
const options = {
  since: text,
  until: text,
  pool: text,
  actor: text,
  operation: text,
  target: text,
  result: text,
  limit: text,
  json: flag,
  follow: flag,
};

export async function audit(argv: readonly string[]): Promise<void> {
  const given = readArguments(argv, { options, operands: 0, usage });
  const search = searchOf(given);
  const limit = limitOf(given.text("limit"));
  const print = given.flag("json") ? printJson : printRow;
  await withDatabase(given.config, async ({ db }) => {
    // Existing events are not new, even if they are not among the newest ones shown.
    const known = new Set<string>();
    if (given.flag("follow")) for await (const { id } of recent(db, search)) known.add(id);
    if (!given.flag("json")) printRow(undefined);
    await printNewest(db, search, limit, (event) => {
      known.add(event.id);
      print(event);
    });
    if (given.flag("follow")) await follow(db, search, known, print);
  });
}

function searchOf({ config, text: option }: Given): AuditSearch {
  const result = option("result");
  if (result !== undefined && result !== "ok" && result !== "error") throw new CommandError(usage, 2);
  const actor = option("actor");
  const when = (name: string) => {
    const given = option(name);
    return given === undefined ? undefined : uuid7Floor(timeOf(given));
  };
  return {
    from: when("since"),
    to: when("until"),
    poolId: option("pool"),
    // A plain name is that of an access key.
    actor: actor !== undefined && /^[\w+=,.@-]+$/.test(actor) ? actorOf(actor, config.accountId) : actor,
    operation: option("operation"),
    target: option("target"),
    result,
  };
}

function actorOf(name: string, accountId: string): string {
  if (name === "system" || isUuid(name)) return name;
  return `arn:aws:iam::${accountId}:${name === "root" ? "root" : `user/${name}`}`;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function timeOf(given: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(given) ?? [];
  if (count !== undefined && unit !== undefined) return Date.now() - Number(count) * units[unit]!;
  const at = /^\d{4}-\d{2}-\d{2}/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(at)) throw new CommandError(`${given} is no time.\n${usage}`, 2);
  return at;
}

function limitOf(given = "100"): number {
  if (!/^\d{1,9}$/.test(given)) throw new CommandError(usage, 2);
  return given === "0" ? Number.POSITIVE_INFINITY : Number(given);
}

/** Rows per query. */
const pageSize = 1_000;

/** Prints the newest `limit` events that match, oldest first. */
async function printNewest(db: Db, search: AuditSearch, limit: number, print: Print): Promise<void> {
  const from = Number.isFinite(limit) ? await beginningOf(db, search, limit) : (search.from ?? uuid7Floor(0));
  if (from === undefined) return;
  for await (const event of eventsOf(db, { ...search, from })) print(event);
}

/** The id of the `limit`-th newest event, or else of the oldest one; undefined if there is none. */
async function beginningOf(db: Db, search: AuditSearch, limit: number): Promise<string | undefined> {
  let first: string | undefined;
  for (let left = limit; left > 0; left -= pageSize) {
    const page = { limit: Math.min(left, pageSize), order: "newest first" } as const;
    const found = await listAuditEvents(db, { ...search, to: first ?? search.to }, page);
    first = found.at(-1)?.id ?? first;
    if (found.length < page.limit) break;
  }
  return first;
}

/** All events that match, oldest first, read page by page. */
async function* eventsOf(db: Db, search: AuditSearch): AsyncGenerator<AuditEvent> {
  for (let from = search.from; ; ) {
    const found = await listAuditEvents(db, { ...search, from }, { limit: pageSize, order: "oldest first" });
    yield* found;
    if (found.length < pageSize) return;
    // The smallest id after this one: no UUID has a sixth part.
    from = `${found.at(-1)!.id}-`;
  }
}

/**
 * How far each poll looks back, in milliseconds: more than a request can take. An event has the id of its call's
 * beginning but appears at its end, so a new event may sort before those already shown.
 */
const pollOverlap = 90_000;
const lookEvery = 500;

const recent = (db: Db, search: AuditSearch) =>
  eventsOf(db, { ...search, from: uuid7Floor(Date.now() - pollOverlap), to: undefined });

/** Prints new events as they appear, until the process is ended. */
async function follow(db: Db, search: AuditSearch, known: ReadonlySet<string>, print: Print): Promise<never> {
  for (let before = known; ; ) {
    const now = new Set<string>();
    for await (const event of recent(db, search)) {
      now.add(event.id);
      if (!before.has(event.id)) print(event);
    }
    before = now;
    await delay(lookEvery);
  }
}

type Print = (event: AuditEvent) => void;

/** Prints one JSON object per line. */
function printJson({ at, ...event }: AuditEvent): void {
  console.log(JSON.stringify({ at: new Date(at).toISOString(), ...event }));
}

const widths = [20, 28, 24, 28, 20, 36];

/** Prints an event as a row; the heading if there is none. */
function printRow(event: AuditEvent | undefined): void {
  const cells =
    event === undefined
      ? ["TIME", "OPERATION", "RESULT", "ACTOR", "POOL", "TARGET", "ADDRESS"]
      : [
          timeText(event.at),
          event.operation,
          event.result,
          event.actor.replace(/^arn:aws:iam::\d+:/, ""),
          event.poolId ?? "-",
          event.target ?? "-",
          event.address ?? "-",
        ];
  console.log(cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  "));
}
