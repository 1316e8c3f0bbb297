/** Functions that run as processes: Lambda's Runtime API, the environment, what old Python handlers import. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/config/config.ts";
import { OperatorError } from "../../src/lib/operator-error.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { arnOf, fails, handlers, open } from "./kit.ts";
import { serve } from "./remote.ts";

const node = { run: "child", file: join(handlers, "contract.mjs") };
const python = { run: "child", file: join(handlers, "contract.py") };
const own = {
  run: "child",
  file: join(handlers, "runtime.mjs"),
  command: [process.execPath, join(handlers, "runtime.mjs"), "an argument"],
};

test("any program that speaks the Runtime API can run a function", async () => {
  const functions = await open({ own });
  await functions.check();
  const before = Date.now();
  const { headers, argv } = (await functions.invoke(arnOf("own"), {})) as {
    headers: string[];
    argv: string[];
  };
  assert.ok(Number(headers[0]) >= before);
  assert.equal(headers[1], arnOf("own"));
  assert.deepEqual(argv, ["an argument"]);
});

test("the Runtime API refuses what is not its own, and hears no second answer", async () => {
  const functions = await open({ own });
  assert.deepEqual(await functions.invoke("own", { do: "odd" }), [400, 404, 403]);
  assert.ok(await functions.invoke("own", {}));
});

test("what a runtime may get wrong", async () => {
  const functions = await open({ own });
  await fails(functions.invoke("own", { do: "no JSON" }), "unreadable", /not JSON/);
  await fails(functions.invoke("own", { do: "no error" }), "failed", /^Unhandled$/);
  await fails(functions.invoke("own", { do: "large" }), "failed", /payload size/);
  await until("it is told", () => functions.log.some(({ message }) => message === "answered 413"));
  const pid = async () => ((await functions.invoke("own", {})) as { pid: number }).pid;
  assert.equal(await pid(), await pid());
});

test("a runtime that cannot begin says why", async () => {
  const fault = { ...own, environment: { REFUSE: "Runtime.ImportModuleError" } };
  const functions = await open({ fault });
  await functions.check();
  assert.ok(functions.log.some(({ message }) => message === "the handler cannot be loaded: cannot begin"));
  await fails(functions.invoke("fault", {}), "failed", /^cannot begin$/);
  const missing = await open({ own: { ...own, environment: { REFUSE: "Runtime.HandlerNotFound" } } });
  await assert.rejects(missing.check(), OperatorError);
});

test("a program that does not exist is named in the log, and the function cannot be reached", async () => {
  const functions = await open({ none: { ...own, command: ["/nowhere/runtime"], attempts: 1 } });
  await fails(functions.invoke("none", {}), "unreachable", /^InvalidRuntimeException$/);
  assert.match(JSON.stringify(functions.log), /spawn \/nowhere\/runtime ENOENT/);
});

test("what a process has started ends with it, however it ends", async () => {
  const functions = await open({
    leaves: { run: "child", file: join(handlers, "leaves.mjs"), timeout: hangingMs / 1000 },
  });
  await fails(functions.invoke("leaves", {}), "failed", /exit status 1$/);
  const left = () => functions.log.map(({ message }) => /^left (\d+)$/.exec(message)?.[1]).find(Boolean);
  await until("it says what it left", () => left() !== undefined);
  await until("that has ended", () => !existsSync(`/proc/${left()}/exe`));
});

for (const [name, settings] of Object.entries({ node, python })) {
  test(`${name}: a process finds its own environment, and nothing of the server's but PATH`, async () => {
    process.env["POOLHOUSE_TEST_SECRET"] = "of the server";
    try {
      const functions = await open({ contract: { ...settings, environment: { LEGACY: "http://cms" } } });
      const found = (await functions.invoke("contract", { do: "environment" })) as Record<string, string>;
      assert.deepEqual(
        Object.keys(found).filter((variable) => /POOLHOUSE|HOME|NODE/.test(variable)),
        [],
      );
      assert.equal(found["LEGACY"], "http://cms");
      // A wrapper of the interpreter may add to it.
      assert.ok(found["PATH"]?.endsWith(process.env["PATH"]!));
      assert.equal(found["LAMBDA_TASK_ROOT"], handlers);
      const [, host, path] = /^(127\.\d+\.\d+\.\d+:\d+)\/([\da-f]{32})$/.exec(
        found["AWS_LAMBDA_RUNTIME_API"]!,
      )!;
      for (const guessed of ["", "/", `/${path!.replace(/./g, "0")}`]) {
        const asked = await fetch(`http://${host}${guessed}/2018-06-01/runtime/invocation/next`);
        assert.equal(asked.status, 403, guessed);
      }
    } finally {
      delete process.env["POOLHOUSE_TEST_SECRET"];
    }
  });

  test(`${name}: the context says what Lambda's does`, async () => {
    const functions = await open({ "who-am-i": { ...settings, memory: 200 } });
    const { awsRequestId, remaining, functionName, invokedFunctionArn, memoryLimitInMB, logGroupName } =
      (await functions.invoke(arnOf("who-am-i"), { do: "context" })) as Record<string, unknown>;
    assert.deepEqual(
      [functionName, invokedFunctionArn, memoryLimitInMB, logGroupName],
      ["who-am-i", arnOf("who-am-i"), "200", "/aws/lambda/who-am-i"],
    );
    assert.match(String(awsRequestId), /^[\da-f-]{36}$/);
    assert.ok(Number(remaining) > 0 && Number(remaining) <= 5000, String(remaining));
  });

  test(`${name}: a process is kept for the next call of its function, and no other function gets it`, async () => {
    const functions = await open({ one: settings, other: settings });
    const calls = async (which: string) => functions.invoke(arnOf(which), { do: "calls" });
    assert.deepEqual([await calls("one"), await calls("one"), await calls("other")], [1, 2, 1]);
  });

  test(`${name}: a file without the handler refuses to start`, async () => {
    const functions = await open({ contract: { ...settings, handler: "nobody" } });
    await assert.rejects(functions.check(), (error) => {
      assert.ok(error instanceof OperatorError);
      assert.match(error.message, /^The function contract \(.+ line 2\) cannot run: .+ no function nobody/);
      return true;
    });
  });
}

test("callbacks and context.done work in processes, too", async () => {
  const styles = { run: "child", file: join(handlers, "styles.cjs") };
  const answers = {
    callback: { a: 1, by: "callback" },
    done: { a: 1, by: "done" },
    silent: null,
    waits: "first",
  };
  const section = Object.keys(answers).map((handler) => [handler, { ...styles, handler }]);
  const functions = await open(Object.fromEntries(section));
  for (const [name, answer] of Object.entries(answers))
    assert.deepEqual(await functions.invoke(name, { a: 1 }), answer, name);
});

test("what a handler has started ends with it", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "starts.mjs");
  writeFileSync(
    file,
    `import { spawn } from "node:child_process";
    export const handler = async () => spawn("sleep", ["1000"], { stdio: "ignore" }).pid;`,
  );
  const functions = await open({ starts: { run: "child", file } });
  const pid = Number(await functions.invoke("starts", {}));
  // Of a process that has ended, the status says so until its parent has asked for it.
  const lives = () => existsSync(`/proc/${pid}/exe`);
  assert.ok(lives());
  await functions.close();
  await until("it has ended", () => !lives());
});

test("if the server is root, processes run as a user that must be able to read the handler", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("needs root");
  assert.deepEqual(loadConfig([], {}).functionsUser, { uid: 65534, gid: 65534 });
  const childUser = loadConfig(["--functions-user", "65534:65533"], {}).functionsUser;
  const paths = { environment: { PATH: "/usr/bin:/bin" } };
  const settings = { ...python, ...paths };
  const functions = await open({ contract: settings, root: { ...settings, user: 0 } }, { childUser });
  await functions.check();
  const ids = async (name: string) => functions.invoke(name, { do: "ids" });
  assert.deepEqual(await ids("contract"), [65534, 65533, []]);
  assert.deepEqual(((await ids("root")) as number[]).slice(0, 2), [0, 0]);

  const folder = temporaryFolder();
  const file = join(folder, "closed.py");
  writeFileSync(file, "def lambda_handler(event, context):\n    return 7\n");
  const closed = await open({ closed: { run: "child", file, ...paths } }, { childUser });
  const message =
    /^The function closed \(.+ line 2\) cannot run: the user 65534 \(group 65533\), whom it runs as, may not read .+closed\.py: let others read it and enter its folders/;
  await assert.rejects(
    closed.check(),
    (error) => error instanceof OperatorError && message.test(error.message),
  );
  chmodSync(folder, 0o755);
  await closed.check();
  assert.equal(await closed.invoke("closed", {}), 7);
});

test("a process runs as another user, and cannot read what is the server's", async (context) => {
  const settings = { ...python, user: 65534, environment: { PATH: "/usr/bin:/bin" } };
  if (process.getuid?.() !== 0) {
    await assert.rejects(
      open({ contract: settings }),
      /line \d+: functions\.contract\.user needs a server that runs as root/,
    );
    return context.skip("this is not root");
  }
  const folder = temporaryFolder();
  const secret = join(folder, "master-key");
  writeFileSync(secret, "hush", { mode: 0o600 });
  chmodSync(folder, 0o755);
  const file = join(folder, "reads.py");
  writeFileSync(
    file,
    `import os
def lambda_handler(event, context):
    try:
        found = open(event["secret"]).read()
    except PermissionError:
        found = None
    return [os.getuid(), os.getgid(), os.getgroups(), found]
`,
  );
  const functions = await open({
    one: { ...settings, file },
    two: { ...settings, file, user: "65534:65533" },
  });
  assert.deepEqual(await functions.invoke("one", { secret }), [65534, 65534, [], null]);
  assert.deepEqual(await functions.invoke("two", { secret }), [65534, 65533, [], null]);
});

/** The interpreters of this machine, and those without `requests` and without botocore. */
const interpreters = ["python3", "/usr/bin/python3"].map((program) => [program]);

for (const [program = ""] of interpreters) {
  for (const [which, flags] of Object.entries({
    "its packages": [],
    "the standard library alone": ["-S", "-E"],
  })) {
    test(`botocore.vendored.requests works with ${program} and ${which}`, async (context) => {
      if (spawnSync(program, ["-c", "0"]).status !== 0) return context.skip(`there is no ${program}`);
      const bodies: unknown[] = [];
      const url = await serve((request, body, response) => {
        bodies.push([
          request.method,
          request.url,
          request.headers["x-key"],
          request.headers.authorization,
          body,
        ]);
        if (request.method === "GET")
          response.writeHead(401, { "content-type": "text/plain; charset=utf-8" }).end("no ü");
        else response.writeHead(200, { "content-type": "application/json" }).end('{"found":true}');
      });
      const file = join(handlers, "legacy.py");
      const bootstrap = join(import.meta.dirname, "../../src/integrations/functions/python/bootstrap.py");
      const command = [program, ...flags, bootstrap, file, "lambda_handler"];
      const functions = await open({ legacy: { run: "child", file, command } });
      const answer = await functions.invoke("legacy", {
        url: `${url}/u`,
        user: "ada",
        nobody: "http://127.0.0.1:1",
      });
      assert.deepEqual(answer, {
        status: 200,
        sent: { found: true },
        text: "no ü",
        ok: [true, false],
        refused: true,
      });
      const [posted, got] = bodies as [unknown[], unknown[]];
      assert.deepEqual(posted.slice(0, 4), ["POST", "/u", "k", "Basic bWU6cHc="]);
      assert.deepEqual(JSON.parse(String(posted[4])), { user: "ada" });
      assert.deepEqual(got.slice(0, 2), ["GET", "/u?user=ada"]);
    });
  }
}

/** As present botocore from PyPI has it: the errors alone, from which its own are derived. */
const botocore = {
  "botocore/__init__.py": "",
  "botocore/exceptions.py": `from botocore.vendored import requests
from botocore.vendored.requests.packages import urllib3
class BotoCoreError(Exception):
    pass
class ReadTimeoutError(BotoCoreError, requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
    pass
class ProxyConnectionError(BotoCoreError, requests.exceptions.ProxyError):
    pass
`,
  // boto3 imports it.
  "s3transfer.py": "from botocore.vendored.requests.packages.urllib3.exceptions import ReadTimeoutError\n",
  "botocore/vendored/__init__.py": "",
  "botocore/vendored/requests/__init__.py": "from .exceptions import RequestException, ConnectionError\n",
  "botocore/vendored/requests/exceptions.py": `from .packages.urllib3.exceptions import HTTPError as BaseHTTPError
class RequestException(IOError):
    pass
class ConnectionError(RequestException):
    pass
class ProxyError(ConnectionError):
    pass
class ReadTimeout(RequestException):
    pass
`,
  "botocore/vendored/requests/packages/__init__.py": "from . import urllib3\n",
  "botocore/vendored/requests/packages/urllib3/__init__.py": "from . import exceptions\n",
  "botocore/vendored/requests/packages/urllib3/exceptions.py": `class HTTPError(Exception):
    pass
class ReadTimeoutError(HTTPError):
    pass
`,
};

for (const [program = ""] of interpreters)
  for (const [which, flags] of Object.entries({
    "its packages": [],
    "the standard library alone": ["-S", "-E"],
  }))
    test(`a botocore that has the errors of requests alone works with ${program} and ${which}`, async (context) => {
      if (spawnSync(program, ["-c", "0"]).status !== 0) return context.skip(`there is no ${program}`);
      const folder = temporaryFolder();
      for (const [name, text] of Object.entries(botocore)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      const file = join(folder, "handler.py");
      writeFileSync(
        file,
        `import s3transfer
from botocore.exceptions import ProxyConnectionError, ReadTimeoutError
from botocore.vendored import requests
def lambda_handler(event, context):
    try:
        requests.get(event["nobody"])
    except requests.exceptions.RequestException as error:
        return [isinstance(error, requests.exceptions.ConnectionError), issubclass(ReadTimeoutError, Exception)]
`,
      );
      const bootstrap = join(import.meta.dirname, "../../src/integrations/functions/python/bootstrap.py");
      const command = [program, ...flags, bootstrap, file, "lambda_handler"];
      const functions = await open({ errors: { run: "child", file, command } });
      assert.deepEqual(await functions.invoke("errors", { nobody: "http://127.0.0.1:1" }), [true, true]);
    });
