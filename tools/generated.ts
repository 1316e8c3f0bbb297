/** What the generators of documents share. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Writes a generated document; with --check it fails instead if the stored one is another. @param name below the root */
export function writeOrCheck(name: string, document: string): void {
  const target = fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (!process.argv.includes("--check")) writeFileSync(target, document);
  else if (!existsSync(target) || readFileSync(target, "utf8") !== document) {
    console.error(`${name} is out of date: npm run generate`);
    process.exitCode = 1;
  }
}
