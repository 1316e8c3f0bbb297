/** Signature Version 4 against other people's signers: @smithy/signature-v4 and the AWS SDKs v3 and v2. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { CognitoIdentityProviderClient, ListUsersCommand } from "@aws-sdk/client-cognito-identity-provider";
import { SignatureV4 } from "@smithy/signature-v4";
import {
  headerPairs,
  parseAuthorization,
  readSignedRequest,
  signRequest,
  type WireRequest,
} from "../../src/lib/sigv4.ts";
import { checkSignature, type SignatureCheck } from "../../src/lib/sigv4-check.ts";
import { Sha256 } from "../kit/sha256.ts";

const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secretAccessKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const now = Date.UTC(2026, 0, 1, 0, 10, 0);
const services = ["cognito-idp", "execute-api"];

/** Reads and checks in one go; throws when the request is not signed. */
function check(
  request: WireRequest,
  options: { secret?: string; now?: number; maxSkewSeconds?: number } = {},
): SignatureCheck {
  const signed = readSignedRequest(request);
  if (signed.kind !== "signed") throw new Error(JSON.stringify(signed));
  const { secret = secretAccessKey, ...rest } = options;
  return checkSignature(signed, request, secret, { now, services, ...rest });
}

const base = {
  method: "POST",
  path: "/",
  query: "",
  body: Buffer.from("{}"),
  headers: [
    ["Host", "localhost:4747"],
    ["Content-Type", "application/x-amz-json-1.1"],
    ["X-Amz-Target", "AWSCognitoIdentityProviderService.ListUsers"],
  ] as [string, string][],
};

/** The base request with some members replaced, signed. */
function signed(
  change: Partial<WireRequest> = {},
  options: { service?: string; now?: number } = {},
): WireRequest {
  const request = { ...base, ...change };
  const added = signRequest(request, {
    accessKeyId,
    secretAccessKey,
    region: "us-east-1",
    service: "cognito-idp",
    now,
    ...options,
  });
  return { ...request, headers: [...request.headers, ...Object.entries(added)] };
}

function without(request: WireRequest, name: string, value?: string): WireRequest {
  const headers = [...request.headers].filter(([key]) => key.toLowerCase() !== name);
  return { ...request, headers: value === undefined ? headers : [...headers, [name, value]] };
}

function header(request: WireRequest, name: string): string {
  return [...request.headers].find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
}

const outcome = (result: SignatureCheck) => (result.ok ? "ok" : result.reason);
const message = (result: SignatureCheck) => (result.ok ? "" : result.message);

test("the example of the AWS documentation (IAM ListUsers)", () => {
  const request: WireRequest = {
    method: "GET",
    path: "/",
    query: "Action=ListUsers&Version=2010-05-08",
    body: new Uint8Array(0),
    headers: [
      ["Host", "iam.amazonaws.com"],
      ["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"],
      ["X-Amz-Date", "20150830T123600Z"],
      [
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
      ],
    ],
  };
  const reading = readSignedRequest(request);
  assert.equal(reading.kind, "signed");
  if (reading.kind !== "signed") return;
  const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const at = Date.UTC(2015, 7, 30, 12, 36, 0);
  assert.deepEqual(checkSignature(reading, request, secret, { now: at, services: ["iam"] }), { ok: true });
});

test("@smithy/signature-v4: odd paths, queries, headers, session token", async () => {
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, sessionToken: "a/session+token==" },
    region: "eu-west-3",
    service: "execute-api",
    sha256: Sha256,
  });
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const paths = ["/", "/foo/", "/a%20b/c%2Fd", "/~x/(y)'!*", "/a/../b/./c//d/", "/%E2%82%AC/%41"];
  const queries: Record<string, string | string[]>[] = [
    {},
    { "b c": "1 2", a: ["z", "y", "A"], "a-": "", ä: "&=+%/" },
    { A: "1", a: "2", "a.b": "3", a_b: "4" },
  ];
  for (const path of paths) {
    for (const query of queries) {
      const made = await signer.sign(
        {
          method: "POST",
          protocol: "http:",
          hostname: "localhost",
          path,
          query,
          headers: { host: "localhost:4747", "X-Odd": "  a   b\tc  ", "x-amz-target": "T.Op" },
          body: "body €",
        },
        { signingDate: new Date(now) },
      );
      const wire = Object.entries(query)
        .flatMap(([name, value]) => [value].flat().map((one) => `${encode(name)}=${encode(one)}`))
        .join("&");
      const request = {
        method: "POST",
        path,
        query: wire,
        headers: Object.entries(made.headers),
        body: Buffer.from("body €"),
      };
      assert.deepEqual(check(request), { ok: true }, `${path}?${wire}`);
      const reading = readSignedRequest(request);
      assert.equal(reading.kind === "signed" && reading.securityToken, "a/session+token==");
      assert.equal(outcome(check({ ...request, path: `${path}x` })), "signature");
      assert.equal(outcome(check({ ...request, query: `${wire}&x` })), "signature");
    }
  }
});

/** What @smithy/signature-v4 presigns, with x-amz-target in the headers, where it belongs. */
async function presigned(
  options: { expiresIn?: number; body?: string; signed?: string[]; sessionToken?: string } = {},
): Promise<WireRequest> {
  const { expiresIn, body = "{}", sessionToken } = options;
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    region: "us-east-1",
    service: "cognito-idp",
    sha256: Sha256,
  });
  const headers = Object.fromEntries(base.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const made = await signer.presign(
    { method: "POST", protocol: "http:", hostname: "localhost", path: "/", headers, body },
    {
      signingDate: new Date(now),
      unhoistableHeaders: new Set(["x-amz-target"]),
      ...(options.signed && {
        signableHeaders: new Set(options.signed),
        unsignableHeaders: new Set(["x-amz-target"]),
      }),
      ...(expiresIn !== undefined && { expiresIn }),
    },
  );
  const query = new URLSearchParams(made.query as Record<string, string>).toString();
  return { method: "POST", path: "/", query, headers: Object.entries(made.headers), body: Buffer.from(body) };
}

test("a presigned POST covers its body, its query and its target, for as long as it says", async () => {
  const hour = await presigned({ expiresIn: 3600 });
  assert.deepEqual(check(hour), { ok: true });
  assert.deepEqual(check(hour, { now: now + 3_600_000 }), { ok: true });
  const late = check(hour, { now: now + 3_601_000 });
  assert.equal(
    message(late),
    "Signature expired: 20260101T001000Z is now earlier than 20260101T001001Z (20260101T011001Z - 60 min.)",
  );
  assert.equal(outcome(check(hour, { now: now - 301_000 })), "not-yet");
  assert.equal(outcome(check({ ...hour, body: Buffer.from('{"a":1}') })), "signature");
  assert.equal(outcome(check({ ...hour, query: `${hour.query}&a=1` })), "signature");
  assert.equal(outcome(check(without(hour, "x-amz-target", "T.DeleteUserPool"))), "signature");
  assert.equal(outcome(check(hour, { secret: "another" })), "signature");
  const unsigned = await presigned({ signed: ["host", "content-type"] });
  assert.equal(outcome(check(unsigned)), "unsigned-header");
  const week = await presigned({ expiresIn: 604_800 });
  assert.deepEqual(check(week, { now: now + 604_800_000 }), { ok: true });
  const session = readSignedRequest(await presigned({ sessionToken: "a token" }));
  assert.equal(session.kind === "signed" && session.securityToken, "a token");
});

test("a presigned request that is incomplete, twofold, or good for too long is malformed", async () => {
  const good = await presigned();
  const reason = (query: string, request: WireRequest = good) => {
    const reading = readSignedRequest({ ...request, query });
    return reading.kind === "malformed" ? reading.reason : reading.kind;
  };
  const changed = (name: string, value: string) =>
    good.query.replace(new RegExp(`${name}=[^&]*`), `${name}=${encodeURIComponent(value)}`);
  for (const name of ["Algorithm", "Credential", "Date", "SignedHeaders", "Signature"]) {
    const left = good.query.replace(new RegExp(`&?X-Amz-${name}=[^&]*`), "");
    assert.match(reason(left), new RegExp(`must include 'X-Amz-${name}'`));
    assert.match(reason(`${good.query}&X-Amz-${name}=again`), /must be sent once/);
  }
  for (const expires of ["0", "-1", "604801", "1e3", "", "60.5", "soon", " 60"]) {
    assert.match(reason(changed("X-Amz-Expires", expires)), /X-Amz-Expires must be/, expires);
  }
  assert.match(reason(changed("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256")), /X-Amz-Algorithm must be/);
  assert.match(reason(changed("X-Amz-Date", "yesterday")), /ISO-8601/);
  assert.match(reason(changed("X-Amz-Credential", "a/b/c")), /5 slash-delimited elements/);
  assert.match(reason(good.query, signed()), /not in both/);
  // Without X-Amz-Expires it lives as long as a signature in the header.
  const bare = { ...good, query: good.query.replace(/&?X-Amz-Expires=[^&]*/, "") };
  assert.equal(outcome(check(bare, { now: now + 301_000 })), "expired");
});

test("a credential of another region is refused where the region matters", () => {
  const reading = readSignedRequest(signed());
  if (reading.kind !== "signed") return assert.fail();
  const region = "eu-central-1";
  assert.deepEqual(checkSignature(reading, signed(), secretAccessKey, { now, services, region }), {
    ok: false,
    reason: "scope",
    message: "Credential should be scoped to a valid region, not 'us-east-1'. ",
  });
});

let server: Server;
let endpoint = "";
let captured: WireRequest | undefined;

before(async () => {
  server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const [path = "", query = ""] = (incoming.url ?? "").split(/\?(.*)/s);
    captured = {
      method: incoming.method ?? "",
      path,
      query,
      headers: headerPairs(incoming.rawHeaders),
      body: Buffer.concat(chunks),
    };
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

for (const sessionToken of [undefined, "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJ="]) {
  const named = sessionToken ? "with a session token" : "with a plain key";

  test(`AWS SDK v3, ${named}`, async () => {
    const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
    const client = new CognitoIdentityProviderClient({ endpoint, region: "us-east-1", credentials });
    await client.send(new ListUsersCommand({ UserPoolId: "us-east-1_AbCdEfGhI", Filter: 'name = "Zoë"' }));
    client.destroy();
    assert.deepEqual(check(captured!, { now: Date.now() }), { ok: true });
    assert.equal(outcome(check(captured!, { now: Date.now(), secret: "x" })), "signature");
    assert.equal(outcome(check({ ...captured!, body: Buffer.from("{}") }, { now: Date.now() })), "signature");
  });

  test(`AWS SDK v2, ${named}`, async () => {
    process.env["AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE"] = "1";
    const { default: AWS } = await import("aws-sdk");
    const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
    const client = new AWS.CognitoIdentityServiceProvider({ endpoint, region: "us-east-1", ...credentials });
    await client.listUsers({ UserPoolId: "us-east-1_AbCdEfGhI" }).promise();
    delete process.env["AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE"];
    assert.deepEqual(check(captured!, { now: Date.now() }), { ok: true });
    assert.equal(outcome(check({ ...captured!, body: Buffer.from("{}") }, { now: Date.now() })), "signature");
  });
}

test("our own signatures are checked; any change breaks them", () => {
  assert.deepEqual(check(signed()), { ok: true });
  const request = signed();
  assert.equal(outcome(check({ ...request, method: "PUT" })), "signature");
  assert.equal(outcome(check({ ...request, query: "a=b" })), "signature");
  assert.equal(outcome(check({ ...request, body: Buffer.from("[]") })), "signature");
  assert.equal(outcome(check(without(request, "host", "other:4747"))), "signature");
  assert.equal(outcome(check(without(request, "x-amz-target"))), "signature");
  assert.equal(
    outcome(check(without(request, "x-amz-target", "AWSCognitoIdentityProviderService.DeleteUserPool"))),
    "signature",
  );
  assert.equal(outcome(check(request, { secret: `${secretAccessKey}x` })), "signature");
  assert.match(
    message(check(request, { secret: "x" })),
    /^The request signature we calculated does not match .* documentation for details\.$/,
  );
});

test("host, the date and the target must be signed", () => {
  for (const name of ["host", "x-amz-date", "x-amz-target"]) {
    const request = signed();
    const authorization = header(request, "authorization");
    const names = /SignedHeaders=([^,]*)/.exec(authorization)![1]!;
    const fewer = names
      .split(";")
      .filter((one) => one !== name)
      .join(";");
    const forged = without(request, "authorization", authorization.replace(names, fewer));
    assert.equal(outcome(check(forged)), "unsigned-header", name);
  }
  // A target added to a request that was signed without one.
  const request = signed({ headers: base.headers.slice(0, 2) });
  assert.deepEqual(check(request), { ok: true });
  assert.equal(outcome(check(without(request, "x-amz-target", "T.Op"))), "unsigned-header");
});

test("dates: five minutes on either side, and the texts", () => {
  assert.deepEqual(check(signed({}, { now: now - 300_000 })), { ok: true });
  assert.deepEqual(check(signed({}, { now: now + 300_000 })), { ok: true });
  const late = check(signed({}, { now: now - 600_000 }));
  assert.equal(outcome(late), "expired");
  assert.equal(
    message(late),
    "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)",
  );
  const early = check(signed({}, { now: now + 301_000 }));
  assert.equal(outcome(early), "not-yet");
  assert.equal(
    message(early),
    "Signature not yet current: 20260101T001501Z is still later than 20260101T001500Z (20260101T001000Z + 5 min.)",
  );
  assert.deepEqual(check(signed({}, { now: now - 600_000 }), { maxSkewSeconds: 900 }), { ok: true });
});

test("the scope: service, terminator, date", () => {
  const other = check(signed({}, { service: "s3" }));
  assert.equal(outcome(other), "scope");
  assert.equal(message(other), "Credential should be scoped to correct service: 'cognito-idp'. ");
  const request = signed();
  const authorization = header(request, "authorization");
  const yesterday = without(request, "authorization", authorization.replace("/20260101/", "/20251231/"));
  assert.equal(outcome(check(yesterday)), "scope");
  const ended = without(request, "authorization", authorization.replace("aws4_request", "aws5_request"));
  assert.equal(readSignedRequest(ended).kind, "malformed");
});

test("x-amz-content-sha256 must be the body's when signed", () => {
  const hash = createHash("sha256").update(base.body).digest("hex");
  const withHash = (value: string) => signed({ headers: [...base.headers, ["X-Amz-Content-Sha256", value]] });
  assert.deepEqual(check(withHash(hash)), { ok: true });
  for (const value of ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", hash.replace(/^./, "g")]) {
    assert.equal(outcome(check(withHash(value))), "signature", value);
  }
});

test("the Date header serves where X-Amz-Date is absent", () => {
  const request: WireRequest = {
    ...base,
    headers: [...base.headers, ["Date", "Thu, 01 Jan 2026 00:10:00 GMT"]],
  };
  const reading = readSignedRequest({
    ...request,
    headers: [...request.headers, ["Authorization", header(signed(), "authorization")]],
  });
  assert.equal(reading.kind === "signed" && reading.amzDate, "20260101T001000Z");
});

test("a header is signed once: one that is named a thousand times would be read as often", async () => {
  const request = signed();
  const value = header(request, "authorization");
  for (const more of ["host", "HOST", "content-type;x;x", "x;X"]) {
    const again = value.replace("SignedHeaders=", `SignedHeaders=${more};`);
    const reading = readSignedRequest(without(request, "authorization", again));
    assert.match(reading.kind === "malformed" ? reading.reason : reading.kind, /SignedHeaders .* once/, more);
  }
  const good = await presigned();
  const query = good.query.replace("X-Amz-SignedHeaders=", "X-Amz-SignedHeaders=host%3B");
  assert.notEqual(query, good.query);
  assert.equal(readSignedRequest({ ...good, query }).kind, "malformed");
});

test("what is malformed, and what is not signed at all", () => {
  assert.deepEqual(readSignedRequest(base), { kind: "none" });
  const request = signed();
  const authorization = header(request, "authorization");
  const reading = (value: string) => readSignedRequest(without(request, "authorization", value));
  for (const value of [
    "",
    "Bearer abc",
    "AWS4-ECDSA-P256-SHA256 Credential=a",
    authorization.replace(/Signature=.*/, "Signature=abc"),
    authorization.replace(/, Signature=.*/, ""),
    authorization.replace("/us-east-1/", "/"),
    `${authorization}, Signature=${"0".repeat(64)}`,
    authorization.toUpperCase(),
  ]) {
    assert.equal(reading(value).kind, "malformed", value);
  }
  assert.equal(readSignedRequest(without(request, "x-amz-date")).kind, "malformed");
  assert.equal(readSignedRequest(without(request, "x-amz-date", "2026-01-01T00:10:00Z")).kind, "malformed");
  assert.equal(readSignedRequest(without(request, "x-amz-date", "20261301T001000Z")).kind, "malformed");
  assert.equal(readSignedRequest(without(request, "host")).kind, "malformed");
  for (const name of ["Authorization", "HOST", "x-amz-date", "X-Amz-Security-Token"]) {
    const twice = [...request.headers, [name, "a"], [name, "b"]] as [string, string][];
    assert.equal(readSignedRequest({ ...request, headers: twice }).kind, "malformed", name);
  }
  assert.deepEqual(Object.fromEntries(parseAuthorization("AWS4-HMAC-SHA256 A=1,B=2, C==") ?? []), {
    A: "1",
    B: "2",
    C: "=",
  });
});
