/**
 * Writes the table of "What ends what" from trust-table.ts into docs/security-model.md, between its two markers.
 * `--check` fails if the file differs from what would be written.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cell, events, type Row, reasons, type Thing, things } from "./trust-table.ts";

const target = join(import.meta.dirname, "..", "docs", "security-model.md");
const begin = "<!-- What ends what: written by `npm run generate` from tools/trust-table.ts. -->\n";
const end = "<!-- End of what is written. -->\n";

const all = Object.keys(things) as Thing[];
const numbers = all.map((thing, at) => `${at + 1}. ${things[thing]}`);

/** A letter for each reason. */
const letters = Object.fromEntries(Object.keys(reasons).map((reason, at) => [reason, "abcdefgh"[at]!]));
const fixed: Readonly<Record<string, string>> = { ends: "**ends**", rests: "rests", none: "–" };

const shown = (cell: Cell) => fixed[cell] ?? letters[cell]!;
const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

const written = `${begin}${numbers.join("\n")}

${line(["Event", ...all.map((_, at) => String(at + 1))])}
${line(["---", ...all.map(() => "---")])}
${Object.entries(events)
  .map(([event, row]) => line([event, ...all.map((thing) => shown((row as Row)[thing]))]))
  .join("\n")}

**ends**: it is no longer valid. rests: it is not valid until the event is undone. –: does not apply to such a user.
Otherwise it remains valid:

${Object.entries(reasons)
  .map(([reason, text]) => `- ${letters[reason]}: ${text}`)
  .join("\n")}
${end}`;

const document = readFileSync(target, "utf8");
const [from, to] = [document.indexOf(begin), document.indexOf(end)];
if (from < 0 || to < from) throw new Error("docs/security-model.md has lost the markers of its table.");
const changed = document.slice(0, from) + written + document.slice(to + end.length);

if (process.argv.includes("--check")) {
  if (changed !== document) {
    console.error("docs/security-model.md is out of date: npm run generate");
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, changed);
}
