/**
 * Functions in a process of their own (`poolhouse functions serve`), called by a server's triggers; their handlers call the
 * server with access keys that allow one operation.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  AdminGetUserCommand,
  InitiateAuthCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { stringify } from "yaml";
import { loadFunctionsServer } from "../../src/config/config.ts";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { signRequest } from "../../src/lib/sigv4.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { forOneDatabase, temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeSomebody, password } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { type Started, startTestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { arnOf, handlers } from "./kit.ts";

const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
const key = { accessKeyId: "AKIAFUNCTIONS0000000", secretAccessKey: randomBytes(24).toString("hex") };
const yamlKey = { "access-key-id": key.accessKeyId, "secret-access-key": key.secretAccessKey };

interface Running {
  readonly process: ChildProcess;
  readonly url: string;
  readonly log: () => string;
}

const running: ChildProcess[] = [];
after(() => {
  for (const one of running) one.kill("SIGKILL");
});

/** Starts `poolhouse functions serve` with this file, in an environment that has nothing but PATH. */
async function serveFunctions(document: object): Promise<Running> {
  const file = join(temporaryFolder(), "functions.yaml");
  writeFileSync(file, stringify(document), { mode: 0o600 });
  const started = spawn(process.execPath, [main, "functions", "serve", "--config", file], {
    env: { ...compileCache, PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(started);
  let printed = "";
  let log = "";
  started.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  started.stderr.on("data", (chunk) => {
    log += chunk;
  });
  const ready = /^Functions ready at (\S+): /m;
  await until("it is ready or has ended", () => ready.test(printed) || started.exitCode !== null);
  const [, url] = ready.exec(printed) ?? assert.fail(`it ended: ${log}`);
  return { process: started, url: url!, log: () => log };
}

/** Calls a function as the server does. */
async function call(
  url: string,
  name: string,
  given: {
    readonly body?: string;
    readonly by?: typeof key;
    readonly region?: string;
    readonly service?: string;
    readonly now?: number;
    readonly type?: string;
  } = {},
): Promise<{ status: number; error: string | null; functionError: string | null; id: string; body: string }> {
  const { body = "{}", by = key, region = "us-east-1", service = "lambda", now = Date.now(), type } = given;
  const path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
  const sent: [string, string][] = [["host", new URL(url).host]];
  if (type !== undefined) sent.push(["x-amz-invocation-type", type]);
  const signed = signRequest(
    { method: "POST", path, query: "", headers: sent, body: Buffer.from(body) },
    { ...by, region, service, now },
  );
  const headers = { ...Object.fromEntries(sent.slice(1)), ...signed };
  const answer = await fetch(url + path, { method: "POST", headers, body });
  return {
    status: answer.status,
    error: answer.headers.get("x-amzn-errortype"),
    functionError: answer.headers.get("x-amz-function-error"),
    id: answer.headers.get("x-amzn-requestid") ?? "",
    body: await answer.text(),
  };
}

/** Time limits of functions, in seconds: one that none reaches, and one that a handler reaches which never ends. */
const ample = 600;
const tooShort = 0.5;

const contract = { run: "worker", file: join(handlers, "contract.mjs") };

describe("functions apart from the server", () => {
  let serving: Promise<Running> | undefined;
  const open = () => {
    serving ??= serveFunctions({
      port: 0,
      ...yamlKey,
      functions: {
        contract,
        narrow: { ...contract, concurrency: 1, queue: 0, timeout: ample },
        short: { ...contract, timeout: tooShort },
        "contract-apart": { run: "child", file: join(handlers, "contract.mjs") },
        broken: { run: "child", file: join(handlers, "contract.mjs"), command: ["/nowhere/runtime"] },
      },
    });
    return serving;
  };

  test("an answer, an error and a lack of time are answered as Lambda does, with the request id of the handler", async () => {
    const { url } = await open();
    for (const name of ["contract", "contract:live", arnOf("contract"), "contract-apart"]) {
      const answer = await call(url, name, { body: '{"do":"number"}' });
      assert.deepEqual([answer.status, answer.functionError, answer.body], [200, null, "7"], name);
      const { body, id } = await call(url, name, { body: '{"do":"context"}' });
      assert.equal((JSON.parse(body) as { awsRequestId: string }).awsRequestId, id, name);
    }
    const thrown = await call(url, "contract", { body: '{"do":"type"}' });
    assert.deepEqual([thrown.status, thrown.functionError], [200, "Unhandled"]);
    assert.deepEqual(JSON.parse(thrown.body), { errorType: "TypeError", errorMessage: "not that type" });
    const exited = await call(url, "contract-apart", { body: '{"do":"exit"}' });
    assert.deepEqual(JSON.parse(exited.body), {
      errorType: "Runtime.ExitError",
      errorMessage: `RequestId: ${exited.id} Error: Runtime exited with error: exit status 129`,
    });
    const late = await call(url, "short", { body: '{"do":"hang"}' });
    assert.deepEqual(JSON.parse(late.body), {
      errorType: "Sandbox.Timedout",
      errorMessage: `RequestId: ${late.id} Error: Task timed out after 0.50 seconds`,
    });
  });

  test("what cannot be run has the errors of the Invoke API", async () => {
    const { url } = await open();
    const answers = async (name: string, given: Parameters<typeof call>[2]) => {
      const { status, error } = await call(url, name, given);
      return [status, error];
    };
    const six = 6 * 1024 * 1024;
    assert.deepEqual(await answers("nobody", {}), [404, "ResourceNotFoundException"]);
    assert.deepEqual(await answers("contract", { body: "{" }), [400, "InvalidRequestContentException"]);
    assert.deepEqual(await answers("contract", { type: "Event" }), [400, "InvalidParameterValueException"]);
    assert.deepEqual(await answers("contract", { type: "DryRun" }), [204, null]);
    assert.deepEqual(await answers("nobody", { type: "DryRun" }), [404, "ResourceNotFoundException"]);
    assert.deepEqual(await answers("broken", {}), [502, "InvalidRuntimeException"]);
    const largest = `{"do":"null","x":"${"x".repeat(six - 20)}"}`.slice(0, six - 2).concat('"}');
    assert.deepEqual([(await answers("contract", { body: largest }))[0], largest.length], [200, six]);
    assert.deepEqual(await answers("contract", { body: ` ${largest}` }), [413, "RequestTooLargeException"]);
  });

  test("only the key of the configuration may call, for this service and region, and now", async () => {
    const { url } = await open();
    const error = async (given: Parameters<typeof call>[2]) => {
      const { status, error } = await call(url, "contract", { body: '{"do":"null"}', ...given });
      return `${status} ${error}`;
    };
    assert.equal(await error({}), "200 null");
    const unknown = { ...key, accessKeyId: "AKIASOMEBODYELSE0000" };
    assert.equal(await error({ by: unknown }), "403 UnrecognizedClientException");
    const wrong = { ...key, secretAccessKey: "another-secret-of-some-length" };
    for (const given of [
      { by: wrong },
      { region: "eu-west-1" },
      { service: "cognito-idp" },
      { now: Date.UTC(2026, 0, 1) },
    ])
      assert.equal(await error(given), "403 InvalidSignatureException", JSON.stringify(given));
    const path = "/2015-03-31/functions/contract/invocations";
    const unsigned = await fetch(url + path, { method: "POST", body: "{}" });
    assert.equal(unsigned.headers.get("x-amzn-errortype"), "MissingAuthenticationTokenException");
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await fetch(`${url}/2015-03-31/functions/contract`)).status, 404);
  });

  test("a function that is busy refuses more calls than it may have", async () => {
    const { url, log } = await open();
    const first = call(url, "narrow", { body: '{"do":"say and wait"}' }).catch(() => undefined);
    await until("it runs", () => log().includes("said before it waits"));
    const { status, error, body } = await call(url, "narrow");
    assert.deepEqual([status, error], [429, "TooManyRequestsException"]);
    assert.equal(
      (JSON.parse(body) as { Reason: string }).Reason,
      "ReservedFunctionConcurrentInvocationLimitExceeded",
    );
    void first;
  });

  test("it refuses to run with secrets of a server, or on an address of a network by http", () => {
    const file = (more: object) => ({ port: 0, ...yamlKey, functions: { contract }, ...more });
    const load = (document: object, env = {}) => {
      const path = join(temporaryFolder(), "functions.yaml");
      writeFileSync(path, stringify(document));
      return loadFunctionsServer(path, env);
    };
    assert.equal(load(file({ host: "0.0.0.0", "allow-plaintext": true })).host, "0.0.0.0");
    // As an image has it for a server.
    assert.equal(load(file({}), { POOLHOUSE_DATA: "/data", POOLHOUSE_HOST: "0.0.0.0" }).host, "127.0.0.1");
    const wrong: readonly (readonly [object, Readonly<Record<string, string>>, RegExp])[] = [
      [file({}), { POOLHOUSE_MASTER_KEY: "x" }, /POOLHOUSE_MASTER_KEY is in the environment/],
      [file({}), { POOLHOUSE_MASTER_KEY_FILE: "x" }, /POOLHOUSE_MASTER_KEY_FILE is in the environment/],
      [file({}), { POOLHOUSE_DATABASE: "x" }, /POOLHOUSE_DATABASE is in the environment/],
      [file({ "master-key": "x" }), {}, /line \d+: master-key is unknown/],
      [file({ host: "0.0.0.0" }), {}, /line \d+: host must be of this machine/],
      [file({ "secret-access-key": "short" }), {}, /secret-access-key must have at least 16 characters/],
      [{ port: 0, functions: {} }, {}, /the file needs secret-access-key/],
      [file({ port: "x" }), {}, /port must be a port number from 0 to 65535, not "x"/],
      [file({ "functions-user": "ada" }), {}, /functions-user must be the number of a user/],
    ];
    for (const [document, env, message] of wrong) assert.throws(() => load(document, env), message);
  });

  test("told to end, it ends its functions too", async () => {
    const { process: apart, url } = await serveFunctions({
      port: 0,
      ...yamlKey,
      functions: { child: { run: "child", file: join(handlers, "contract.mjs") } },
    });
    const { body } = await call(url, "child", { body: '{"do":"pid"}' });
    const pid = Number(body);
    assert.ok(pid > 0 && pid !== apart.pid);
    apart.kill("SIGTERM");
    assert.deepEqual(await once(apart, "exit"), [0, null]);
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
  });
});

const ways = {
  "records-worker": { run: "worker", file: join(handlers, "records.mjs") },
  "records-node": { run: "child", file: join(handlers, "records.mjs") },
  "records-python": {
    run: "child",
    file: join(handlers, "records.py"),
    environment: { PATH: "/usr/bin:/bin" },
  },
};

forOneDatabase("sqlite", (database, _open, fresh) => {
  let started: Started | undefined;
  after(async () => {
    started?.test.client.destroy();
    await started?.server.close();
  });

  test(
    "handlers call the server with the right to one operation in one pool, and are refused the rest",
    needs("boto3"),
    async () => {
      const port = await freePort();
      const remote = { run: "invoke", url: `http://127.0.0.1:${port}`, timeout: ample, ...yamlKey };
      const config = join(temporaryFolder(), "poolhouse.yaml");
      const functions = Object.fromEntries(Object.keys(ways).map((name) => [name, remote]));
      writeFileSync(config, stringify({ functions }));
      started = await startTestServer(database, fresh, { POOLHOUSE_CONFIG: config });
      const server = started.test;
      const custom = (Name: string) => ({ Name, AttributeDataType: "String", Mutable: true }) as const;
      const { UserPoolId, ClientId } = await makePool(
        server,
        { Schema: [custom("seen"), custom("refused")] },
        { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] },
      );
      const Resource = `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${UserPoolId}`;
      const Statement = [{ Effect: "Allow", Action: "cognito-idp:AdminUpdateUserAttributes", Resource }];
      const policy = JSON.stringify({ Version: "2012-10-17", Statement });
      const withKeys: Record<string, object> = {};
      for (const [name, way] of Object.entries(ways)) {
        const { accessKeyId, secretAccessKey } = await createAccessKey(server.app, name, policy);
        const own = { "access-key-id": accessKeyId, "secret-access-key": secretAccessKey };
        withKeys[name] = { ...way, ...own, timeout: ample };
      }
      const apart = await serveFunctions({
        port,
        ...yamlKey,
        "public-url": server.endpoint,
        functions: withKeys,
      });
      for (const name of Object.keys(ways)) {
        const username = await makeSomebody(server, UserPoolId);
        await server.client.send(
          new UpdateUserPoolCommand({ UserPoolId, LambdaConfig: { PostAuthentication: arnOf(name) } }),
        );
        const signedIn = await server.client.send(
          new InitiateAuthCommand({
            ClientId,
            AuthFlow: "USER_PASSWORD_AUTH",
            AuthParameters: { USERNAME: username, PASSWORD: password },
          }),
        );
        assert.ok(signedIn.AuthenticationResult?.IdToken, name);
        const { UserAttributes = [] } = await server.client.send(
          new AdminGetUserCommand({ UserPoolId, Username: username }),
        );
        const noted = (attribute: string) =>
          UserAttributes.find(({ Name }) => Name === `custom:${attribute}`)?.Value;
        assert.equal(noted("seen"), name);
        assert.equal(noted("refused"), Array(4).fill("AccessDeniedException").join(" "), name);
        const isLogged = new RegExp(`"function":"${name}".*noted ${username}`);
        await until("what it printed is logged under its name", () => isLogged.test(apart.log()));
      }
      apart.process.kill("SIGTERM");
      await once(apart.process, "exit");
    },
  );
});
