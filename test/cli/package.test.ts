/** The published form: `npm pack`, installed into an empty folder, started as a stranger would. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { InitiateAuthCommand, ListUserPoolsCommand } from "@aws-sdk/client-cognito-identity-provider";
import { styles } from "../../src/http/hosted-ui/kit/assets.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { newSdk, patient } from "../kit/sdk.ts";
import { until } from "../kit/waiting.ts";

const root = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);
// The program runs on this Node.js, whatever the system has.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}` };

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** The folder of a stranger: empty but for what `npm install <tarball>` put there. */
const folder = temporaryFolder();
// If the tests run as root, children run as nobody.
chmodSync(folder, 0o755);
let packed: Packed;

before(async () => {
  const pack = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root, env });
  packed = JSON.parse(pack.stdout.slice(pack.stdout.indexOf("[")))[0];
  // The dependencies come from npm's cache where it has them, else from the registry.
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", ...options, join(folder, packed.filename)], { cwd: folder, env });
});

const running: ChildProcess[] = [];
after(() => {
  for (const child of running) if (child.exitCode === null) signal(child, "SIGKILL");
});

/** To the whole group, as a terminal does: npx passes no signal on. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Starts a command that serves, and waits for its line. */
async function serve(command: string, argv: readonly string[]) {
  const child = spawn(command, argv, {
    cwd: folder,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.push(child);
  let output = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    const [, url] = /^Poolhouse ready at (\S+).*\n/m.exec(output) ?? [];
    if (url !== undefined) return { child, url, output };
  }
  throw new Error(`the server did not start: ${output}`);
}

async function ended(child: ChildProcess, name: NodeJS.Signals): Promise<number | null> {
  const exit = once(child, "exit");
  signal(child, name);
  return (await exit)[0];
}

test("the tarball holds the program and nothing else", () => {
  const paths = packed.files.map(({ path }) => path);
  const foreign = paths.filter(
    (path) =>
      !/^(?:bin\/poolhouse\.js|dist\/.+\.js|dist\/http\/(?:hosted-ui|inbox|kit|welcome)\/public\/\w+\.css|dist\/integrations\/functions\/python\/\w+\.py|dist\/(?:index|config\/[\w-]+|(?:gateway|policy|sigv4|verify)\/[\w/-]+|lib\/(?:database-url|function-settings|gateway-settings|mail-address|operator-error|sender-settings|sigv4(?:-canonical|-check)?|smtp-url|system-user))\.d\.ts|docs\/[\w-]+\.md|package\.json|[A-Z]+(?:\.md)?)$/.test(
        path,
      ),
  );
  assert.deepEqual(foreign, []);
  const pages = [...styles.map((name) => `${name}.css`), "script.js"].map(
    (name) => `dist/http/hosted-ui/public/${name}`,
  );
  const some = ["LICENSE", "README.md", "dist/main.js", "dist/index.d.ts", "docs/fidelity.md"];
  const shared = [
    "kit/public/theme.css",
    "kit/public/plain.css",
    "kit/public/copy.js",
    "welcome/public/application.js",
    "inbox/public/inbox.css",
    "inbox/public/inbox.js",
  ];
  for (const path of [...some, ...pages, ...shared.map((name) => `dist/http/${name}`)]) {
    assert.ok(paths.includes(path), path);
  }
  assert.ok(packed.size < 1_200_000, `${packed.size} bytes`);
});

test("npx poolhouse serve: a signed call, a sign-in, and the end", async () => {
  const server = await serve("npx", ["poolhouse", "serve", "--demo", "--port", "0", "--data", "npx"]);
  const [, accessKeyId, secretAccessKey] = /AWS_ACCESS_KEY_ID=(\S+)\s+AWS_SECRET_ACCESS_KEY=(\S+)/.exec(
    server.output,
  )!;
  const client = patient(
    newSdk(server.url, {
      credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
    }),
  );
  const { UserPools } = await client.send(new ListUserPoolsCommand({ MaxResults: 10 }));
  assert.deepEqual(
    UserPools?.map(({ Id }) => Id),
    ["us-east-1_Demo12345"],
  );
  const signedIn = await client.send(
    new InitiateAuthCommand({
      ClientId: "demoappclient",
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: "demo@example.com", PASSWORD: "Poolhouse-demo-1" },
    }),
  );
  assert.ok(signedIn.AuthenticationResult?.AccessToken);
  client.destroy();
  await ended(server.child, "SIGTERM");
  // npx ends at once; the server, which got the signal too, a moment later.
  const answers = () =>
    fetch(`${server.url}/healthz`).then(
      () => true,
      () => false,
    );
  await until("the server has ended", async () => !(await answers()));
});

test("the installed command itself ends with 0 on SIGTERM, and finds its data again", async () => {
  const command = join(folder, "node_modules", ".bin", "poolhouse");
  for (const start of ["first", "second"]) {
    const server = await serve(command, ["serve", "--port", "0", "--data", "command"]);
    assert.equal(/AWS_SECRET_ACCESS_KEY/.test(server.output), start === "first");
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
    assert.equal(await ended(server.child, "SIGTERM"), 0);
  }
  assert.match((await run(command, ["version"], { env })).stdout, /^Poolhouse \d+\.\d+\.\d+, Node\.js 2/);
  assert.match(
    (await run(command, ["--help"], { env })).stdout,
    /^Usage: poolhouse COMMAND .*\n\nRunning the server\n {2}serve +run the server$/m,
  );
});

test("functions run from the installed package, in each way that has a program of its own", async () => {
  const command = join(folder, "node_modules", ".bin", "poolhouse");
  writeFileSync(
    join(folder, "hello.ts"),
    "export const handler = async ({ name }: { name: string }) => name;",
  );
  writeFileSync(
    join(folder, "hello.py"),
    "from botocore.vendored import requests\ndef lambda_handler(event, context):\n  return event['name']",
  );
  writeFileSync(join(folder, "event.json"), '{"name":"Ada"}');
  writeFileSync(
    join(folder, "functions.yaml"),
    `functions:
  worker: { run: worker, file: hello.ts }
  node: { run: child, file: hello.ts }
  python: { run: child, file: hello.py }
`,
  );
  for (const name of ["worker", "node", "python"]) {
    const argv = ["functions", "invoke", name, "--event", "event.json", "--config", "functions.yaml"];
    assert.equal((await run(command, argv, { cwd: folder, env })).stdout, '"Ada"\n', name);
  }
});

const embedding = `import { ConfigError, type Poolhouse, startPoolhouse } from "poolhouse";
import { signRequest } from "poolhouse/sigv4";

const server: Poolhouse = await startPoolhouse({ port: 0, data: "embedded", logLevel: "error" });
const key = server.rootKey!;
const { host } = new URL(server.url);
const body = '{"MaxResults":1}';
const headers = {
  host,
  "content-type": "application/x-amz-json-1.1",
  "x-amz-target": "AWSCognitoIdentityProviderService.ListUserPools",
};
const request = { method: "POST", path: "/", query: "", headers: Object.entries(headers), body: Buffer.from(body) };
const signature = signRequest(request, { ...key, region: "us-east-1", service: "cognito-idp", now: Date.now() });
const answer = await fetch(server.url, { method: "POST", headers: { ...headers, ...signature }, body });
console.log(answer.status, await answer.text());
await server.close();
try {
  await startPoolhouse({ data: "embedded", prot: 1 } as object);
} catch (error) {
  console.log(error instanceof ConfigError, (error as Error).message);
}
`;

/** Checks the types of a program that uses the package, and runs it; what it printed. */
async function runTyped(name: string, program: string): Promise<string> {
  writeFileSync(join(folder, name), program);
  const types = join(root, "node_modules", "@types");
  const strict = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2024", "--types", "node"];
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [compiler, ...strict, "--typeRoots", types, name], { cwd: folder });
  return (await run(process.execPath, [name], { cwd: folder })).stdout;
}

test("another program embeds the server, with types", async () => {
  const stdout = await runTyped("embed.mts", embedding);
  assert.equal(stdout, '200 {"UserPools":[]}\ntrue Unknown setting prot.\n');
});

const verifying = `import { type AuthorizerRule, createAuthorizer, forExpress } from "poolhouse/authorizer";
import { createVerifier, TokenError, type TokenProblem, type VerifiedToken } from "poolhouse/verify";

const verifier = createVerifier({ issuer: "https://id.example.com", clientId: "web" });
const rules: readonly AuthorizerRule[] = [{ path: "/orders", methods: ["POST"], groups: ["clerks"] }];
const authorize = createAuthorizer(verifier, { rules });
const methodArn = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/prod/GET/orders";
const problemOf = (work: Promise<unknown>): Promise<TokenProblem | string> =>
  work.then(() => "none", (error: Error) => (error instanceof TokenError ? error.problem : error.message));
const told: Promise<VerifiedToken> = verifier.verify("x");
console.log(await problemOf(told), await problemOf(authorize({ type: "TOKEN", methodArn, authorizationToken: "x" })));
console.log(typeof forExpress(verifier)({ groups: ["clerks"] }));
`;

test("another program verifies tokens, with types", async () => {
  assert.equal(await runTyped("verify.mts", verifying), "malformed Unauthorized\nfunction\n");
});

const signedCalls = `import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Caller, createVerifier, forExpress, SignatureError, verifyRequest } from "poolhouse/sigv4";

const verifier = createVerifier({
  endpoint: "https://id.example.com",
  credentials: async () => ({ accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" }),
  api: { accountId: "000000000000", apiId: "orders", stage: "prod" },
});
const called: Promise<Caller> = verifyRequest(verifier, new Request("https://api.example.com/"));
console.log(await called.catch((error: unknown) => (error instanceof SignatureError ? error.answer.body : "")));
const middleware: (i: IncomingMessage, o: ServerResponse, next: () => void) => void = forExpress(verifier).requireInvoke();
createServer((incoming, outgoing) => middleware(incoming, outgoing, () => void outgoing.end()));
`;

test("another program verifies signed calls, with types", async () => {
  assert.equal(await runTyped("signed.mts", signedCalls), '{"message":"Missing Authentication Token"}\n');
});

const behindGateway = `import { createServer } from "node:http";
import { expressGateway, type Gateway, handleRequest, knownOf, openGateway } from "poolhouse/gateway";
import { createVerifier, TokenError, type VerifiedToken } from "poolhouse/verify";

const gateway: Gateway = await openGateway("gateway.yaml");
const handled = await handleRequest(gateway, new Request("https://auth.example.com/"));
console.log(handled.response?.status);
const middleware = expressGateway(gateway);
const server = createServer((incoming, outgoing) =>
  middleware(incoming, outgoing, () => void outgoing.end(String(knownOf(incoming).identity?.subject))),
).listen(0, "127.0.0.1", async () => {
  const { port } = server.address() as { port: number };
  console.log(await (await fetch(\`http://127.0.0.1:\${port}/public/x\`)).text());
  server.close();
  await gateway.close();
});
const verifier = createVerifier({ issuer: "https://id.example.com", clientId: "web" });
const who = (token: string): Promise<VerifiedToken | string> =>
  verifier.verify(token).catch((error: unknown) => (error instanceof TokenError ? error.problem : "unknown"));
console.log(await who(""));
await openGateway("wrong.yaml").catch((error: Error) => console.log(error.name, error.message));
`;

test("another program stands behind the gateway, and verifies tokens, with types", async () => {
  const settings = `public-url: https://auth.example.com
provider: { issuer: "https://id.example.com", client-id: web }
sessions: { keys: ${randomBytes(32).toString("base64")}, store: cookies }
applications: [{ routes: [{ path: /public/**, access: public }, { path: /** }] }]
`;
  writeFileSync(join(folder, "gateway.yaml"), settings, { mode: 0o600 });
  writeFileSync(join(folder, "wrong.yaml"), settings.replace("routes", "rutes"), { mode: 0o600 });
  assert.deepEqual((await runTyped("behind.mts", behindGateway)).trimEnd().split("\n"), [
    "401",
    "missing",
    "ConfigError wrong.yaml, line 4: applications[0].rutes is unknown: did you mean routes?",
    "undefined",
  ]);
});

test("the installed command makes a key for the gateway, and checks its file", async () => {
  const command = join(folder, "node_modules", ".bin", "poolhouse");
  const { stdout } = await run(command, ["gateway", "new-key"], { env });
  assert.equal(Buffer.from(stdout, "base64").length, 32);
  const file = join(folder, "refused.yaml");
  writeFileSync(file, "port: http\n");
  await assert.rejects(run(command, ["gateway", "--config", file], { env }), {
    code: 1,
    stderr: `poolhouse gateway: ${file}, line 1: the file needs public-url.\n`,
  });
});

/** The system's own Node.js, where it is too old. */
const oldNode = "/usr/bin/node";
const oldVersion = existsSync(oldNode) ? (await run(oldNode, ["--version"])).stdout : undefined;
const isOld = oldVersion !== undefined && Number(/^v(\d+)/.exec(oldVersion)?.[1]) < 24;

test("an older Node.js is told what is needed", {
  skip: !isOld && "no Node.js before 24 is here",
}, async () => {
  mkdirSync(join(folder, "old"));
  const command = join(folder, "node_modules", ".bin", "poolhouse");
  await assert.rejects(run(oldNode, [command, "serve"], { cwd: join(folder, "old") }), {
    code: 1,
    stderr:
      `Poolhouse needs Node.js 24 or newer; this is ${oldVersion!.trim().slice(1)}. ` +
      "Install a newer one, or only for this folder: npm install node@24\n",
  });
  assert.equal(existsSync(join(folder, "old", "poolhouse-data")), false);
});
