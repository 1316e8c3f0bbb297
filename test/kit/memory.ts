/** Files in memory: many tests write little, and nobody waits for a disk. A write costs a fraction of the processor's time. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const memory = "/dev/shm";

/** Whether so many MiB are free where the system keeps files in memory. */
function hasRoom(mebibytes: number): boolean {
  try {
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize > mebibytes * 1024 * 1024;
  } catch {
    return false;
  }
}

/** A place for small files: in memory, if there is room. The runner has chosen one there for all temporary files. */
export const inMemory = (): string =>
  !tmpdir().startsWith(`${memory}/`) && hasRoom(256) ? memory : tmpdir();

/**
 * A folder in memory for all temporary files of a run, programs that tests install among them. Undefined: there is little
 * room, or programs may not be run from there. Whoever makes it removes it.
 */
export function folderInMemory(): string | undefined {
  if (!hasRoom(4096)) return undefined;
  const folder = mkdtempSync(join(memory, "poolhouse-tests-"));
  // Functions of triggers, and servers of other users, get through to what is theirs.
  chmodSync(folder, 0o755);
  const program = join(folder, "program");
  writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
  if (spawnSync(program).status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
}
