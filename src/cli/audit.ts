/** `poolhouse audit`: reads the audit log, with or without a running server. */
import { setTimeout as delay } from "node:timers/promises";
import { isUuid, uuid7Floor } from "../lib/uuid.ts";
import { type AuditEvent, type AuditSearch, listAuditEvents } from "../store/audit.ts";
import type { Db } from "../store/db.ts";
import { type Given, readArguments, timeText } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { Table } from "./text.ts";
import { wrongUsage } from "./usage.ts";

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

const wrong = wrongUsage("audit");

export async function audit(argv: readonly string[]): Promise<void> {
  const given = readArguments(argv, { options, operands: 0, wrong });
  const search = searchOf(given);
  const limit = limitOf(given.text("limit"));
  const print = given.flag("json") ? printJson : rowPrinter(given.flag("follow"));
  await withDatabase(given.config, async ({ db }) => {
    // Existing events are not new, even if they are not among the newest ones shown.
    const known = new Set<string>();
    if (given.flag("follow"))
      for await (const page of recent(db, search)) for (const { id } of page) known.add(id);
    await printNewest(db, search, limit, (events) => {
      for (const { id } of events) known.add(id);
      print(events);
    });
    if (given.flag("follow")) await follow(db, search, known, print);
  });
}

function searchOf({ config, text: option }: Given): AuditSearch {
  const result = option("result");
  if (result !== undefined && result !== "ok" && result !== "error") throw wrong("--result is ok or error.");
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
  if (Number.isNaN(at)) throw wrong(`${given} is no time.`);
  return at;
}

function limitOf(given = "100"): number {
  if (!/^\d{1,9}$/.test(given)) throw wrong("--limit is a number; 0 shows all.");
  return given === "0" ? Number.POSITIVE_INFINITY : Number(given);
}

/** Rows per query. */
const pageSize = 1_000;

/** Prints the newest `limit` events that match, oldest first. */
async function printNewest(db: Db, search: AuditSearch, limit: number, print: Print): Promise<void> {
  const from = Number.isFinite(limit) ? await beginningOf(db, search, limit) : (search.from ?? uuid7Floor(0));
  if (from === undefined) return print([]);
  for await (const page of pagesOf(db, { ...search, from })) print(page);
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

/** All events that match, oldest first, page by page; the last page may be empty. */
async function* pagesOf(db: Db, search: AuditSearch): AsyncGenerator<readonly AuditEvent[]> {
  for (let from = search.from; ; ) {
    const found = await listAuditEvents(db, { ...search, from }, { limit: pageSize, order: "oldest first" });
    yield found;
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
  pagesOf(db, { ...search, from: uuid7Floor(Date.now() - pollOverlap), to: undefined });

/** Prints new events as they appear, until the process is ended. */
async function follow(db: Db, search: AuditSearch, known: ReadonlySet<string>, print: Print): Promise<never> {
  for (let before = known; ; ) {
    const now = new Set<string>();
    for await (const page of recent(db, search)) {
      for (const { id } of page) now.add(id);
      const fresh = page.filter(({ id }) => !before.has(id));
      if (fresh.length > 0) print(fresh);
    }
    before = now;
    await delay(lookEvery);
  }
}

type Print = (events: readonly AuditEvent[]) => void;

/** Prints one JSON object per line. */
function printJson(events: readonly AuditEvent[]): void {
  for (const { at, ...event } of events)
    console.log(JSON.stringify({ at: new Date(at).toISOString(), ...event }));
}

const head = ["TIME", "OPERATION", "RESULT", "ACTOR", "POOL", "TARGET", "ADDRESS"];

/** Widths that most rows fit into, where the heading is printed before them. */
const usualWidths = [20, 28, 24, 28, 20, 36];

/** Prints rows below one heading. @param goesOn whether more rows come than the first ones */
function rowPrinter(goesOn: boolean): Print {
  const table = new Table(goesOn ? usualWidths : []);
  let heading: string[][] = [head];
  return (events) => {
    const lines = table.lines([...heading, ...events.map(rowOf)]);
    heading = [];
    for (const line of lines) console.log(line);
  };
}

function rowOf(event: AuditEvent): string[] {
  return [
    timeText(event.at),
    event.operation,
    event.result,
    event.actor.replace(/^arn:aws:iam::\d+:/, ""),
    event.poolId ?? "-",
    event.target ?? "-",
    event.address ?? "-",
  ];
}
