/** The version of the program, from the package.json above this file, wherever it is installed. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

let known: string | undefined;

export function programVersion(): string {
  known ??= read(import.meta.dirname);
  return known;
}

function read(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (manifest.name === "poolhouse") return String(manifest.version);
  } catch {
    // Not in this folder.
  }
  const above = dirname(folder);
  return above === folder ? "unknown" : read(above);
}
