/** The version of the program, from the package.json above this file, wherever it is installed. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

function readVersion(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (manifest.name === "poolhouse") return String(manifest.version);
  } catch {
    // Not in this folder.
  }
  const above = dirname(folder);
  return above === folder ? "unknown" : readVersion(above);
}

export const programVersion = readVersion(import.meta.dirname);

/** What requests of this program to services elsewhere name as their User-Agent. */
export const userAgent = `poolhouse/${programVersion}`;
