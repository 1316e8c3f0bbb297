/** Saves the root access key that a start or `keys reset-root` has created. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CreatedKey } from "../domain/iam/access-keys.ts";

/** Writes the key to a file that only its owner can read, and returns the path. */
export function keepRootKey(data: string, key: CreatedKey): string {
  const folder = join(data, "secrets");
  const path = join(folder, "root-access-key.json");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // A file of that name may already exist, with another mode.
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(key, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  renameSync(draft, path);
  return path;
}
