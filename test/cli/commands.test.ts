/** The program as a person runs it: keys beside a running server, doctor, and what refuses to start. */

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ListUserPoolsCommand } from "@aws-sdk/client-cognito-identity-provider";
import { temporaryFolder } from "../kit/databases.ts";
import { newSdk, patient } from "../kit/sdk.ts";
import { part } from "../kit/whole.ts";
import { run, runMain, serve, stop } from "./program.ts";

test("keys are made, disabled and deleted beside a running server", async () => {
  const data = temporaryFolder();
  const server = await serve("--data", data);
  try {
    const made = await run("keys", "create", "--data", data, "--name", "ops", "--policy", "readonly");
    const [, accessKeyId, secretAccessKey] = /AWS_ACCESS_KEY_ID=(\S+)\nAWS_SECRET_ACCESS_KEY=(\S+)/.exec(
      made.stdout,
    )!;
    const client = patient(
      newSdk(server.url, {
        credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
      }),
    );
    const list = () => client.send(new ListUserPoolsCommand({ MaxResults: 1 }));
    await list();
    const listed = await run("keys", "list", "--data", data);
    assert.match(listed.stdout, new RegExp(`${accessKeyId} +Active .* ops`));
    assert.match(listed.stdout, / root$/m);
    assert.doesNotMatch(listed.stdout, new RegExp(secretAccessKey!));
    await run("keys", "disable", accessKeyId!, "--data", data);
    await assert.rejects(list(), { name: "UnrecognizedClientException" });
    await run("keys", "enable", accessKeyId!, "--data", data);
    await list();
    await run("keys", "delete", accessKeyId!, "--data", data);
    await assert.rejects(list(), { name: "UnrecognizedClientException" });
    await assert.rejects(run("keys", "delete", accessKeyId!, "--data", data), /There is no access key/);
    await assert.rejects(
      run("keys", "create", "--data", data, "--name", "root", "--policy", "admin"),
      /not root/,
    );
    await assert.rejects(run("keys", "frobnicate", "x", "--data", data), /poolhouse keys list/);
    client.destroy();
    const doctor = await run("doctor", "--data", data, "--port", "0");
    assert.match(doctor.stdout, /ok {4}the sqlite database answers, and the master key fits it/);
  } finally {
    assert.equal(await stop(server.process), 0);
  }
});

test("with --port 0 and a public URL, the ready line says where the server listens", async () => {
  const server = await serve("--data", temporaryFolder(), "--public-url", "https://id.example");
  try {
    assert.equal(server.url, "https://id.example");
    const [, place] = /^Poolhouse ready at \S+ \(listens on (http:\S+)\)$/m.exec(server.output) ?? [];
    assert.equal((await fetch(`${place}/healthz`)).status, 200, server.output);
  } finally {
    assert.equal(await stop(server.process), 0);
  }
});

test("the root key is shown once and kept where only its owner reads it", async () => {
  const data = temporaryFolder();
  const first = await serve("--data", data, "--demo");
  assert.equal(await stop(first.process), 0);
  const path = join(data, "secrets", "root-access-key.json");
  const { secretAccessKey } = JSON.parse(readFileSync(path, "utf8"));
  const last = first.output.trimEnd().split("\n").slice(-5).join("\n");
  assert.match(
    last,
    /^Root access key [^\n]+\n {2}AWS_ACCESS_KEY_ID=\w+\n {2}AWS_SECRET_ACCESS_KEY=\S+\n\nPoolhouse ready/,
  );
  assert.ok(last.includes(secretAccessKey));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(data, "secrets", "master-key")).mode & 0o777, 0o600);
  const second = await serve("--data", data);
  assert.equal(await stop(second.process), 0);
  assert.equal(second.output.includes(secretAccessKey), false);
});

test("the demo is made once, and its snippets name what there is", async () => {
  const data = temporaryFolder();
  for (const start of ["first", "second"]) {
    const server = await serve("--data", data, "--demo");
    assert.match(server.output, /us-east-1_Demo12345/, start);
    const answer = await fetch(server.url, {
      method: "POST",
      headers: { "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth" },
      body: JSON.stringify({
        ClientId: "demoappclient",
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: "demo@example.com", PASSWORD: "Poolhouse-demo-1" },
      }),
    });
    assert.equal(answer.status, 200, start);
    assert.equal(await stop(server.process), 0);
  }
});

test("what refuses to start says why and exits 1", async () => {
  const data = temporaryFolder();
  const running = await serve("--data", data);
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  const cases: [string[], RegExp][] = [
    // A file system that refuses new names with ENOENT, as if the folder above were missing.
    ...[
      ["serve", "--port", "0"],
      ["serve", "--port", "0", "--tls", "dev", "--https-port", "0"],
      ["migrate"],
    ].map((argv): [string[], RegExp] => [
      [...argv, "--data", "/proc/nothing"],
      /The folder \/proc\/nothing cannot be made: .*--data/,
    ]),
    [
      ["serve", "--port", "0", "--data", file],
      /The master key .* cannot be read: .* is a file, not a folder/,
    ],
    [
      ["serve", "--port", "0", "--data", file, "--tls", "dev", "--https-port", "0"],
      /cannot be made: .*--data/,
    ],
    [
      ["serve", "--port", "0", "--data", temporaryFolder(), "--database", `sqlite:${temporaryFolder()}`],
      /is not a file.*--database/,
    ],
    [["serve", "--port", "0", "--data", data], /another|already|use/i],
    [["serve", "--prot", "1"], /Unknown argument --prot/],
    [
      ["serve", "--port", "0", "--tls", "/nowhere/server.pem"],
      /\/nowhere\/server\.pem .*there is no such file/,
    ],
    [["serve", "--config", "/nowhere/poolhouse.yaml"], /--config cannot be read: there is no such file/],
    [["serve", "--port", "0", "--tls", data], /it is a folder/],
    [
      ["serve", "--port", new URL(running.url).port, "--data", temporaryFolder()],
      /Port \d+ of 127\.0\.0\.1 is taken: .*--port; 0/,
    ],
    [["serve", "--host", "192.0.2.1", "--port", "0"], /does not have the address 192\.0\.2\.1: .*--host/],
    [
      ["serve", "--port", "0", "--database", "postgres://postgres@127.0.0.1:5432/postgres"],
      /POOLHOUSE_MASTER_KEY/,
    ],
    [["serve", "--host", "0.0.0.0", "--auth", "open"], /loopback/],
    [["serve", "--port", "0", "--database", "postgres://u:p#ss@127.0.0.1/db"], /percent-encoded/],
    [["doctor", "--data", data, "--database", "postgres:/u:pass@127.0.0.1/db"], /must be postgres:\/\/…/],
  ];
  try {
    for (const [argv, message] of part(cases, 2)) {
      await assert.rejects(run(...argv), (error: Error & { code: number; stderr: string }) => {
        assert.equal(error.code, 1, argv.join(" "));
        assert.match(error.stderr, message);
        assert.doesNotMatch(error.stderr, /^ +at /m, argv.join(" "));
        return true;
      });
    }
    await assert.rejects(run("frobnicate"), { code: 2 });
  } finally {
    await stop(running.process);
  }
  assert.match((await run("help")).stdout, /^ {2}serve +run the server$/m);
});

test("a defect is reported with the file, the line and the stack", async () => {
  const copy = temporaryFolder();
  const sources = join(import.meta.dirname, "..", "..", "src");
  for (const file of ["main.ts", "lib/node-flags.ts", "lib/operator-error.ts"])
    cpSync(join(sources, file), join(copy, file));
  mkdirSync(join(copy, "cli"));
  writeFileSync(join(copy, "package.json"), '{"type":"module"}');
  const command = join(copy, "cli", "version.ts");
  const mistakes: [string, RegExp][] = [
    ["// A mistake\nconst one = ;", /version\.ts:2\n[\s\S]*Expression expected/],
    ['import { absent } from "../lib/node-flags.ts";', /version\.ts:1\n[\s\S]*absent/],
    ["export const version = () => undefined.two;", /TypeError: [\s\S]*^ +at version .*version\.ts:1:/m],
  ];
  for (const [text, message] of mistakes) {
    writeFileSync(command, text);
    await assert.rejects(
      runMain(join(copy, "main.ts"), "version"),
      (error: Error & { code: number; stderr: string }) => {
        assert.equal(error.code, 1);
        assert.match(error.stderr, message);
        return true;
      },
    );
  }
});
