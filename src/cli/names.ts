/** `poolhouse names`: ids of clients and pools, and domains, that a pool gave up and that others cannot take yet. */
import { recorded } from "../domain/audit/command.ts";
import { domainKey } from "../domain/user-pools/domains.ts";
import { suggestion } from "../lib/closest.ts";
import { listRetiredNames, type NameKind, releaseName } from "../store/retired-names.ts";
import { program } from "./actions.ts";
import { CommandError } from "./command-error.ts";
import { type Given, readArguments, timeText } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { operator } from "./operator.ts";
import { Table } from "./text.ts";
import { noSuchAction, wrongUsage } from "./usage.ts";

const kinds: readonly string[] = ["client", "domain", "pool"] satisfies NameKind[];

export async function names(argv: readonly string[]): Promise<void> {
  const [action = "", ...rest] = argv;
  const wrong = wrongUsage("names", [action]);
  if (action === "list")
    return list(readArguments(rest, { options: { json: { type: "boolean" } }, operands: 0, wrong }));
  if (action === "release") return release(readArguments(rest, { options: {}, operands: 2, wrong }));
  throw noSuchAction("names", action);
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
  const head = ["KIND", "FREE FROM", "FORMER POOL", "NAME"];
  const cells = rows.map(({ kind, freeAt, pool, name }) => [kind, freeAt, pool, name]);
  console.log(new Table().lines([head, ...cells]).join("\n"));
}

async function release({ config, operands: [kind = "", given = ""] }: Given): Promise<void> {
  if (!kinds.includes(kind)) {
    const problem = `${kind} is not one of ${kinds.join(", ")}.${suggestion(kind, kinds)}`;
    throw wrongUsage("names", ["release"])(problem);
  }
  // Domains are stored in canonical form.
  const name = kind === "domain" ? (domainKey(given) ?? given) : given;
  await withDatabase(config, async ({ db }) => {
    const released = await recorded(
      program(db),
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
