/** `npm run example`: what it lists, starts, says and leaves behind. Each example has tests of its own besides. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { OperatorError } from "../../src/lib/operator-error.ts";
import { openFolder, readNote } from "../../tools/example/places.ts";
import { examples } from "../../tools/example/table.ts";
import { serve, stop } from "../cli/program.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { until } from "../kit/waiting.ts";
import { byWhole, whole } from "../kit/whole.ts";
import { callAsGuest } from "./identity-pool.ts";
import { newVisitor, type Shown, type Visitor } from "./visitor.ts";

const root = join(import.meta.dirname, "..", "..");
const run = join(root, "tools", "example", "run.ts");
const exec = promisify(execFile);

const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill("SIGTERM");
});

interface Started {
  readonly child: ChildProcess;
  readonly said: string;
}

/** Starts an example, and waits until it has said how to end it. */
async function start(temporary: string, ...argv: string[]): Promise<Started> {
  // What a shell may have is not the example's.
  const others = {
    CLIENT_ID: "of-another-program",
    PASSWORD: "x",
    SESSION_SECRET: "y",
    ISSUER: "http://localhost:1/z",
  };
  const env = { ...process.env, ...others, TMPDIR: temporary };
  const child = spawn(process.execPath, [run, ...argv], { env, stdio: ["ignore", "pipe", "inherit"] });
  running.push(child);
  let said = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (/^Ctrl-C ends it/m.test(said)) return { child, said };
  }
  throw new Error(`it ended: ${said}`);
}

/** Ports that no other test has: those given out by the system are higher. */
const portsFrom = (first: number) => ["--port", String(first)];

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const exited = once(child, "exit");
  child.kill(signal);
  const [code] = await exited;
  return code;
}

const refusal = (...argv: string[]) => refusalIn({}, ...argv);
const refusalIn = (env: Record<string, string>, ...argv: string[]) =>
  exec(process.execPath, [run, ...argv], { env: { ...process.env, ...env } }).then(
    () => assert.fail("it was not refused"),
    (error: { code: number; stderr: string }) => error,
  );

test("alone it lists the examples with a line each; an unknown one is refused", async () => {
  const { stdout } = await exec(process.execPath, [run]);
  assert.equal((await exec(process.execPath, [run, "walk", "--help"])).stdout, stdout);
  for (const [name, { shows }] of Object.entries(examples))
    assert.ok(stdout.includes(`${name} `) && stdout.includes(shows));
  const unknown = await refusal("nothing");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^There is no example "nothing"\./);
});

test("what is mistyped or damaged is refused with what to do about it", async () => {
  const folder = (files: Record<string, string>) => {
    const path = temporaryFolder();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return path;
  };
  const damaged = (note: string) => folder({ "example.json": note });
  const changed = (change: object) =>
    damaged(JSON.stringify({ example: "walk", ports: { poolhouse: 1 }, said: "", files: [], ...change }));
  const dangling = join(temporaryFolder(), "link");
  symlinkSync(join(dangling, "nothing"), dangling);
  const folderOfFolder = temporaryFolder();
  mkdirSync(join(folderOfFolder, "example.json"));
  const cases: readonly (readonly [message: RegExp, env: Record<string, string>, ...argv: string[]])[] = [
    [/^From port 65535 on.*Give a lower one/, {}, "web-app", "--port", "65535"],
    [/^--port must be a number/, {}, "web-app", "--port", "65536"],
    [/^The example walk takes no further argument, such as "3"\. Options come after --/, {}, "walk", "3"],
    [/^Unknown option '--prot'/, {}, "web-app", "--prot", "5000"],
    // As npm passes it on if -- is missing.
    [/^ {2}npm run example -- walk --keep DIR$/m, { npm_config_keep: "true" }, "walk", "kept"],
    [/^ {2}npm run example -- walk --port N$/m, { npm_config_port: "true" }, "5000", "walk"],
    [/ is not empty, and does not have /, {}, "walk", "--keep", folder({ ".env": "PORT=1\n" })],
    [/^--keep needs the name of a folder\./, {}, "walk", "--keep", ""],
    [/ is not a folder, or /, {}, "walk", "--keep", join(folder({ file: "" }), "file")],
    [/ is not a folder, or /, {}, "walk", "--keep", dangling],
    [/example\.json is damaged/, {}, "walk", "--keep", folderOfFolder],
    [/example\.json is damaged/, {}, "walk", "--keep", damaged("{}")],
    [/example\.json is damaged/, {}, "walk", "--keep", damaged('{"example":')],
    [/example\.json is damaged/, {}, "walk", "--keep", damaged("null")],
    [/example\.json is damaged/, {}, "walk", "--keep", changed({ ports: { a: "b" } })],
    [/example\.json is damaged/, {}, "walk", "--keep", changed({ ports: { poolhouse: -1 } })],
    [/example\.json is damaged/, {}, "walk", "--keep", changed({ files: [".env"] })],
  ];
  for (const [message, env, ...argv] of cases) {
    const { code, stderr } = await refusalIn(env, ...argv);
    assert.match(stderr, message);
    assert.deepEqual([code, /^ +at /m.test(stderr)], [1, false], stderr);
  }
});

test("every example in the folder is in the table, and its README says how it is started", () => {
  const folders = readdirSync(join(root, "examples")).filter((name) => name !== "appauth");
  assert.deepEqual(folders.sort(), Object.keys(examples).sort());
  for (const name of folders) {
    const readme = readFileSync(join(root, "examples", name, "README.md"), "utf8");
    assert.match(readme, new RegExp(`^npm run example ${name}$`, "m"));
  }
});

/** The application with passport, while the pool hangs: every answer comes, and sign-out ends the session. */
async function checkPassport(started: Started): Promise<void> {
  const { password } = urlsIn(started.said);
  const [, url] = /with passport is at (\S+)/.exec(started.said) ?? assert.fail(started.said);
  const visitor = newVisitor();
  const notices = await visitor.signIn(new URL("/authenticate", url), "rita", password);
  assert.match(notices.text, /elevator/);
  assert.doesNotMatch(notices.text, /href="\/tokens"/);
  assert.match(notices.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  await whileItHangs(started, async () => {
    for (const headers of [{ origin: "http://localhost:1" }, { origin: "null" }, {}])
      assert.equal((await visitor.ask(new URL("/sign-out", url), { method: "POST", headers })).status, 403);
    assert.equal((await visitor.ask(url!)).status, 200);
    const stranger = newVisitor();
    const pool = new URL((await stranger.ask(new URL("/authenticate", url))).headers.get("location")!);
    const state = encodeURIComponent(pool.searchParams.get("state")!);
    const entered = await stranger.ask(new URL(`/callback?code=x&state=${state}`, url));
    assert.equal(entered.status, 503);
    const left = await visitor.post(new URL("/sign-out", url));
    assert.equal(left.status, 503);
    assert.match(left.text, /Signed out here only/);
    assert.match((await visitor.ask(url!)).text, /href="\/authenticate"/);
  });
}

test("ports that are taken are named and others used; interrupted, it ends everything and leaves nothing", async () => {
  const temporary = temporaryFolder();
  // Somebody has the port already, this test or another program.
  const taken = createServer().on("error", () => {});
  taken.listen(3000, "127.0.0.1");
  const started = await start(temporary, "web-app");
  const { child, said } = started;
  taken.close();
  assert.match(said, /^Port 3000 is taken; this uses \d+\.$/m);
  const [, url, poolhouse] = /^Open (\S+) {3}\(Poolhouse: (\S+)\)$/m.exec(said) ?? assert.fail(said);
  assert.match(said, /^Users: rita .* Their password: Aa1-/m);
  assert.doesNotMatch(said, /\.env/, "that is for those who run the setup by hand");
  assert.equal((await fetch(url!)).status, 200);
  assert.equal((await fetch(new URL("/readyz", poolhouse))).status, 200);
  await checkPassport(started);
  const [folder] = globSync("poolhouse-web-app-*", { cwd: temporary });
  assert.ok(folder, "its data is somewhere");
  assert.equal(await end(child, "SIGINT"), 0);
  for (const gone of [url!, poolhouse!]) await assert.rejects(fetch(gone));
  assert.equal(existsSync(join(temporary, folder)), false);
});

test("what was kept belongs to one example, and needs its ports again", async () => {
  const kept = join(temporaryFolder(), "kept");
  const first = await start(temporaryFolder(), "walk", "--keep", kept, ...portsFrom(21_100));
  for (const title of ["A pool.", "Ann signs up.", "Bob is invited", "A forgotten password"])
    assert.match(first.said, new RegExp(`^== ${title}`, "m"));
  const pool = /us-east-1_\w+/.exec(first.said)?.[0] ?? assert.fail(first.said);
  const { port } = new URL(/\(Poolhouse: (\S+)\)/.exec(first.said)?.[1] ?? assert.fail(first.said));
  assert.equal(await end(first.child, "SIGTERM"), 0);

  const other = await refusal("web-app", "--keep", kept);
  assert.match(other.stderr, /keeps the data of the example walk/);
  const squatter = createServer();
  squatter.listen(Number(port), "127.0.0.1");
  await once(squatter, "listening");
  const inUse = await refusal("walk", "--keep", kept);
  assert.match(inUse.stderr, new RegExp(`^Port ${(squatter.address() as AddressInfo).port} is taken`));
  squatter.close();

  assert.equal(readFileSync(join(kept, ".gitignore"), "utf8"), "*\n");
  const { files } = readNote(openFolder("walk", kept));
  assert.ok(files.some((name) => name.endsWith(".sqlite")) && files.length >= 3, files.join());
  for (const file of ["example.json", ...files].map((name) => join(kept, name))) {
    const read = () => readNote(openFolder("walk", kept));
    renameSync(file, `${kept}-aside`);
    assert.throws(read, OperatorError, `without ${file}`);
    writeFileSync(file, "");
    assert.throws(read, OperatorError, `with an empty ${file}`);
    renameSync(`${kept}-aside`, file);
  }
  const key = join(kept, "poolhouse", "secrets", "root-access-key.json");
  renameSync(key, `${kept}-aside`);
  writeFileSync(key, "{");
  assert.match((await refusal("walk", "--keep", kept)).stderr, /root-access-key\.json is damaged/);
  renameSync(`${kept}-aside`, key);

  const again = await start(temporaryFolder(), "walk", "--keep", kept, "--port", "5000");
  assert.match(again.said, /^--port 5000 changes nothing/m);
  assert.ok(again.said.includes(pool));
  assert.doesNotMatch(again.said, /^== /m, "the steps are not gone through again");
  const page = await fetch(/^http:\S+\/login\?\S+$/m.exec(again.said)?.[0] ?? assert.fail(again.said));
  assert.equal(page.status, 200);
  // What a closed terminal sends.
  assert.equal(await end(again.child, "SIGHUP"), 0);
  await assert.rejects(fetch(page.url));
});

test("a damaged key of an example's program is replaced as it is told", async () => {
  const kept = join(temporaryFolder(), "kept");
  const first = await start(temporaryFolder(), "accounts", "--keep", kept, ...portsFrom(21_400));
  assert.equal(await end(first.child, "SIGTERM"), 0);
  const key = join(kept, "access-key.env");
  const [id = ""] = readFileSync(key, "utf8").split("\n");
  for (const damaged of ["", `${id}\n`]) {
    writeFileSync(key, damaged);
    assert.match(
      (await refusal("accounts", "--keep", kept)).stderr,
      /access-key\.env has no access key: remove it/,
    );
  }
  rmSync(key);
  const again = await start(temporaryFolder(), "accounts", "--keep", kept);
  const created = await fetch(new URL("/accounts", /^Open (\S+)/m.exec(again.said)?.[1]), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "Ann", email: "ann@mail.example", password: "Correct-Horse-7" }),
  });
  assert.equal(created.status, 201);
  assert.equal(await end(again.child, "SIGTERM"), 0);
});

test("the roles that an example's setup writes are created with it, and are there again", async () => {
  const kept = join(temporaryFolder(), "kept");
  const first = await start(temporaryFolder(), "identity-pool", "--keep", kept, ...portsFrom(21_500));
  assert.equal(await end(first.child, "SIGTERM"), 0);
  const again = await start(temporaryFolder(), "identity-pool", "--keep", kept);
  assert.match(again.said, /^Users: ada \(in the group admins\), gus\. Their password: Aa1-/m);
  const settings = readFileSync(join(kept, ".env"), "utf8");
  const { status, body } = await callAsGuest(settings, "/api/me");
  assert.deepEqual([status, body.arn?.split("/")[1]], [200, "museum-guests"], body.message);
  assert.equal(await end(again.child, "SIGTERM"), 0);
});

test("interrupted while it starts, it ends and leaves nothing; what it was to keep is no finished start", async () => {
  const temporary = temporaryFolder();
  const interrupted = async (...argv: string[]) => {
    const env = { ...process.env, TMPDIR: temporary };
    const child = spawn(process.execPath, [run, "walk", ...portsFrom(21_300), ...argv], { env });
    running.push(child);
    await until("Poolhouse makes its folder", () => globSync("*/poolhouse", { cwd: temporary }).length > 0);
    return end(child, "SIGINT");
  };
  assert.equal(await interrupted(), 0);
  assert.deepEqual(readdirSync(temporary), []);
  const kept = join(temporary, "kept");
  assert.equal(await interrupted("--keep", kept), 0);
  assert.match((await refusal("walk", "--keep", kept)).stderr, / is not empty, and does not have /);
});

let apiLogin: Promise<Started> | undefined;
/** The example api-login, with its web application. */
function startApiLogin(): Promise<Started> {
  apiLogin ??= start(temporaryFolder(), "api-login", ...portsFrom(21_200));
  return apiLogin;
}

/** Runs something while the Poolhouse of an example accepts connections and answers nothing. */
async function whileItHangs({ child }: Started, work: () => Promise<void>): Promise<void> {
  const { stdout } = await exec("pgrep", ["-P", String(child.pid), "-f", "src/main.ts"]);
  process.kill(Number(stdout), "SIGSTOP");
  try {
    await work();
  } finally {
    process.kill(Number(stdout), "SIGCONT");
  }
}

interface Begun {
  readonly answer: Promise<Shown>;
}

/** Asks, and waits until the application has read the request and its session; the answer may come much later. */
async function begun(visitor: Visitor, url: string | URL, method: "ask" | "post" = "ask"): Promise<Begun> {
  const { pathname } = new URL(url);
  let isSent = false;
  const look = (message: unknown) => {
    isSent ||= (message as { request: { path: string } }).request.path.split("?")[0] === pathname;
  };
  subscribe("undici:client:sendHeaders", look);
  try {
    const answer = visitor[method](url);
    await until(`${pathname} is sent`, () => isSent);
    // Requests are read in the order in which they come, whatever their connections: this one's answer comes later.
    await visitor.ask(new URL("/style.css", url));
    return { answer };
  } finally {
    unsubscribe("undici:client:sendHeaders", look);
  }
}

const urlsIn = (said: string) => ({
  open: /^Open (\S+)/m.exec(said)?.[1] ?? assert.fail(said),
  password: /password: (\S+)/.exec(said)?.[1] ?? assert.fail(said),
});

test("a pool that hangs keeps nobody waiting, and a request that outlives the sign-out does not undo it", async () => {
  const started = await startApiLogin();
  const { open, password } = urlsIn(started.said);
  const [, api] = /password at (\S+)login/.exec(started.said) ?? assert.fail(started.said);
  const visitor = newVisitor();
  const notices = await visitor.signIn(new URL("/sign-in", open), "rita", password);
  assert.match(notices.text, /href="\/repairs"/);
  assert.match((await visitor.ask(new URL("/repairs", open))).text, /<h1>Repairs<\/h1>/);
  const pool = new URL((await visitor.ask(new URL("/sign-in", open))).headers.get("location")!);
  const callback = new URL("/callback?code=x", open);
  callback.searchParams.set("state", pool.searchParams.get("state")!);
  callback.searchParams.set("iss", pool.href.replace(/\/oauth2\/.*/, ""));
  await whileItHangs(started, async () => {
    const entering = await begun(visitor, callback);
    const left = await visitor.post(new URL("/sign-out", open));
    assert.equal(left.status, 503);
    assert.match(left.text, /Signed out here only/);
    const entered = await entering.answer;
    assert.equal(entered.status, 503);
    assert.match(entered.text, /does not answer/);
    assert.equal((await visitor.ask(new URL("/api/notices", open))).status, 401);
    const login = await fetch(new URL("/login", api), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "rita", password }),
    });
    assert.deepEqual([login.status, await login.json()], [503, { error: "unavailable" }]);
  });
});

test("a second sign-in that is still running at sign-out does not undo it", async () => {
  const started = await startApiLogin();
  const { open, password } = urlsIn(started.said);
  const visitor = newVisitor();
  await visitor.signIn(new URL("/sign-in", open), "rita", password);
  // The pool knows the browser, and sends it back at once.
  const atPool = await visitor.ask((await visitor.ask(new URL("/sign-in", open))).headers.get("location")!);
  const callback = atPool.headers.get("location")!;
  assert.match(callback, /[?&]code=/);
  const running: Begun[] = [];
  await whileItHangs(started, async () => {
    running.push(await begun(visitor, callback));
    running.push(await begun(visitor, new URL("/sign-out", open), "post"));
  });
  const [entered, left] = await Promise.all(running.map(({ answer }) => answer));
  assert.deepEqual([entered!.status, left!.status], [400, 302]);
  assert.match(entered!.text, /has been signed out in the meantime/);
  assert.equal((await visitor.ask(new URL("/api/notices", open))).status, 401);
});

test("two tabs that come back from the pool at the same moment both end signed in", async () => {
  const started = await startApiLogin();
  const { open, password } = urlsIn(started.said);
  const visitor = newVisitor();
  await visitor.signIn(new URL("/sign-in", open), "rita", password);
  // The pool knows the browser, and sends it back at once.
  const comeBack = async () => {
    const atPool = (await visitor.ask(new URL("/sign-in", open))).headers.get("location")!;
    return (await visitor.ask(atPool)).headers.get("location")!;
  };
  for (const isSameAnswer of [false, true]) {
    const first = await comeBack();
    const tabs = [first, isSameAnswer ? first : await comeBack()];
    const running: Begun[] = [];
    await whileItHangs(started, async () => {
      for (const tab of tabs) running.push(await begun(visitor, tab));
    });
    const answers = await Promise.all(running.map(({ answer }) => answer));
    const places = answers.map(({ headers }) => headers.get("location"));
    assert.deepEqual(places.toSorted(), ["/", "/notices"]);
    assert.equal((await visitor.ask(open)).headers.get("location"), "/notices");
  }
  assert.equal((await visitor.post(new URL("/sign-out", open))).status, 302);
});

test("sign-ins in two tabs and answers to none do not disturb each other", async () => {
  const { open, password } = urlsIn((await startApiLogin()).said);
  const visitor = newVisitor();
  const first = (await visitor.ask(new URL("/sign-in", open))).headers.get("location")!;
  assert.equal((await visitor.ask(new URL("/callback?code=x&state=y", open))).status, 400);
  await visitor.ask(new URL("/sign-in", open));
  const entered = await visitor.signIn(first, "rita", password);
  assert.match(entered.text, /<h1>Notices<\/h1>/);
});

test("if one of its programs dies, the others are ended, too", async () => {
  const { child, said } = await startApiLogin();
  const [, api] = /password at (\S+)login/.exec(said) ?? assert.fail(said);
  const { stdout } = await exec("pgrep", ["-P", String(child.pid), "-f", "api-login/server.ts"]);
  const exited = once(child, "exit");
  process.kill(Number(stdout.trim()), "SIGKILL");
  assert.equal((await exited)[0], 1);
  for (const url of [api!, /\(Poolhouse: (\S+)\)/.exec(said)![1]!]) await assert.rejects(fetch(url));
});

// The tests above run its other form, with SDK v3. This one starts Python for each step.
test("examples/walk with aws-cli", whole ? needs("aws-cli") : { skip: byWhole }, async () => {
  const data = join(temporaryFolder(), "poolhouse-data");
  const server = await serve("--demo", "--data", data);
  try {
    const key = JSON.parse(readFileSync(join(data, "secrets", "root-access-key.json"), "utf8")) as {
      accessKeyId: string;
      secretAccessKey: string;
    };
    const env = {
      PATH: `/usr/bin:${process.env["PATH"]}`,
      AWS_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    };
    const { stdout } = await exec("/bin/bash", [join(root, "examples", "walk", "walk.sh")], { env });
    assert.match(stdout, /"cognito:groups":\["Admin"\]/);
    assert.match(
      stdout,
      /^His status: FORCE_CHANGE_PASSWORD\nHis access token is valid for: 3600 seconds\n/m,
    );
    assert.match(stdout, /(By \S+: the code went to a\*\*\*@e\*\*\*\n.* signs in: Bearer\n){3}/);
    assert.match(stdout, /Done\.\n$/);

    // An aws-cli whose second call fails, as version 1 does if a value is a URL.
    const broken = temporaryFolder();
    const wrapper = `#!/bin/sh\ncase "$*" in *" create-user-pool-client "*) printf '%s\\n' "$@" >${broken}/said; exit 1;; esac
exec /usr/bin/aws "$@"\n`;
    writeFileSync(join(broken, "aws"), wrapper, { mode: 0o755 });
    const argv = [join(root, "examples", "walk", "walk.sh")];
    const stopped = await exec("/bin/bash", argv, { env: { ...env, PATH: `${broken}:${env.PATH}` } }).then(
      () => assert.fail("it was not stopped"),
      (error: { stdout: string; stderr: string }) => error,
    );
    const pool = /us-east-1_\w+/.exec(stopped.stdout)?.[0] ?? assert.fail(stopped.stdout);
    assert.match(stopped.stderr, new RegExp(`^ {2}aws .*delete-user-pool .* --user-pool-id ${pool}$`, "m"));
    const values = readFileSync(join(broken, "said"), "utf8").split("\n");
    const urls = values.filter((value, at) => /^https?:/.test(value) && values[at - 1] !== "--endpoint-url");
    assert.deepEqual(urls, []);
  } finally {
    await stop(server.process);
  }
});
