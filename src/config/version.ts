/** Which version of the program this is, by the package.json that lies above this file wherever it was installed. */
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
