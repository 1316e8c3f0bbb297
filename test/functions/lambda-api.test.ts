/** Lambda's Invoke API of a server, for administrators: aws-cli, policies, the audit log, refusals. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { signRequest } from "../../src/lib/sigv4.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { handlers } from "./kit.ts";

const folder = temporaryFolder();
/** A time limit that no call reaches, in seconds. */
const ample = 600;
const contract = { run: "worker", file: join(handlers, "contract.mjs"), timeout: ample };
const whole = "arn:aws:lambda:eu-west-1:111122223333:function:whole";
const config = join(folder, "poolhouse.yaml");
writeFileSync(
  config,
  stringify({
    functions: {
      contract,
      other: contract,
      [whole]: contract,
      gone: { run: "invoke", url: "http://127.0.0.1:9" },
    },
  }),
);

type Key = typeof rootKey;
interface Asked {
  readonly by?: Key;
  readonly body?: string | Buffer;
  readonly type?: string;
  readonly query?: string;
}

async function invoke(
  server: TestServer,
  name: string,
  { by = rootKey, body = "{}", type, query = "" }: Asked = {},
) {
  const path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
  const sent: [string, string][] = [["host", new URL(server.endpoint).host]];
  if (type !== undefined) sent.push(["x-amz-invocation-type", type]);
  const signed = signRequest(
    { method: "POST", path, query, headers: sent, body: Buffer.from(body) },
    { ...by, region: "us-east-1", service: "lambda", now: server.clock.now },
  );
  const headers = { ...Object.fromEntries(sent.slice(1)), ...signed };
  const url = `${server.endpoint}${path}${query && `?${query}`}`;
  const answer = await fetch(url, { method: "POST", headers, body });
  const text = await answer.text();
  return {
    status: answer.status,
    error: answer.headers.get("x-amzn-errortype"),
    functionError: answer.headers.get("x-amz-function-error"),
    id: answer.headers.get("x-amzn-requestid") ?? "",
    text,
    told: () => JSON.parse(text) as Record<string, string>,
  };
}

const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
const allows = (Resource: string | string[], Action = "lambda:InvokeFunction") => ({
  Effect: "Allow",
  Action,
  Resource,
});

forOneServer(
  "postgres",
  "Lambda's Invoke API",
  (open, database) => {
    const keyWith = async (...Statement: object[]) => {
      const { app } = await open();
      return createAccessKey(app, "tester", JSON.stringify({ Version: "2012-10-17", Statement }));
    };

    test(
      "aws lambda invoke prints the function's answer, its error, and a refusal",
      needs("aws-cli"),
      async () => {
        const server = await open();
        const aws = (name: string, payload: string, ...more: string[]) => {
          const out = join(folder, `${database}.json`);
          const args = [
            "--endpoint-url",
            server.endpoint,
            "--output",
            "json",
            "lambda",
            "invoke",
            "--function-name",
            name,
          ];
          const env = {
            PATH: "/usr/bin:/bin",
            HOME: folder,
            AWS_DEFAULT_REGION: "us-east-1",
            AWS_EC2_METADATA_DISABLED: "true",
            AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
            AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
            AWS_MAX_ATTEMPTS: "1",
          };
          const all = [
            ...args,
            "--cli-binary-format",
            "raw-in-base64-out",
            "--payload",
            payload,
            ...more,
            out,
          ];
          return new Promise<{ said: Record<string, unknown>; stderr: string; answer: unknown }>(
            (resolve) => {
              execFile("/usr/bin/aws", all, { env }, (error, stdout, stderr) =>
                resolve(
                  error === null
                    ? { said: JSON.parse(stdout), stderr, answer: readFileSync(out, "utf8") }
                    : { said: {}, stderr, answer: undefined },
                ),
              );
            },
          );
        };
        const well = await aws("contract", '{"do":"text"}');
        assert.deepEqual(
          [well.said, well.answer],
          [{ StatusCode: 200, ExecutedVersion: "$LATEST" }, '"seven"'],
          well.stderr,
        );
        const thrown = await aws(`${arn("contract")}:live`, '{"do":"throw"}');
        assert.equal(thrown.said["FunctionError"], "Unhandled", thrown.stderr);
        assert.equal(thrown.answer, '{"errorType":"Error","errorMessage":"no such domain"}');
        const { stderr } = await aws("nobody", "{}");
        assert.match(
          stderr,
          /\(ResourceNotFoundException\) when calling the Invoke operation.*: Function not found: arn/,
        );
        const dry = await aws("contract", "{}", "--invocation-type", "DryRun");
        assert.deepEqual(dry.said, { StatusCode: 204 }, dry.stderr);
      },
    );

    test("names, ARNs and qualifiers lead to the function; the handler has the request id", async () => {
      const server = await open();
      const names = [
        "contract",
        "contract:live",
        "000000000000:function:contract",
        "function:contract",
        arn("contract"),
        whole,
      ];
      for (const name of names)
        assert.equal((await invoke(server, name, { body: '{"do":"number"}' })).text, "7", name);
      const { text, id } = await invoke(server, "contract", {
        body: '{"do":"context"}',
        query: "Qualifier=7",
      });
      const context = JSON.parse(text) as { awsRequestId: string; invokedFunctionArn: string };
      assert.deepEqual([context.awsRequestId, context.invokedFunctionArn], [id, `${arn("contract")}:7`]);
      const nothing = await invoke(server, "contract", { body: "" });
      // The event is {}, for which the handler does what is called "undefined".
      assert.deepEqual([nothing.status, nothing.text], [200, "null"]);
    });

    test("a policy allows functions one by one, however they are named", async () => {
      const server = await open();
      const mine = await keyWith(allows(arn("contract")));
      const body = '{"do":"number"}';
      assert.equal((await invoke(server, "contract", { by: mine, body })).status, 200);
      assert.equal((await invoke(server, `${arn("contract")}:live`, { by: mine, body })).status, 200);
      for (const name of ["other", "nobody", whole]) {
        const { status, error, told } = await invoke(server, name, { by: mine, body });
        assert.deepEqual([status, error], [403, "AccessDeniedException"], name);
        assert.match(
          told()["message"]!,
          /User: .*user\/tester is not authorized to perform: lambda:InvokeFunction on/,
        );
      }
      // Another region or account in the ARN leads to the same function, and past no Deny.
      const elsewhere = "arn:aws:lambda:eu-west-1:111122223333:function:contract";
      const but = await keyWith(allows("*"), { ...allows(arn("contract")), Effect: "Deny" });
      for (const name of ["contract", "contract:live", elsewhere, `${elsewhere}:live`])
        assert.equal((await invoke(server, name, { by: but, body })).error, "AccessDeniedException", name);
      assert.equal((await invoke(server, "other", { by: but, body })).status, 200);
      const pools = await keyWith(allows("*", "cognito-idp:*"));
      assert.equal((await invoke(server, "contract", { by: pools, body })).error, "AccessDeniedException");
      assert.equal(
        (await invoke(server, "contract", { by: pools, type: "DryRun" })).error,
        "AccessDeniedException",
      );
    });

    test("calls are in the audit log, also those that were refused", async () => {
      const server = await open();
      const mine = await keyWith(allows(arn("contract")));
      const ids = [
        (await invoke(server, "contract", { by: mine, body: '{"do":"number"}' })).id,
        (await invoke(server, "contract", { by: mine, body: '{"do":"throw"}' })).id,
        (await invoke(server, "other", { by: mine })).id,
        (await invoke(server, "nobody")).id,
      ];
      await server.app.audit.flush();
      const events = await listAuditEvents(
        server.app.db,
        { operation: "Invoke" },
        { limit: 1000, order: "oldest first" },
      );
      const found = ids.map((id) => events.filter(({ requestId }) => requestId === id));
      assert.deepEqual(
        found.map((of) => of.map(({ result, target, details }) => [result, target, details ?? null])),
        [
          [["ok", "contract", null]],
          [["ok", "contract", { functionError: "Unhandled" }]],
          [["AccessDeniedException", "other", null]],
          [["ResourceNotFoundException", "nobody", null]],
        ],
      );
    });

    test("what cannot be asked, or run, has the documented error", async () => {
      const server = await open();
      const six = 6 * 1024 * 1024;
      const cases: readonly (readonly [string, Asked, number, string | null])[] = [
        ["contract", { type: "Event" }, 400, "InvalidParameterValueException"],
        ["contract", { type: "Later" }, 400, "InvalidParameterValueException"],
        ["con tract", {}, 404, null],
        ["a:b:c", {}, 400, "InvalidParameterValueException"],
        ["contract", { body: "{" }, 400, "InvalidRequestContentException"],
        ["contract", { body: Buffer.from([0x22, 0xff, 0x22]) }, 400, "InvalidRequestContentException"],
        ["contract", { body: `"${"x".repeat(six - 1)}"` }, 413, "RequestTooLargeException"],
        ["gone", {}, 500, "ServiceException"],
        [
          "contract",
          { by: { ...rootKey, secretAccessKey: "wrong-secret-of-root" } },
          403,
          "InvalidSignatureException",
        ],
        ["contract", { by: { ...rootKey, accessKeyId: "AKIANOBODY" } }, 403, "UnrecognizedClientException"],
      ];
      for (const [name, asked, status, error] of cases) {
        const answered = await invoke(server, name, asked);
        assert.deepEqual([answered.status, answered.error], [status, error], `${name} ${answered.text}`);
      }
      const url = `${server.endpoint}/2015-03-31/functions/contract/invocations`;
      const unsigned = await fetch(url, { method: "POST", body: "{}" });
      assert.equal(unsigned.headers.get("x-amzn-errortype"), "MissingAuthenticationTokenException");
      assert.equal((await fetch(url)).status, 404);
      const large = await invoke(server, "contract", {
        body: JSON.stringify({ do: "null", x: "x".repeat(200_000) }),
      });
      assert.deepEqual([large.status, large.text], [200, "null"]);
    });
  },
  { POOLHOUSE_CONFIG: config },
);
