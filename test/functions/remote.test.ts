/** Functions elsewhere: what is sent to them, what their answers mean, and what is tried again. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { userAgent } from "../../src/config/version.ts";
import type { FunctionFault } from "../../src/integrations/functions/functions.ts";
import { headerPairs, readSignedRequest } from "../../src/lib/sigv4.ts";
import { checkSignature as checkAws } from "../../src/lib/sigv4-check.ts";
import { arnOf, fails, open } from "./kit.ts";
import { checkSignature, secret, serve } from "./remote.ts";

/** A function at an address, by both ways. */
const both = (url: string, more: object = {}) => ({
  invoke: { run: "invoke", url, ...more },
  webhook: { run: "webhook", url, secret, ...more },
});

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const status =
  (code: number, body = "", headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end(body);
const cut: Answer = (response) => response.destroy();
const half: Answer = (response) => {
  response.writeHead(200, { "content-length": "100" });
  response.write("{", () => response.destroy());
};

interface Row {
  readonly what: string;
  readonly answer: Answer;
  readonly fault: FunctionFault;
  readonly message: RegExp;
  /** How often it is tried. */
  readonly tries: number;
  readonly only?: "invoke" | "webhook";
}

const reported = JSON.stringify({ errorMessage: "no", errorType: "Error" });
const large = "x".repeat(6 * 1024 * 1024 + 1);
const table: readonly Row[] = [
  { what: "no JSON", answer: status(200, "<html>"), fault: "unreadable", message: /not JSON/, tries: 1 },
  { what: "an empty answer", answer: status(200), fault: "unreadable", message: /not JSON/, tries: 1 },
  {
    what: "6 MB and one byte",
    answer: status(200, large),
    fault: "failed",
    message: /payload size/,
    tries: 1,
  },
  { what: "a cut connection", answer: cut, fault: "unreachable", message: /^ServiceException$/, tries: 3 },
  { what: "half an answer", answer: half, fault: "unreachable", message: /^ServiceException$/, tries: 3 },
  { what: "500", answer: status(500), fault: "unreachable", message: /^ServiceException$/, tries: 3 },
  { what: "503", answer: status(503), fault: "unreachable", message: /^ServiceException$/, tries: 3 },
  { what: "429", answer: status(429), fault: "unreachable", message: /^TooManyRequestsException$/, tries: 3 },
  { what: "403", answer: status(403), fault: "unreachable", message: /^AccessDeniedException$/, tries: 1 },
  {
    what: "404",
    answer: status(404),
    fault: "unreachable",
    message: /^ResourceNotFoundException$/,
    tries: 1,
  },
  { what: "413", answer: status(413), fault: "unreachable", message: /^RequestTooLargeException$/, tries: 1 },
  { what: "400", answer: status(400), fault: "unreachable", message: /^InvalidRequestContent/, tries: 1 },
  {
    what: "a redirect",
    answer: status(302, "", { location: "http://127.0.0.1:1/" }),
    fault: "unreachable",
    message: /^InvalidRequestContent/,
    tries: 1,
  },
  {
    what: "a reason in the header",
    answer: status(400, "{}", { "x-amzn-errortype": "KMSDisabledException:http://internal" }),
    fault: "unreachable",
    message: /^KMSDisabledException$/,
    tries: 1,
    only: "invoke",
  },
  {
    what: "an error of the function",
    answer: status(200, reported, { "x-amz-function-error": "Unhandled" }),
    fault: "failed",
    message: /^no$/,
    tries: 1,
    only: "invoke",
  },
  {
    what: "an error of the function without the header",
    answer: status(200, reported),
    fault: "failed",
    message: /^no$/,
    tries: 1,
    only: "invoke",
  },
  {
    what: "a refusal",
    answer: status(422, reported),
    fault: "failed",
    message: /^no$/,
    tries: 1,
    only: "webhook",
  },
  {
    what: "a refusal from a server that fails",
    answer: status(500, reported),
    fault: "unreachable",
    message: /^ServiceException$/,
    tries: 3,
    only: "webhook",
  },
];

for (const { what, answer, fault, message, tries, only } of table) {
  for (const way of only === undefined ? (["invoke", "webhook"] as const) : [only]) {
    test(`${way}: ${what}`, async () => {
      let seen = 0;
      const url = await serve((request, _body, response) => {
        seen += 1;
        answer(response, request);
      });
      const functions = await open({ [way]: both(url)[way] });
      await fails(functions.invoke(arnOf(way), {}), fault, message);
      assert.equal(seen, tries);
    });
  }
}

test("nobody who listens cannot be reached, and `attempts` says how often it is tried", async () => {
  const functions = await open(both("http://127.0.0.1:1", { attempts: 2 }));
  await functions.check();
  const noticed = functions.log.splice(0).map((line) => `${line.function} ${line.message}`);
  assert.deepEqual(noticed.map((line) => line.replace(/: connect .*/, "")).sort(), [
    "invoke http://127.0.0.1:1 cannot be reached",
    "webhook http://127.0.0.1:1 cannot be reached",
  ]);
  for (const way of ["invoke", "webhook"]) {
    await fails(functions.invoke(way, {}), "unreachable", /^ServiceException$/);
    const lines = functions.log.filter((line) => line.function === way);
    assert.deepEqual(
      lines.map((line) => line.message),
      ["ServiceException", "ServiceException"],
    );
  }
});

test("an attempt that works after others did not is the answer; a webhook's id stays the same", async () => {
  const ids: unknown[] = [];
  const url = await serve((request, body, response) => {
    checkSignature(request, body);
    assert.equal(request.headers["user-agent"], userAgent);
    ids.push(request.headers["webhook-id"]);
    (ids.length < 3 ? status(503) : status(200, '{"response":{"ok":true}}'))(response, request);
  });
  const functions = await open({ webhook: both(url).webhook });
  assert.deepEqual(await functions.invoke("webhook", { version: "1", response: {} }), {
    version: "1",
    response: { ok: true },
  });
  assert.equal(ids.length, 3);
  assert.equal(new Set(ids).size, 1);
});

test("a webhook that answers 204 leaves the event as it is", async () => {
  const url = await serve((request, _body, response) => status(204)(response, request));
  const functions = await open({ webhook: both(url).webhook });
  assert.deepEqual(await functions.invoke("webhook", { response: { a: 1 } }), { response: { a: 1 } });
});

test("a whole event is a webhook's answer as it is", async () => {
  const whole = { version: "1", request: {}, response: { b: 2 } };
  const url = await serve((request, _body, response) =>
    status(200, JSON.stringify(whole))(response, request),
  );
  const functions = await open({ webhook: both(url).webhook });
  assert.deepEqual(await functions.invoke("webhook", { version: "9" }), whole);
});

test("calls of Lambda are signed with the function's key if it has one", async () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  const requests: { rawHeaders: string[]; path: string; body: string }[] = [];
  const url = await serve((request, body, response) => {
    requests.push({ rawHeaders: request.rawHeaders, path: request.url ?? "", body });
    status(200, "1")(response, request);
  });
  const name = "arn:aws:lambda:eu-west-1:111122223333:function:f:live";
  const key = { "access-key-id": "AKIA1", "secret-access-key": "hush" };
  const section = {
    plain: { run: "invoke", url },
    signed: { run: "invoke", url: `${url}/prefix/`, function: name, region: "eu-west-1", ...key },
  };
  const functions = await open(section, { clock: () => now });
  await functions.invoke("plain", { a: 1 });
  assert.ok(!requests[0]?.rawHeaders.some((text) => /^authorization$/i.test(text)));
  assert.equal(requests[0]?.path, "/2015-03-31/functions/plain/invocations");
  await functions.invoke("signed", { text: "ü" });
  const { rawHeaders, path, body } = requests[1]!;
  assert.equal(path, `/prefix/2015-03-31/functions/${encodeURIComponent(name)}/invocations`);
  const request = {
    method: "POST",
    path,
    query: "",
    headers: headerPairs(rawHeaders),
    body: Buffer.from(body),
  };
  const signed = readSignedRequest(request);
  assert.ok(signed.kind === "signed");
  assert.equal(signed.accessKeyId, "AKIA1");
  assert.deepEqual(signed.signedHeaders, ["content-type", "host", "x-amz-date"]);
  const scope = { now, services: ["lambda"], region: "eu-west-1" };
  assert.deepEqual(checkAws(signed, request, "hush", scope), { ok: true });
  assert.equal(checkAws(signed, request, "wrong", scope).ok, false);
});
