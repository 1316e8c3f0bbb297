/**
 * Functions elsewhere: an endpoint of Lambda's Invoke API and a receiver of webhooks, both of which run the handler of the
 * contract in a thread, check who calls, and answer as documented.
 */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after } from "node:test";
import type { FunctionError } from "../../src/integrations/functions/functions.ts";
import { handlers, open, type TestFunctions } from "./kit.ts";

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => unknown;

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

/** A server on a free port that answers in this way; closed with the test file. */
export async function serve(answer: Answer): Promise<string> {
  const server = createServer(async (request, response) => {
    await answer(request, await text(request), response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

let handler: Promise<TestFunctions> | undefined;
/** Runs the handler; undefined if it is never done. */
async function run(event: string): Promise<{ answer: unknown } | { error: string } | undefined> {
  const unlimited = 900;
  handler ??= open({
    contract: { run: "worker", file: join(handlers, "contract.mjs"), timeout: unlimited, attempts: 1 },
  });
  const functions = await handler;
  const given = JSON.parse(event) as { do: string };
  if (given.do === "hang") return undefined;
  return functions.invoke("contract", given).then(
    (answer) => ({ answer }),
    (error: FunctionError) => ({ error: error.message }),
  );
}

/** An endpoint as Lambda has one. */
export const lambda = () =>
  serve(async (request, body, response) => {
    assert.equal(`${request.method} ${request.url}`, "POST /2015-03-31/functions/contract/invocations");
    const ran = await run(body);
    if (ran === undefined) return;
    const isError = "error" in ran;
    response.writeHead(200, {
      "content-type": "application/json",
      ...(isError && { "x-amz-function-error": "Unhandled" }),
    });
    response.end(JSON.stringify(isError ? { errorMessage: ran.error, errorType: "Error" } : ran.answer));
  });

const key = Buffer.alloc(32, 7);
export const secret = `whsec_${key.toString("base64")}`;

/** Checks a webhook's signature as its specification says. */
export function checkSignature({ headers }: IncomingMessage, body: string): void {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = headers;
  assert.match(String(id), /^msg_[\da-f-]{36}$/);
  assert.match(String(timestamp), /^\d{10}$/);
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  assert.equal(signature, `v1,${expected}`);
}

/** A receiver of webhooks. */
export const receiver = () =>
  serve(async (request, body, response) => {
    checkSignature(request, body);
    const ran = await run(body);
    if (ran === undefined) return;
    const isError = "error" in ran;
    response.writeHead(isError ? 422 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(isError ? { errorMessage: ran.error } : ran.answer));
  });
