/** `poolhouse functions`, and functions of a server that starts. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, chmodSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CreateUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { sampleSources } from "../../src/domain/triggers/samples.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { newSdk, patient } from "../kit/sdk.ts";
import { until } from "../kit/waiting.ts";
import { runWith, serve, start, stop } from "./program.ts";

/** Where the webhook is. */
const elsewhere = createServer();
before(() => once(elsewhere.listen(0, "127.0.0.1"), "listening"));
after(() => void elsewhere.close());
const originElsewhere = () => `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;

/** A configuration file with functions, and an event. */
function prepared() {
  const folder = temporaryFolder();
  // If the tests run as root, children run as nobody.
  chmodSync(folder, 0o755);
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  file(
    "greet.mjs",
    `export const handler = async ({ name, fail }) => {
      console.log("greeting", name);
      if (fail) throw new Error("not today");
      return { greeting: "Hello " + name, secret: process.env.POOLHOUSE_MASTER_KEY ?? null };
    };`,
  );
  const secret = Buffer.alloc(32).toString("base64");
  const config = file(
    "poolhouse.yaml",
    `functions:
  greet: { run: worker, file: greet.mjs }
  greet-apart: { run: child, file: greet.mjs }
  hook: { run: webhook, url: "${originElsewhere()}/x?token=hush", secret: whsec_${secret} }
`,
  );
  return { folder, config, event: file("event.json", '{"name":"Ada"}'), file };
}

const env = { POOLHOUSE_MASTER_KEY: Buffer.alloc(32).toString("base64") };

test("functions are listed without their secrets", async () => {
  const { folder, config } = prepared();
  const { stdout } = await runWith(env, "functions", "list", "--config", config);
  assert.match(stdout, new RegExp(`^NAME +RUN +RUNS\ngreet +worker +handler of ${folder}/greet\\.mjs$`, "m"));
  assert.match(stdout, /^hook +webhook +http:\/\/127\.0\.0\.1:\d+\/x\?…$/m);
  assert.match((await runWith(env, "functions", "list")).stdout, /^No functions are configured: .*--config/);
  const json = await runWith(env, "functions", "list", "--json", "--config", config);
  const names = (JSON.parse(json.stdout) as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names, ["greet", "greet-apart", "hook"]);
  assert.doesNotMatch(stdout + json.stdout, /hush|whsec/);
});

test("a function is called with an event, and its output and errors are told apart from its answer", async () => {
  const { config, event, file } = prepared();
  const invoke = (name: string, from: string) =>
    runWith(env, "functions", "invoke", name, "--event", from, "--config", config);
  for (const name of ["greet", "greet-apart", "arn:aws:lambda:us-east-1:000000000000:function:greet:live"]) {
    const { code, stdout, stderr } = await invoke(name, event);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { greeting: "Hello Ada", secret: null });
    assert.match(stderr, /greeting Ada/);
  }
  const failed = await invoke("greet", file("fail.json", '{"fail":true}'));
  assert.deepEqual([failed.code, failed.stdout], [1, ""]);
  assert.match(failed.stderr, /poolhouse functions: The function failed: not today$/m);
  assert.match((await invoke("greeet", event)).stderr, /There is no function greeet: did you mean greet\?/);
  assert.match((await invoke("greet", file("no.json", "7"))).stderr, /The event must be a JSON object/);
  assert.match(
    (await invoke("greet", join(config, "absent"))).stderr,
    /^poolhouse functions: --event \S+ cannot be read: .*functions events SOURCE/,
  );
  const usage = await runWith(env, "functions", "invoke", "greet", "--config", config);
  assert.equal(usage.code, 2);
  assert.match(
    usage.stderr,
    /--event is missing\.\n\n {2}poolhouse functions invoke NAME --event EVENT --config FILE\n/,
  );
});

test("events prints what a function would get, for one source or for each", async () => {
  const { config } = prepared();
  const one = await runWith(env, "functions", "events", "PreSignUp_SignUp", "--region", "eu-west-1");
  assert.equal(one.code, 0, one.stderr);
  const event = JSON.parse(one.stdout) as Record<string, unknown>;
  assert.deepEqual([event["triggerSource"], event["region"]], ["PreSignUp_SignUp", "eu-west-1"]);
  const all = await runWith(env, "functions", "events");
  assert.deepEqual(Object.keys(JSON.parse(all.stdout) as object), sampleSources);
  const none = await runWith(env, "functions", "events", "PreSignUp_SignIn", "--config", config);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /There is no trigger source PreSignUp_SignIn: did you mean PreSignUp_SignUp\?/);
});

test("logs shows what a function printed, and goes on with what comes, also in a log that was rotated", async () => {
  const { folder } = prepared();
  const path = join(folder, "server.log");
  const line = (name: string, msg: string) =>
    `${JSON.stringify({ level: 30, time: 0, function: name, requestId: "r-1", msg })}\n`;
  writeFileSync(path, `not JSON\n{"broken\n${line("greet", "one")}${line("other", "not this")}`);
  appendFileSync(path, `${line("greet", "two \u001b[2J")}{"level":30,"msg":"call","function":7}\n`);
  const once = await runWith(env, "functions", "logs", "greet", "--log", path);
  assert.equal(
    once.stdout,
    "1970-01-01T00:00:00.000Z r-1 one\n1970-01-01T00:00:00.000Z r-1 two \\u{1b}[2J\n",
  );
  const arn = "arn:aws:lambda:us-east-1:000000000000:function:other";
  const json = await runWith(env, "functions", "logs", arn, "--log", path, "--json");
  assert.equal(json.stdout, line("other", "not this"));
  assert.equal(json.stderr, "");
  const silent = await runWith(env, "functions", "logs", "gret", "--log", path);
  assert.deepEqual([silent.code, silent.stdout], [0, ""]);
  assert.match(silent.stderr, /^The function gret has printed nothing in this log\.$/m);
  const absent = await runWith(env, "functions", "logs", "greet", "--log", join(folder, "none"));
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /The log .+none cannot be read: there is no such file/);
  const empty = { ...env, PATH: folder };
  const noJournal = await runWith(empty, "functions", "logs", "greet");
  assert.match(
    noJournal.stderr,
    /The journal cannot be read: there is no journalctl here\. Name the log with --log/,
  );

  const following = await start(/r-1 two/, "functions", "logs", "greet", "--follow", "--log", path);
  let shown = "";
  following.process.stdout!.on("data", (chunk) => {
    shown += chunk;
  });
  appendFileSync(path, line("greet", "three"));
  await until("it goes on", () => shown.includes("r-1 three"));
  renameSync(path, `${path}.1`);
  writeFileSync(path, line("greet", "four"));
  await until("it reads the new file", () => shown.includes("r-1 four"));
  await stop(following.process);
});

test("a server says which functions it runs and with which rights; it ends with them", async () => {
  const { folder, config } = prepared();
  const server = await serve("--data", join(folder, "data"), "--config", config);
  assert.match(server.output, /^Functions: greet \(worker\), greet-apart \(child\), hook \(webhook\)$/m);
  const [, own] = /These run with this server's rights,.*\n.*: (.+)/.exec(server.output) ?? [];
  // The children of root are another user's.
  assert.equal(own, process.getuid?.() === 0 ? "greet" : "greet, greet-apart");
  assert.equal(await stop(server.process), 0);
});

test("a function that cannot run prevents the start, with file and line", async () => {
  const { folder, file } = prepared();
  const begin = (text: string) => {
    const config = file("bad.yaml", text);
    return runWith({}, "serve", "--port", "0", "--data", join(folder, "data"), "--config", config);
  };
  const absent = await begin("port: 0\nfunctions:\n  greet: { run: worker, file: absent.mjs }\n");
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /bad\.yaml, line 3: functions\.greet\.file cannot be read/);
  for (const run of ["worker", "child"]) {
    const other = await begin(`functions:\n  greet: { run: ${run}, file: greet.mjs, handler: other }\n`);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /The function greet \(.*bad\.yaml, line 2\) cannot run: .*no function other/);
    assert.doesNotMatch(other.stdout, /ready/);
  }
});

test("doctor names handlers that cannot be loaded, and triggers whose function is not configured", async () => {
  const { folder, config, file } = prepared();
  const data = join(folder, "data");
  const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
  const server = await serve("--data", data);
  const key = /AWS_ACCESS_KEY_ID=(\S+)\s+AWS_SECRET_ACCESS_KEY=(\S+)/.exec(server.output)!;
  const credentials = { accessKeyId: key[1]!, secretAccessKey: key[2]! };
  const client = patient(newSdk(server.url, { credentials }));
  const LambdaConfig = {
    PreSignUp: arn("greet"),
    PostConfirmation: arn("absent"),
    PreTokenGenerationConfig: { LambdaVersion: "V2_0", LambdaArn: arn("hook:live") },
    CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arn("sender") },
    CustomSMSSender: { LambdaVersion: "V1_0", LambdaArn: arn("greet") },
    KMSKeyID: "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555",
  } as const;
  const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: "p", LambdaConfig }));
  client.destroy();
  assert.equal(await stop(server.process), 0);
  const doctor = ["doctor", "--data", data, "--port", String(await freePort())];
  const good = await runWith({}, ...doctor, "--config", config);
  assert.equal(good.code, 0, good.stdout);
  assert.match(good.stdout, /^ok {4}3 functions$/m);
  const warnings = good.stdout.split("\n").filter((line) => /names the function/.test(line));
  assert.deepEqual(warnings.map((line) => line.replace(/ \(docs.*$/, "")).sort(), [
    `warn  CustomEmailSender of pool ${UserPool?.Id} names the function ${arn("sender")}, which is not configured: it fails when it fires`,
    `warn  CustomSMSSender of pool ${UserPool?.Id} names the function ${arn("greet")}, which has no access key of its own to decrypt codes with: it fails when it fires`,
    `warn  PostConfirmation of pool ${UserPool?.Id} names the function ${arn("absent")}, which is not configured: it fails when it fires`,
  ]);
  file("broken.mjs", 'throw new Error("no table yet");');
  const broken = file("broken.yaml", "functions:\n  broken: { run: worker, file: broken.mjs }\n");
  const bad = await runWith({}, ...doctor, "--config", broken);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /^FAIL {2}the function broken: the handler cannot be loaded: no table yet$/m);
  const hook = `{ run: webhook, url: "http://127.0.0.1:1/?token=hush", secret: whsec_${"A".repeat(32)} }`;
  const away = await runWith({}, ...doctor, "--config", file("away.yaml", `functions:\n  hook: ${hook}\n`));
  assert.equal(away.code, 1);
  assert.match(
    away.stdout,
    /^FAIL {2}the function hook: http:\/\/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/m,
  );
});
