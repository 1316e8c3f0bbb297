/**
 * `poolhouse functions logs`: what a function printed. It is read from the log itself, so that whoever may read the log
 * may read this, and nobody else.
 */
import { spawn } from "node:child_process";
import { type FileHandle, open, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { fileProblem } from "../lib/file-problem.ts";
import { CommandError } from "./command-error.ts";
import type { Given } from "./command-line.ts";
import { printable } from "./text.ts";

/** The units of docs/operating.md. */
const units = ["poolhouse", "poolhouse-functions"];

/** How often a file is looked at that may grow. Milliseconds. */
const lookEvery = 200;

export async function logs({ operands: [name = ""], text, flag }: Given): Promise<void> {
  const file = text("log");
  const follow = flag("follow");
  const names = new Set([name, name.split(":")[6]]);
  const input =
    file === "-"
      ? process.stdin
      : file === undefined
        ? journal(follow)
        : Readable.from(contents(file, follow));
  let count = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const entry = entryOf(line);
    if (entry === undefined || !names.has(entry.function)) continue;
    console.log(flag("json") ? line : lineOf(entry));
    count += 1;
  }
  if (count > 0 || follow) return;
  const journals = `the journal of the units ${units.join(" and ")}; --log names another log`;
  console.error(
    `The function ${printable(name)} has printed nothing in ${file === undefined ? journals : "this log"}.`,
  );
}

interface Entry {
  readonly time?: number;
  readonly function: string;
  readonly requestId?: string;
  readonly msg?: string;
}

/** An entry about a function; undefined if the line is anything else. */
function entryOf(line: string): Entry | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const entry = JSON.parse(line) as Partial<Entry>;
    return typeof entry.function === "string" ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}

function lineOf({ time = 0, requestId = "-", msg = "" }: Entry): string {
  return `${new Date(time).toISOString()} ${printable(requestId)} ${printable(msg)}`;
}

/** The journal of the units, as far as this account may read it. */
function journal(follow: boolean): Readable {
  const chosen = units.flatMap((unit) => ["--unit", unit]);
  const argv = ["--output=cat", "--quiet", "--no-pager", ...chosen, ...(follow ? ["--follow"] : [])];
  const child = spawn("journalctl", argv, { stdio: ["ignore", "pipe", "inherit"] });
  child.once("error", (error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "there is no journalctl here" : error.message;
    child.stdout.destroy(new CommandError(`The journal cannot be read: ${reason}. Name the log with --log.`));
  });
  return child.stdout;
}

/** The text of a file, and what is added to it. A file that took its place, or was emptied, is read from its start. */
async function* contents(path: string, follow: boolean): AsyncGenerator<Buffer> {
  let file = await openLog(path);
  let position = 0;
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(64 * 1024), position });
      position += bytesRead;
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      else if (!follow) return;
      else if (await isOther(file, path, position)) {
        await file.close();
        file = await openLog(path);
        position = 0;
      } else await pause(lookEvery);
    }
  } finally {
    await file.close();
  }
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    throw new CommandError(`The log ${path} cannot be read: ${fileProblem(error)}.`);
  }
}

async function isOther(file: FileHandle, path: string, position: number): Promise<boolean> {
  const [held, now] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return now !== undefined && (now.ino !== held.ino || now.size < position);
}
