/**
 * Reads what strace (`-f -y -xx`) saw of a server: what it wrote to which file and socket, and which syncs began and
 * ended when. Calls are in the order in which they began and ended; one that was interrupted by another thread's has
 * two lines.
 */
import { readFileSync } from "node:fs";

export interface Call {
  readonly name: string;
  /** The path or `socket:[…]` behind the first descriptor; for calls by name, the name. */
  readonly file: string;
  /** The bytes written. */
  readonly data: Buffer;
  /** Of pwrite64: where to. Of ftruncate: the new length. */
  readonly offset: number;
  /** Line numbers of its beginning and its end: they order calls. */
  readonly began: number;
  readonly ended: number;
}

/** What strace is told: only what matters here, bytes whole and in hexadecimal. */
export const straceArguments = (output: string): string[] => [
  "-D",
  "-f",
  "-y",
  "-xx",
  "--string-limit=70000",
  "--seccomp-bpf",
  "--trace=pwrite64,write,writev,fdatasync,fsync,ftruncate,unlink",
  "--signal=none",
  `--output=${output}`,
];

/** Successful calls, by their end. */
export function readTrace(path: string): Call[] {
  const calls: Call[] = [];
  const begun = new Map<string, { text: string; line: number }>();
  readFileSync(path, "latin1")
    .split("\n")
    .forEach((whole, line) => {
      const [, thread = "", text = ""] = /^(\d+) +(.*)$/s.exec(whole) ?? [];
      if (text.endsWith(" <unfinished ...>")) {
        begun.set(thread, { text: text.slice(0, -" <unfinished ...>".length), line });
        return;
      }
      const resumed = /^<\.\.\. \w+ resumed>/.exec(text)?.[0];
      const start = resumed === undefined ? undefined : begun.get(thread);
      const call = parse(start === undefined ? text : start.text + text.slice(resumed!.length));
      if (call !== undefined) calls.push({ ...call, began: start?.line ?? line, ended: line });
    });
  return calls;
}

function parse(text: string): Omit<Call, "began" | "ended"> | undefined {
  const [, name = "", rest = "", result = ""] = /^(\w+)\((.*)\) += (-?\d+)/s.exec(text) ?? [];
  if (name === "" || result.startsWith("-")) return undefined;
  const file = bytes(/^(?:"|\d+<)([^">]*)/.exec(rest)?.[1] ?? "").toString();
  const texts = name === "unlink" ? [] : [...rest.matchAll(/"([^"]*)"/g)].map((match) => bytes(match[1]!));
  const offset = /, (\d+)$/.exec(rest)?.[1] ?? "0";
  return { name, file, data: Buffer.concat(texts), offset: Number(offset) };
}

const bytes = (hex: string) => Buffer.from(hex.replaceAll("\\x", ""), "hex");

export const isWal = (call: Call) => call.file.endsWith("-wal");
export const isSync = (call: Call) => call.name === "fdatasync" || call.name === "fsync";

export interface Answer {
  readonly text: string;
  readonly began: number;
}

/** The HTTP answers of success. */
export function answersOf(calls: readonly Call[]): Answer[] {
  return calls
    .filter(({ file, data }) => file.startsWith("socket:") && data.subarray(0, 12).equals(ok))
    .map(({ data, began }) => ({ text: data.toString("latin1"), began }));
}
const ok = Buffer.from("HTTP/1.1 200");

/** One commit in the write-ahead log: the pages of its frames, and the line on which its last byte was written. */
export interface Commit {
  readonly pages: readonly Buffer[];
  readonly ended: number;
}

/** https://www.sqlite.org/fileformat2.html#walformat: bytes 4 to 8 of a frame's header are not 0 in a commit's last one. */
export function commitsOf(calls: readonly Call[]): Commit[] {
  const commits: Commit[] = [];
  let pages: Buffer[] = [];
  let last = false;
  for (const { data, ended } of calls.filter((call) => isWal(call) && call.name === "pwrite64")) {
    if (data.length === 24) last = data.readUInt32BE(4) !== 0;
    if (data.length < 512) continue;
    pages.push(data);
    if (!last) continue;
    commits.push({ pages, ended });
    pages = [];
  }
  return commits;
}
