/**
 * Writes the tables of docs/security-model.md, each between its two markers, from the tables that the server uses and from
 * trust-table.ts and provider-table.ts. `--check` fails if the file differs from what would be written.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Limit, limitTable } from "../src/config/limits.ts";
import { ownOperations, permissions } from "../src/domain/iam/actions.ts";
import { conditionKeys } from "../src/domain/iam/condition-keys.ts";
import { type Row as Holding, holdings, sharing } from "../src/http/holdings.ts";
import { writeOrCheck } from "./generated.ts";
import { type Door, doors, openAfter } from "./provider-table.ts";
import { type Cell, events, type Row, reasons, type Thing, things } from "./trust-table.ts";

const target = join(import.meta.dirname, "..", "docs", "security-model.md");
const end = "<!-- End of what is written. -->\n";

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return [heads, heads.map(() => "---"), ...rows].map(line).join("");
}

function limits(): string {
  const rows = Object.entries(limitTable).map(([name, limit]) => {
    const { fallback, least = 1, help }: Limit = limit;
    return [`\`${name}\``, String(fallback), String(least), help];
  });
  return table(["Limit", "Default", "Minimum", "Meaning"], rows);
}

function whatOneClientCanHold(): string {
  const rows = Object.values(holdings).map(({ what, limit, quantity, shared, beyond }: Holding) => {
    const howMuch =
      typeof limit === "string"
        ? `\`${limit}\` ${quantity}`
        : quantity.replace(/\{(\w+)\}/g, (_, name: string) => amount(name, limit[name]!));
    return [what, howMuch, sharing[shared], beyond];
  });
  return table(["Resource", "Limit", "Sharing", "Beyond the limit"], rows);
}

function amount(name: string, value: number): string {
  if (name !== "bytes") return String(value);
  return value >= 2 ** 20 ? `${value / 2 ** 20} MiB` : `${value / 2 ** 10} KiB`;
}

function conditions(): string {
  const rows = conditionKeys
    .filter(({ absent }) => absent === undefined)
    .map(({ name, many, help }) => [
      `\`${name.endsWith("/") ? `${name}<key>` : name}\``,
      `${help}${many ? " (several)" : ""}`,
    ]);
  return table(["Condition key", "Value"], rows);
}

function ownPermissions(): string {
  const rows = Object.entries({ ...permissions, ...ownOperations }).map(([name, help]) => [
    `\`poolhouse:${name}\``,
    help,
  ]);
  return table(["Action", "Permission to"], rows);
}

function whatEndsWhat(): string {
  const all = Object.keys(things) as Thing[];
  // A letter for each reason.
  const letters = Object.fromEntries(Object.keys(reasons).map((reason, at) => [reason, "abcdefgh"[at]!]));
  const fixed: Readonly<Record<string, string>> = { ends: "**ends**", rests: "rests", none: "–" };
  const shown = (cell: Cell) => fixed[cell] ?? letters[cell]!;
  const rows = Object.entries(events).map(([event, row]) => [
    event,
    ...all.map((thing) => shown((row as Row)[thing])),
  ]);
  return `${all.map((thing, at) => `${at + 1}. ${things[thing]}`).join("\n")}

${table(["Event", ...all.map((_, at) => String(at + 1))], rows)}
**ends**: it is no longer valid. rests: it is not valid until the event is undone. –: does not apply to such a user.
Otherwise it remains valid:

${Object.entries(reasons)
  .map(([reason, text]) => `- ${letters[reason]}: ${text}\n`)
  .join("")}`;
}

function whatEndsSignInsElsewhere(): string {
  const all = Object.keys(doors) as Door[];
  const rows = Object.entries(openAfter).map(([event, open]: [string, readonly Door[]]) => [
    event,
    ...all.map((door) => (open.includes(door) ? "lets in" : "**ends**")),
  ]);
  return table(["Event", ...all.map((door) => doors[door])], rows);
}

/** The text of each table, by the file that it is generated from. */
const written: Readonly<Record<string, string>> = {
  "src/config/limits.ts": limits(),
  "src/http/holdings.ts": whatOneClientCanHold(),
  "src/domain/iam/condition-keys.ts": conditions(),
  "src/domain/iam/actions.ts": ownPermissions(),
  "tools/provider-table.ts": whatEndsSignInsElsewhere(),
  "tools/trust-table.ts": whatEndsWhat(),
};

const document = readFileSync(target, "utf8");
let changed = document;
for (const [source, text] of Object.entries(written)) {
  const begin = `<!-- Written by \`npm run generate\` from ${source}. -->\n`;
  const from = changed.indexOf(begin);
  const to = changed.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`docs/security-model.md has lost the markers of ${source}.`);
  changed = changed.slice(0, from) + begin + text + changed.slice(to);
}

writeOrCheck("docs/security-model.md", changed);
