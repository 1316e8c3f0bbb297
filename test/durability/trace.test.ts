/**
 * No answer leaves before its sync, seen from outside: strace watches the real server, which several clients ask to
 * write at once. And from the same record, power cuts: what the disk is sure to hold at any moment, with any part of
 * what it may hold beyond that, opens and has everything acknowledged by then.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { before, describe, test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { clientOf, endChild, startChild } from "../kit/child.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs, password } from "../kit/support.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { FileHistory } from "./file-history.ts";
import { answersOf, type Call, commitsOf, isSync, isWal, readTrace, straceArguments } from "./trace.ts";

interface Acknowledged {
  /** What stands in the answer and in the row alike, and nowhere else. */
  readonly word: string;
  readonly began: number;
}

let calls: Call[];
let acknowledged: Acknowledged[];
let database: string;

/** Users and groups by eight clients at once; then a stop and a start, so that a checkpoint is among what was seen. */
async function record(): Promise<void> {
  const data = join(temporaryFolder(), "data");
  database = join(data, "db", "poolhouse.sqlite");
  const words = new Set<string>();
  const traces: Call[][] = [];
  for (const run of [1, 2]) {
    const output = join(data, "..", `trace-${run}`);
    const server = await startChild({
      flags: ["--port", "0", "--data", data],
      env: { UV_THREADPOOL_SIZE: "12" },
      under: ["strace", ...straceArguments(output)],
    });
    for (const word of await write(server.url)) words.add(word);
    assert.equal(await endChild(server.process, "SIGTERM"), 0);
    traces.push(await finished(output, server.process.pid!));
    assert.deepEqual(server.log, []);
  }
  const [first, second] = traces as [Call[], Call[]];
  const shift = first.at(-1)!.ended + 1;
  const shifted = second.map((call) => ({ ...call, began: call.began + shift, ended: call.ended + shift }));
  calls = [...first, ...shifted];
  acknowledged = answersOf(calls).flatMap(({ text, began }) => {
    const word = [...words].find((one) => text.includes(one));
    return word === undefined ? [] : [{ word, began }];
  });
  assert.equal(new Set(acknowledged.map(({ word }) => word)).size, words.size, "every answer was seen");
}

async function write(endpoint: string): Promise<string[]> {
  const sdk = clientOf(endpoint);
  const { UserPool } = await sdk.send(new CreateUserPoolCommand({ PoolName: "traced" }));
  const UserPoolId = UserPool!.Id!;
  const { UserPoolClient } = await sdk.send(
    new CreateUserPoolClientCommand({ UserPoolId, ClientName: "traced" }),
  );
  const { ClientId } = UserPoolClient!;
  const words: string[] = [];
  const one = async (worker: number) => {
    for (let round = 0; round < 6; round++) {
      const Username = `user-${worker}-${round}`;
      const { UserSub } = await sdk.send(new SignUpCommand({ ClientId, Username, Password: password }));
      words.push(UserSub!);
      const made = await sdk.send(
        new AdminCreateUserCommand({ UserPoolId, Username: `invited-${Username}` }),
      );
      words.push(made.User!.Attributes!.find(({ Name }) => Name === "sub")!.Value!);
      const GroupName = `group-${UserSub}`;
      await sdk.send(new CreateGroupCommand({ UserPoolId, GroupName }));
      words.push(GroupName);
      await sdk.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, worker) => one(worker)));
  sdk.destroy();
  // The sub is a part of the group's name: longer words are looked for first.
  return words.sort((a, b) => b.length - a.length);
}

/** strace is a process of its own and writes a little longer than the server lives. */
async function finished(output: string, pid: number): Promise<Call[]> {
  const end = new RegExp(`^${pid} +\\+\\+\\+ exited with 0 \\+\\+\\+$`, "m");
  await until("strace has written the end", () => end.test(readFileSync(output, "latin1")));
  return readTrace(output);
}

describe("what strace sees", needs("strace"), () => {
  before(record, { timeout: hangingMs });

  test("every answer to a write leaves after a sync of the log that began after its commit", () => {
    const commits = commitsOf(calls);
    const syncs = calls.filter((call) => isWal(call) && isSync(call));
    let shared = 0;
    for (const { word, began } of acknowledged) {
      const commit = commits.find(({ pages }) => pages.some((page) => page.includes(word)));
      assert.ok(commit, `the commit of ${word} was seen`);
      const sync = syncs.find((one) => one.began > commit.ended);
      assert.ok(sync, `a sync followed the commit of ${word}`);
      assert.ok(sync.ended < began, `the answer about ${word} left before its sync had ended`);
      if (commits.filter(({ ended }) => ended > commit.ended && ended < sync.began).length > 0) shared++;
    }
    assert.ok(acknowledged.length >= 2 * 8 * 6 * 3);
    assert.ok(syncs.length < commits.length, "commits share syncs");
    assert.ok(shared > 0);
  });

  test("after a power cut at any moment everything acknowledged is there", (t) => {
    const folder = temporaryFolder();
    const files = [database, `${database}-wal`];
    const histories = files.map((file) => new FileHistory(calls.filter((call) => call.file === file)));
    const moments = powerCuts(calls, 24);
    let opened = 0;
    for (const moment of moments) {
      for (const kept of ["nothing", "all", "some", "torn"] as const) {
        const place = join(folder, `${moment}-${kept}`);
        mkdirSync(place);
        histories.forEach((history, index) => {
          const content = history.at(moment, kept);
          if (content) writeFileSync(join(place, `cut.sqlite${index === 0 ? "" : "-wal"}`), content);
        });
        const expected = acknowledged.filter(({ began }) => began < moment).map(({ word }) => word);
        assert.deepEqual(missing(join(place, "cut.sqlite"), expected), [], `power cut at ${moment}, ${kept}`);
        opened++;
      }
    }
    t.diagnostic(`${opened} power cuts, ${acknowledged.length} acknowledged writes`);
  });
});

/** Moments spread over the record, among them those right after answers, and all about the checkpoint. */
function powerCuts(all: readonly Call[], count: number): number[] {
  const from = acknowledged[0]!.began;
  const random = Array.from({ length: count }, () => from + Math.random() * (all.at(-1)!.ended - from));
  const checkpoint = all.filter((call) => call.file === database && call.began > from);
  const near = checkpoint.filter((_, index) => index % Math.ceil(checkpoint.length / count) === 0);
  const answered = acknowledged.filter((_, index) => index % 24 === 0).map(({ began }) => began + 0.5);
  return [...random, ...near.map((call) => call.ended + 0.5), ...answered];
}

/** Which of the words the database lacks; fails when the database is damaged. */
function missing(path: string, words: readonly string[]): string[] {
  const database = new DatabaseSync(path);
  try {
    assert.equal(database.prepare("pragma integrity_check").get()?.["integrity_check"], "ok");
    const found = new Set<unknown>();
    for (const row of database.prepare("select user_id as word from users").all()) found.add(row["word"]);
    for (const row of database.prepare("select group_name as word from groups").all()) found.add(row["word"]);
    return words.filter((word) => !found.has(word));
  } finally {
    database.close();
  }
}
