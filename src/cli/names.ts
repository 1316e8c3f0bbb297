/** `poolhouse names`: ids of clients and pools, and domains, that a pool gave up and that others cannot take yet. */
import { randomBytes } from "node:crypto";
import { recorded } from "../domain/audit/command.ts";
import { domainKey } from "../domain/user-pools/domains.ts";
import { listRetiredNames, type NameKind, releaseName } from "../store/retired-names.ts";
import { CommandError, type Given, readArguments, timeText, withDatabase } from "./command-line.ts";
import { operator } from "./operator.ts";

const usage = `poolhouse names list [--json]
poolhouse names release client|domain|pool NAME
Names that were deleted belong to their pool for a year; a name that is released is free for every pool at once. Do not
release a name that applications, browsers or people still use for the former pool. The flags of serve choose the database.`;

const kinds: readonly string[] = ["client", "domain", "pool"] satisfies NameKind[];

export async function names(argv: readonly string[]): Promise<void> {
  const [action, ...rest] = argv;
  if (action === "list")
    return list(readArguments(rest, { options: { json: { type: "boolean" } }, operands: 0, usage }));
  if (action === "release") return release(readArguments(rest, { options: {}, operands: 2, usage }));
  throw new CommandError(usage, 2);
}

async function list({ config, flag }: Given): Promise<void> {
  const all = await withDatabase(config, ({ db }) => listRetiredNames(db, Date.now()));
  const rows = all.map(({ kind, name, poolId, retiredAt, freeAt }) => ({
    kind,
    name,
    pool: poolId,
    retiredAt: timeText(retiredAt),
    freeAt: timeText(freeAt),
  }));
  if (flag("json")) return console.log(JSON.stringify(rows, null, 2));
  const row = (...cells: string[]) =>
    console.log(cells.map((cell, index) => cell.padEnd([6, 20, 24, 0][index]!)).join("  "));
  row("KIND", "FREE FROM", "FORMER POOL", "NAME");
  for (const { kind, freeAt, pool, name } of rows) row(kind, freeAt, pool, name);
}

async function release({ config, operands: [kind = "", given = ""] }: Given): Promise<void> {
  if (!kinds.includes(kind)) throw new CommandError(usage, 2);
  // Domains are stored in canonical form.
  const name = kind === "domain" ? (domainKey(given) ?? given) : given;
  await withDatabase(config, async ({ db }) => {
    const program = { db, random: (bytes: number) => randomBytes(bytes), clock: Date.now };
    const released = await recorded(
      program,
      operator(),
      async (tx) => (await releaseName(tx, kind as NameKind, name)) ?? false,
      (done) => ({
        operation: "ReleaseName",
        target: name,
        ...(done !== false && { poolId: done.poolId, details: { kind } }),
      }),
    );
    if (released === false) throw new CommandError(`There is no retired ${kind} ${name}.`);
  });
  console.log(`${name}: free for every pool`);
}
