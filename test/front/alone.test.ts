/** Resources that can only be exhausted on a server in a separate process: open files, and lines of its log. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { holdings } from "../../src/http/holdings.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { attacker, other } from "./others.ts";
import { type Answered, type Asking, ask, hold, letGo } from "./sockets.ts";

const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
const files = 260;
const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** A demo server that may open few files, and its log. */
async function demo() {
  const command = `ulimit -n ${files}; exec "$0" "$@" serve --demo --port 0 --data "${temporaryFolder()}"`;
  const child = spawn("sh", ["-c", command, process.execPath, main], { stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  let printed = "";
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      printed += chunk;
      const [, url] = /^Poolhouse ready at (\S+).*\n/m.exec(printed) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.once("exit", () => reject(new Error(log)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "close");
    return log;
  };
  return { endpoint, stop };
}

const third = "127.0.0.4";

const call = (USERNAME: string, PASSWORD: string): Asking => ({
  method: "POST",
  path: "/",
  headers: {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth",
  },
  body: JSON.stringify({
    ClientId: "demoappclient",
    AuthFlow: "USER_PASSWORD_AUTH",
    AuthParameters: { USERNAME, PASSWORD },
  }),
});

/** How often each address was refused because the server was late, as it may be on a busy machine. */
const refused = new Map<string, number>();

/** Asks until the server does not refuse because it is late. */
async function asked(endpoint: string, from: string, asking: Asking): Promise<Answered> {
  for (;;) {
    const answer = await ask(endpoint, from, asking);
    if (!answer.body.includes("Rate exceeded")) return answer;
    refused.set(from, (refused.get(from) ?? 0) + 1);
  }
}

async function isServed(endpoint: string): Promise<void> {
  const signedIn = await asked(endpoint, other, call("demo@example.com", "Poolhouse-demo-1"));
  assert.equal(signedIn.status, 200, signedIn.body);
  const page = await asked(endpoint, other, { path: "/us-east-1_Demo12345/.well-known/jwks.json" });
  assert.equal(page.status, 200, page.body);
}

test("files: connections that are opened and left alone, more than the process may have files", async () => {
  const { endpoint, stop } = await demo();
  const slow = `GET /healthz HTTP/1.1\r\nhost: ${new URL(endpoint).host}\r\nx-slow: `;
  for (const text of ["", slow]) {
    const held = await hold(endpoint, attacker, 2 * files, text);
    await isServed(endpoint);
    letGo(held);
  }
  await stop();
});

const choose: Asking = {
  ...call("", ""),
  body: JSON.stringify({
    ClientId: "demoappclient",
    AuthFlow: "USER_AUTH",
    AuthParameters: { USERNAME: "demo@example.com" },
  }),
};
const unknown: Asking = { method: "POST", path: "/", headers: { "x-amz-target": "Nothing.AtAll" } };

for (const [what, asking, status] of [
  ["refused requests", unknown, 400],
  ["sign-ins that are only begun", choose, 200],
] as const)
  test(`logLines: ${what} by the hundred leave a few lines each ten seconds, and how many more there were`, async () => {
    const { endpoint, stop } = await demo();
    refused.clear();
    const requests = 400;
    for (let sent = 0; sent < requests; sent += 20)
      for (const answer of await Promise.all(
        Array.from({ length: 20 }, () => asked(endpoint, attacker, asking)),
      ))
        assert.equal(answer.status, status, answer.body);
    await isServed(endpoint);
    const unsigned = { ...unknown.headers, "x-amz-target": "AWSCognitoIdentityProviderService.GetUser" };
    const token = { ...unknown, headers: unsigned, body: '{"AccessToken":"a.b.c"}' };
    assert.match((await asked(endpoint, third, token)).body, /Invalid Access Token/);
    const signedIn = await asked(endpoint, attacker, call("demo@example.com", "Poolhouse-demo-1"));
    assert.equal(signedIn.status, 200, signedIn.body);
    const lines = (await stop()).split("\n").filter((line) => line.startsWith("{"));
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (address: string) => entries.filter((entry) => entry["address"] === address).length;
    const told = entries.filter(({ msg }) => String(msg).endsWith("prove nothing were left out"));
    const left = told.reduce((sum, { lines: count }) => sum + Number(count), 0);
    const sent = requests + 1 + (refused.get(attacker) ?? 0);
    assert.equal(of(attacker) + left, sent, "every one is a line or counted");
    // On a slow machine the requests fall into several spans, each of which has its own lines; tokens have one each.
    assert.ok(of(attacker) <= holdings.logLines.limit.lines * (told.length + 1) + 1, `${of(attacker)} lines`);
    assert.ok(left > 0);
    const last = entries.findLast((entry) => entry["address"] === attacker);
    assert.deepEqual([last?.["status"], last?.["operation"]], [200, "InitiateAuth"]);
    const calls = entries.filter((entry) => entry["address"] === other && entry["status"] === 200);
    assert.equal(calls.length, 1, "the other address has its line");
    const refusal = entries.find((entry) => entry["address"] === third);
    assert.equal(typeof refusal?.["detail"], "string", "which says what the answer does not");
  });
