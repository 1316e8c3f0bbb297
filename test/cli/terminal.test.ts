/** What the program prints for people: help, tables, and the log on a terminal. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type Paint, terminalLine } from "../../src/cli/terminal-log.ts";
import { printable, Table, wrapped } from "../../src/cli/text.ts";
import { type CommandName, type Usage, usages, usageText } from "../../src/cli/usage.ts";
import { settings } from "../../src/config/settings.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { run } from "./program.ts";

const names = Object.keys(usages) as CommandName[];
const longLines = (text: string) => text.split("\n").filter((line) => line.length > 100);

test("help of every command and action fits into 100 columns", () => {
  for (const name of names) {
    const { forms }: Usage = usages[name];
    assert.deepEqual(longLines(usageText(name)), []);
    for (const [form] of forms) {
      assert.equal(form.split(" ")[0], name);
      const rest = form.split(" ").slice(1);
      const end = rest.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
      const words = end === -1 ? rest : rest.slice(0, end);
      const text = usageText(name, words);
      assert.ok(text.startsWith(`  poolhouse ${[name, ...words].join(" ")}`), text);
    }
  }
  const own = usageText("keys", ["rotate", "data"]);
  assert.match(own, /keys rotate data/);
  assert.doesNotMatch(own, /keys list|POLICY/);
});

test("--help, -h, --version and -v may stand anywhere", async () => {
  const asked: [string[], RegExp][] = [
    [["--help"], /^Poolhouse[\s\S]*Running the server\n {2}serve +run the server/],
    [["-h"], /^Poolhouse/],
    [[], /^Poolhouse/],
    [["help", "keys"], /^poolhouse keys: [\s\S]*poolhouse keys reset-root/],
    [["keys", "--help"], /^poolhouse keys: [\s\S]*poolhouse keys reset-root/],
    [
      ["keys", "create", "--name", "x", "-h"],
      /^poolhouse keys: [^\n]+\n\n {2}poolhouse keys create --name NAME/,
    ],
    [["serve", "--port", "1", "--help"], /--https-port …, POOLHOUSE_HTTPS_PORT/],
    [["doctor", "-h"], /^poolhouse doctor: /],
    [["-v"], /^Poolhouse \d+\.\d+\.\d+, Node\.js \d+/],
    [["--version"], /^Poolhouse \d/],
    [["keys", "list", "-v"], /^Poolhouse \d/],
  ];
  for (const [argv, text] of asked) assert.match((await run(...argv)).stdout, text, argv.join(" "));
  const { stdout } = await run("help");
  assert.deepEqual(longLines(stdout), []);
  for (const { env } of Object.values(settings)) assert.ok(stdout.includes(env), env);
  for (const name of names) assert.match(stdout, new RegExp(`^ {2}${name} +\\S`, "m"));
});

test("a name that is nearly right is suggested", async () => {
  const cases: [string[], RegExp][] = [
    [["kyes"], /Unknown command kyes\. Did you mean keys\?/],
    [["help", "sevre"], /Did you mean serve\?/],
    [["keys", "lst"], /There is no action lst\. Did you mean list\?\n\n {2}poolhouse keys list/],
    [["keys", "rotate", "sining"], /Did you mean rotate signing\?/],
    [["keys", "list", "--jsn"], /Unknown option --jsn\. Did you mean --json\?\n\n {2}poolhouse keys list/],
    [["audit", "--sinse", "1d"], /Unknown option --sinse\. Did you mean --since\?/],
    [["names", "relaese", "client", "x"], /Did you mean release\?/],
    [
      ["names", "release", "cleint", "x"],
      /cleint is not one of client, domain, pool\. Did you mean client\?/,
    ],
    [["names", "list", "x"], /Too much is given: x\./],
    [["keys", "show"], /ACCESS_KEY_ID is missing\.\n\n {2}poolhouse keys show ACCESS_KEY_ID/],
    [["keys", "set-policy", "--policy", "x"], /ACCESS_KEY_ID is missing/],
    [["roles", "create", "--identity-pool", "x"], /: NAME is missing/],
    [["trusted-providers", "put", "--client-ids", "x"], /: ISSUER is missing/],
    [["identity-pools", "revoke"], /: ID is missing/],
    [["names", "release", "client"], /Something is missing\./],
    [["keys"], /Say what to do\./],
  ];
  for (const [argv, text] of cases)
    await assert.rejects(run(...argv), (error: Error & { code: number; stderr: string }) => {
      assert.equal(error.code, 2, argv.join(" "));
      assert.match(error.stderr, text);
      assert.doesNotMatch(error.stderr, /^ +at /m);
      return true;
    });
});

test("a text is broken at spaces, and a long word stays whole", () => {
  assert.equal(wrapped("one two three", 2, 9), "  one two\n  three");
  assert.equal(wrapped("a verylongword b", 0, 4), "a\nverylongword\nb");
  assert.equal(wrapped("one\n\ntwo", 1, 20), " one\n\n two");
});

test("columns stay below each other, whatever is in them", () => {
  const table = new Table();
  const rows = [
    ["NAME", "POOL", "X"],
    ["日本語", "p", "1"],
    ["longer than the head", "p", "2"],
    ["e\u0301", "p", ""],
  ];
  const lines = table.lines(rows);
  assert.equal(lines[0], "NAME                  POOL  X");
  assert.equal(lines[1], "日本語                p     1");
  assert.equal(lines[2], "longer than the head  p     2");
  assert.equal(lines[3], "e\u0301                     p     ");
  // Later rows go on below; a wider one widens what follows.
  assert.equal(table.lines([["x", "y", "3"]])[0], `${"x".padEnd(20)}  y     3`);
  const evil = "\u001b[31mred\r\nnext\u202egnp\u009b2J";
  assert.equal(printable(evil), "\\u{1b}[31mred\\u{d}\\u{a}next\\u{202e}gnp\\u{9b}2J");
  assert.equal(
    table
      .lines([[evil, "", ""]])
      .join("")
      .split("\n").length,
    1,
  );
});

const none: Paint = (_, text) => text;

test("a line of the log reads as a sentence with values, and cannot control the terminal", () => {
  const time = new Date(2026, 0, 2, 3, 4, 5).getTime();
  const line = (entry: object) => terminalLine(JSON.stringify({ level: 30, time, ...entry }), none);
  assert.equal(line({ msg: "ready" }), "03:04:05 info  ready\n");
  assert.equal(
    line({
      level: 40,
      requestId: "r-1",
      msg: "call",
      status: 400,
      error: undefined,
      text: "two words",
      list: ["a"],
    }),
    '03:04:05 warn  call  status=400  text="two words"  list=["a"]  requestId=r-1\n',
  );
  const evil = line({ msg: "x\u001b]0;title\u0007", redirectUri: 'http://x/"\n\u001b[2J' });
  assert.equal(evil, '03:04:05 info  x\\u{1b}]0;title\\u{7}  redirectUri="http://x/\\"\\n\\u001b[2J"\n');
  const err = {
    type: "TypeError",
    message: "no",
    at: ["at a (b.ts:1)"],
    cause: { type: "Error", code: "E", at: [] },
  };
  assert.equal(
    line({ level: 50, msg: "internal error", err }),
    "03:04:05 error internal error\n    TypeError: no\n      at a (b.ts:1)\n    Error E\n",
  );
  const styled = terminalLine(
    JSON.stringify({ level: 50, time, msg: "m" }),
    (style, text) => `<${style}>${text}`,
  );
  assert.match(styled, /^<gray>03:04:05 <red>error m\n$/);
});

const esc = "\u001b";

/** Runs a command on a terminal; what it printed. */
async function onTerminal(command: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)("/usr/bin/script", ["-qec", command, "/dev/null"], {
    env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
  });
  return stdout;
}

test(
  "on a terminal the log is for people, with colors unless NO_COLOR is set; elsewhere it is JSON",
  needs("script"),
  async () => {
    const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
    // Its standard output is read up to its last line; its standard error, the log, is the terminal's.
    const serve = `#!/bin/sh
mkfifo "$1.out"
"${process.execPath}" "${main}" serve --port 0 --data "$1" >"$1.out" &
grep -m 1 "^Poolhouse ready" "$1.out"
kill $!
wait $!
`;
    const folder = temporaryFolder();
    const program = join(folder, "serve.sh");
    writeFileSync(program, serve);
    const start = (name: string) => `sh '${program}' '${join(folder, name)}'`;
    const colored = await onTerminal(start("colored"), {});
    const [time, level] = [`${esc}[90m`, `${esc}[32minfo ${esc}[39m`];
    assert.ok(colored.startsWith(time) && colored.includes(`${level} Created the tables`), colored);
    const plain = await onTerminal(start("plain"), { NO_COLOR: "1" });
    assert.match(plain, /^\d\d:\d\d:\d\d info {2}Created the tables of the database\. {2}version=\d+\r?$/m);
    const piped = await onTerminal(`${start("piped")} 2>&1 | cat`, {});
    assert.match(
      piped,
      /^\{"level":30,"time":\d+,"version":\d+,"msg":"Created the tables of the database\."\}\r?$/m,
    );
  },
);
