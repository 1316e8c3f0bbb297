/** examples/api-authorizer on plain Node.js, and its functions as they are bundled for Lambda. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { compileCache } from "../kit/compile-cache.ts";
import { forOneServer } from "../kit/server.ts";
import { checkOrders, example, setUpOrders } from "./api-authorizer.ts";

forOneServer("postgres", "examples/api-authorizer", (open) => {
  test("on plain Node.js: groups and scopes decide", async () => {
    const orders = await setUpOrders(await open());
    const argv = ["--env-file=.env", join(example, "server.ts")];
    const env = { ...compileCache, PATH: process.env["PATH"] };
    const child = spawn(process.execPath, argv, {
      cwd: orders.folder,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    after(() => child.kill());
    for await (const line of createInterface({ input: child.stdout })) {
      const [, origin] = /^The API is at (\S+)$/.exec(line) ?? [];
      assert.ok(origin, line);
      const { requests } = (await (await fetch(origin)).json()) as { requests: string[] };
      assert.ok(requests.includes("POST /orders"), "it says what can be asked for");
      return checkOrders(origin, orders);
    }
    assert.fail("it has ended");
  });
});

interface Function {
  readonly handler: string;
  readonly events?: readonly { readonly http: { readonly method: string; readonly path: string } }[];
}

type Handler = (event: object) => Promise<Record<string, never>>;

/** Whether a policy lets a call through, as API Gateway decides it: a Deny wins. */
function isAllowed(
  statements: readonly { Effect: string; Resource: string | string[] }[],
  arn: string,
): boolean {
  const effects = statements
    .filter(({ Resource }) =>
      [Resource].flat().some((one) => new RegExp(`^${one.replaceAll("*", ".*")}$`).test(arn)),
    )
    .map(({ Effect }) => Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}

forOneServer("sqlite", "examples/api-authorizer, bundled", (open) => {
  test("the functions of serverless.yml, called as API Gateway calls them", async (context) => {
    const orders = await setUpOrders(await open());
    const build = join(orders.folder, "build");
    const env = { ...process.env, ...orders.settings };
    await promisify(execFile)(process.execPath, [join(example, "build.ts"), build], { env });
    const before = { ...process.env };
    Object.assign(process.env, orders.settings);
    context.after(() => {
      for (const name in orders.settings)
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
    });
    const { functions } = parse(readFileSync(join(example, "serverless.yml"), "utf8")) as {
      functions: Readonly<Record<string, Function>>;
    };
    const load = async ({ handler }: Function): Promise<Handler> => {
      const [file = "", name = ""] = handler.split(".");
      const module = await import(pathToFileURL(join(orders.folder, `${file}.mjs`)).href);
      return module[name] as Handler;
    };
    const authorize = await load(functions["authorize"]!);
    const stage = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/dev";
    const server = createServer(async (request, response) => {
      const answer = (status: number, body: string) => response.writeHead(status).end(body);
      const path = request.url ?? "";
      const found = Object.values(functions).find(({ events = [] }) =>
        events.some(
          ({ http }) =>
            http.method.toUpperCase() === request.method &&
            new RegExp(`^/${http.path.replace(/\{\w+\}/, "[^/]+")}$`).test(path),
        ),
      );
      const methodArn = `${stage}/${request.method}${path}`;
      const authorizationToken = request.headers.authorization;
      if (found === undefined || authorizationToken === undefined) return answer(401, "{}");
      const told = await authorize({ type: "TOKEN", methodArn, authorizationToken }).catch((error: Error) => {
        assert.equal(error.message, "Unauthorized");
      });
      if (told === undefined) return answer(401, "{}");
      const { policyDocument, principalId, context } = told as never;
      if (!isAllowed(policyDocument["Statement"], methodArn)) return answer(403, "{}");
      const result = await (await load(found))({
        body: await text(request),
        pathParameters: { day: path.split("/").at(-1) },
        requestContext: { authorizer: { principalId, ...(context as object) } },
      });
      return answer(Number(result["statusCode"]), String(result["body"]));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as { port: number };
    await checkOrders(`http://127.0.0.1:${port}`, orders);
  });
});
