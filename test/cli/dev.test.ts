/** `npm run dev` notices every change of a source, however it is saved (tools/restart.ts). */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { keepRunning } from "../../tools/restart.ts";
import { temporaryFolder } from "../kit/databases.ts";

/** What it prints: the value of another file. It runs until it is ended, its standard input being open. */
const program = `import { value } from "./rooms/value.ts";
process.stdin.resume();
process.on("SIGTERM", () => process.exit(3));
console.log(value);
`;

interface Kept {
  readonly folder: string;
  readonly value: string;
  /** Resolves with the next line that is printed, by the program or about it. */
  next(): Promise<string>;
  stop(): Promise<number>;
  readonly starts: number;
}

async function keep(t: TestContext): Promise<Kept> {
  const top = temporaryFolder();
  const folder = join(top, "src");
  mkdirSync(join(folder, "rooms"), { recursive: true });
  writeFileSync(join(top, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "main.ts"), program);
  const value = join(folder, "rooms", "value.ts");
  writeFileSync(value, 'export let value = "one";\n');
  const lines: string[] = [];
  let heard = () => {};
  const say = (line: string) => {
    lines.push(line);
    heard();
  };
  let starts = 0;
  const start = (): ChildProcess => {
    starts += 1;
    const child = spawn(process.execPath, [join(folder, "main.ts")], { stdio: ["pipe", "pipe", "ignore"] });
    createInterface({ input: child.stdout! }).on("line", say);
    return child;
  };
  const { stop } = keepRunning({ folder, start, say });
  t.after(() => stop("SIGKILL"));
  const next = async () => {
    if (lines.length === 0) await new Promise<void>((resolve) => (heard = resolve));
    return lines.shift()!;
  };
  assert.equal(await next(), "one");
  return {
    folder,
    value,
    next,
    stop: () => stop("SIGTERM"),
    get starts() {
      return starts;
    },
  };
}

/** As editors and git save: under another name first, then put in place. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}~`, text);
  renameSync(`${path}~`, path);
}

test("a file that is replaced, appended to and replaced again is one restart each", async (t) => {
  const kept = await keep(t);
  const steps: [string, () => void][] = [
    ["two", () => replace(kept.value, 'export let value = "two";\n')],
    ["two+", () => appendFileSync(kept.value, 'value += "+";\n')],
    ["three", () => replace(kept.value, 'export let value = "three";\n')],
    ["three+", () => appendFileSync(kept.value, 'value += "+";\n')],
  ];
  for (const [printed, save] of steps) {
    save();
    assert.equal(await kept.next(), "rooms/value.ts has changed: starting again.");
    assert.equal(await kept.next(), printed);
  }
  assert.equal(kept.starts, 1 + steps.length);
  assert.equal(await kept.stop(), 3, "the exit code is that of the program");
});

test("folders that are made, replaced and nested are watched, too", async (t) => {
  const kept = await keep(t);
  const restarted = async (file: string, printed: string) => {
    assert.equal(await kept.next(), `${file} has changed: starting again.`);
    assert.equal(await kept.next(), printed);
  };
  const made = join(kept.folder, "made");
  mkdirSync(made);
  await restarted("made", "one");
  mkdirSync(join(made, "deeper"));
  await restarted("made/deeper", "one");
  writeFileSync(join(made, "deeper", "new.ts"), "");
  await restarted("made/deeper/new.ts", "one");
  const [rooms, moved] = [join(kept.folder, "rooms"), join(kept.folder, "..", "moved")];
  mkdirSync(moved);
  writeFileSync(join(moved, "value.ts"), 'export let value = "of the folder";\n');
  renameSync(rooms, join(kept.folder, "..", "former"));
  renameSync(moved, rooms);
  // Between the two it may have been started without the folder.
  while ((await kept.next()) !== "of the folder");
  replace(kept.value, 'export let value = "in it";\n');
  await restarted("rooms/value.ts", "in it");
});

test("after a mistake it waits for the next change", async (t) => {
  const kept = await keep(t);
  replace(kept.value, "export let value = ;\n");
  assert.equal(await kept.next(), "rooms/value.ts has changed: starting again.");
  assert.equal(await kept.next(), "Ended with 1. Starts again when a file changes.");
  replace(kept.value, 'export let value = "mended";\n');
  assert.equal(await kept.next(), "rooms/value.ts has changed: starting again.");
  assert.equal(await kept.next(), "mended");
  assert.equal(kept.starts, 3);
});
