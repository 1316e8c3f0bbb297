/** The verifier of signed calls: what counts, what does not, and what it keeps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import AWS from "aws-sdk";
import { type Credentials, createVerifier, signRequest } from "../../src/sigv4/index.ts";
import { allowing } from "../identity-pools/setup.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  anyInvoke,
  mismatch,
  newKey,
  newRole,
  newVerifier,
  presigned,
  refusedAs,
  type Sent,
  sent,
  sessionOf,
  signed,
  verifying,
} from "./setup.ts";

const header = (request: Sent, name: string, value: string): Sent => ({
  ...request,
  headers: { ...request.headers, [name]: value },
});
const without = (request: Sent, name: string): Sent => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).filter(([key]) => key !== name)),
});

/** The ways in which clients write paths and queries. */
const targets = [
  "/",
  "/orders/",
  "/a%20b/c%2Fd",
  "/~x/(y)'!*",
  "/..a/b../...",
  "/%E2%82%AC/%41",
  "/orders?b%20c=1%202&a=z&a=y&a=A&a-=&%C3%A4=%26%3D%2B%25%2F",
  "/orders?A=1&a=2&a.b=3&a_b=4&%25=",
];

forOneServer("sqlite", "the verifier of signed calls", (open) => {
  const now = async () => (await open()).clock.now;
  let made: Promise<{ key: Credentials; session: Credentials }> | undefined;
  const callers = (server: TestServer) =>
    (made ??= (async () => ({
      key: await newKey(server, "execute-api:Invoke"),
      session: sessionOf(server, await newRole(server, allowing("execute-api:Invoke"))),
    }))());

  test("signatures by AWS's signer count, in a header and in the query, whatever the path", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { key, session } = await callers(server);
    for (const [kind, credentials] of Object.entries({ key, session }))
      for (const target of targets)
        for (const sign of [signed, presigned]) {
          const request = await sign(credentials, sent({ target }), { now: await now() });
          const caller = await verifying(verifier, request);
          assert.equal(caller.principal.accessKeyId, credentials.accessKeyId, target);
          assert.equal(caller.principal.roleArn !== undefined, kind === "session");
          assert.ok(caller.allows("execute-api:Invoke", anyInvoke));
        }
  });

  test("a session token may be added to a URL that was presigned without", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { session } = await callers(server);
    const other = sessionOf(server, await newRole(server, allowing("execute-api:Invoke")));
    const { accessKeyId, secretAccessKey } = session;
    const request = await presigned({ accessKeyId, secretAccessKey }, sent(), { now: await now() });
    const added = ({ sessionToken = "" }: Credentials) =>
      sent({
        ...request,
        target: `${request.target}&X-Amz-Security-Token=${encodeURIComponent(sessionToken)}`,
      });
    assert.equal((await verifying(verifier, added(session))).principal.accessKeyId, accessKeyId);
    await assert.rejects(verifying(verifier, added(other)), refusedAs("credentials"));
    const more = added(session);
    await assert.rejects(
      verifying(verifier, { ...more, target: `${more.target}&more=1` }),
      refusedAs("signature", mismatch),
    );
  });

  test("a path counts as it was sent, of which a signature leaves some out", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { session } = await callers(server);
    for (const sign of [signed, presigned]) {
      const request = await sign(session, sent({ target: "/files/1" }), { now: await now() });
      await verifying(verifier, request);
      const dots = [
        "/admin/../files/1",
        "//files/1",
        "/files//1",
        "/./files/1",
        "/files/./1",
        "/files/1/x/..",
      ];
      for (const path of dots) {
        const moved = { ...request, target: request.target.replace("/files/1", path) };
        await assert.rejects(verifying(verifier, moved), refusedAs("path"), path);
      }
      for (const target of ["/a/../b", "/a//b", "/a/."]) {
        const odd = await sign(session, sent({ target }), { now: await now() });
        await assert.rejects(verifying(verifier, odd), refusedAs("path"), target);
      }
    }
  });

  test("whatever is changed after signing is refused", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { session } = await callers(server);
    const given = sent({ headers: { "x-tenant": "blue" }, target: "/orders?page=1" });
    const good = await signed(session, given, { now: await now() });
    await verifying(verifier, good);
    const unhashed = await signed(session, given, { now: await now(), applyChecksum: false });
    await verifying(verifier, unhashed);
    const changed: Sent[] = [
      { ...good, body: '{"item":2}' },
      { ...good, body: "" },
      { ...unhashed, body: "" },
      { ...good, method: "PUT" },
      { ...good, target: "/orders/2?page=1" },
      { ...good, target: "/orders" },
      { ...good, target: "/orders?page=1&page=2" },
      { ...good, target: "/orders?page=2" },
      header(good, "x-tenant", "red"),
      without(good, "x-tenant"),
      header(good, "host", "other.example.com"),
      header(good, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
      header(
        good,
        "authorization",
        good.headers["authorization"]!.replace(/.$/, (c) => (c === "0" ? "1" : "0")),
      ),
    ];
    for (const request of changed)
      await assert.rejects(verifying(verifier, request), refusedAs("signature"), JSON.stringify(request));
    const inQuery = await presigned(session, given, { now: await now() });
    const query = (from: RegExp, to: string): Sent => ({
      ...inQuery,
      target: inQuery.target.replace(from, to),
    });
    for (const request of [
      query(/page=1/, "page=2"),
      query(/$/, "&more=1"),
      query(/X-Amz-Expires=900/, "X-Amz-Expires=901"),
      { ...inQuery, body: "{}" },
    ])
      await assert.rejects(verifying(verifier, request), refusedAs("signature", mismatch), request.target);
    await assert.rejects(verifying(verifier, without(good, "host")), refusedAs("incomplete"));
    await assert.rejects(verifying(verifier, without(good, "x-amz-date")), refusedAs("incomplete"));
    await assert.rejects(verifying(verifier, without(good, "authorization")), refusedAs("missing"));
  });

  test("a signature that covers neither host nor date is refused, and one that says less than it must", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { key } = await callers(server);
    const good = await signed(key, sent(), { now: await now() });
    for (const name of ["host", "x-amz-date"]) {
      const authorization = good.headers["authorization"]!.replace(new RegExp(`${name};?`), "");
      await assert.rejects(
        verifying(verifier, header(good, "authorization", authorization)),
        refusedAs("signature"),
      );
    }
    for (const authorization of [
      "Bearer x",
      "AWS4-HMAC-SHA256",
      good.headers["authorization"]!.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
      good.headers["authorization"]!.replace("aws4_request", "aws4"),
      good.headers["authorization"]!.replace(/Signature=\w/, "Signature="),
    ])
      await assert.rejects(
        verifying(verifier, header(good, "authorization", authorization)),
        refusedAs("incomplete"),
      );
  });

  test("a key verifies its own day, region and service only", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { key } = await callers(server);
    await assert.rejects(
      verifying(verifier, await signed(key, sent(), { service: "cognito-idp", now: await now() })),
      refusedAs("signature", /correct service: 'execute-api'/),
    );
    await assert.rejects(
      verifying(verifier, await signed(key, sent(), { region: "eu-west-1", now: await now() })),
      refusedAs("signature", /valid region, not 'eu-west-1'/),
    );
    const [date] = /\d{8}(?=\/us-east-1)/.exec(
      (await signed(key, sent(), { now: await now() })).headers["authorization"]!,
    )!;
    const good = await signed(key, sent(), { now: await now() });
    for (const [from, to] of [
      [date!, "20200101"],
      ["us-east-1", "eu-west-1"],
    ] as const) {
      const authorization = good.headers["authorization"]!.replace(from, to);
      await assert.rejects(
        verifying(verifier, header(good, "authorization", authorization)),
        refusedAs("signature"),
      );
    }
    // Without a region in the options every region counts, but a signature for one is none for another.
    const { api: _, ...anywhere } = { api: undefined };
    const { verifier: everywhere } = await newVerifier(server, {
      ...anywhere,
      api: { accountId: "000000000000", apiId: "a", stage: "b" },
    });
    const eu = await signed(key, sent(), { region: "eu-west-1", now: await now() });
    await verifying(everywhere, eu);
    const us = eu.headers["authorization"]!.replace("eu-west-1", "us-east-1");
    await assert.rejects(
      verifying(everywhere, header(eu, "authorization", us)),
      refusedAs("signature", mismatch),
    );
  });

  test("a signature counts for five minutes, in the query for as long as it says, at most a day", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { key } = await callers(server);
    const minutes = 60_000;
    const at = async (offset: number) =>
      verifying(verifier, await signed(key, sent(), { now: (await now()) + offset }));
    await at(-4 * minutes);
    await at(4 * minutes);
    await assert.rejects(at(-6 * minutes), refusedAs("signature", /^Signature expired: /));
    await assert.rejects(at(6 * minutes), refusedAs("signature", /^Signature not yet current: /));
    const tolerant = await newVerifier(server, { clockTolerance: 600 });
    await verifying(tolerant.verifier, await signed(key, sent(), { now: (await now()) - 9 * minutes }));
    const link = async (expiresIn: number, age: number) =>
      verifying(verifier, await presigned(key, sent(), { now: (await now()) - age * 1000, expiresIn }));
    await link(3600, 3500);
    await link(86_400, 86_300);
    await assert.rejects(link(3600, 3700), refusedAs("signature", /^Signature expired: /));
    await assert.rejects(
      link(86_401, 0),
      refusedAs("incomplete", "X-Amz-Expires must be at most 86400 here."),
    );
    const headersOnly = await newVerifier(server, { presigned: false });
    await assert.rejects(
      verifying(headersOnly.verifier, await presigned(key, sent(), { now: await now() })),
      refusedAs("incomplete"),
    );
  });

  test("a body need not be signed, and a path be encoded once, only where the options say so", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { key } = await callers(server);
    const loose = (await newVerifier(server, { unsignedPayload: true, singleEncoding: true })).verifier;
    const unsigned = sent({
      headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
      target: "/a//b/../c%20d",
    });
    const how = { now: await now(), uriEscapePath: false };
    for (const sign of [signed, presigned]) {
      const request = { ...(await sign(key, unsigned, how)), body: "anything" };
      await verifying(loose, request);
      await assert.rejects(
        verifying(verifier, request),
        refusedAs("signature", "The body must be signed: 'UNSIGNED-PAYLOAD' is not accepted."),
      );
      await assert.rejects(
        verifying(loose, { ...request, target: request.target.replace("//", "/") }),
        refusedAs("signature", mismatch),
      );
    }
    // What SDK v2 presigns for S3 does not cover the body, and does not say so.
    const s3 = new AWS.S3({
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey,
      endpoint: "http://api.example.com",
      region: "us-east-1",
      s3ForcePathStyle: true,
      signatureVersion: "v4",
    });
    const storing = (
      await newVerifier(server, { service: "s3", unsignedPayload: true, singleEncoding: true, now: Date.now })
    ).verifier;
    const put = s3.getSignedUrl("putObject", { Bucket: "files", Key: "a//b (1)/ü.txt", Expires: 60 });
    const target = put.slice("http://api.example.com".length);
    await verifying(storing, { ...sent({ target }), method: "PUT", body: "anything" });
    // A body that is signed must still fit.
    const whole = await signed(key, sent({ target: "/a" }), how);
    await verifying(loose, whole);
    await assert.rejects(verifying(loose, { ...whole, body: "{}" }), refusedAs("signature"));
    const streaming = sent({ headers: { "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" } });
    for (const one of [verifier, loose])
      await assert.rejects(
        verifying(one, await signed(key, streaming, how)),
        refusedAs(
          "signature",
          /signatures in chunks \('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'\) are not supported/,
        ),
      );
  });

  test("only the hosts of the options count", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server, { hosts: ["API.example.com"] });
    const { key } = await callers(server);
    await verifying(verifier, await signed(key, sent(), { now: await now() }));
    const other = sent({ headers: { host: "other.example.com" } });
    await assert.rejects(
      verifying(verifier, await signed(key, other, { now: await now() })),
      refusedAs("signature", "The request was signed for another host."),
    );
  });

  test("nothing that is sent is answered but by a caller or a refusal", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const { session } = await callers(server);
    const good = [
      await signed(session, sent({ target: "/a?b=c" }), { now: await now() }),
      await presigned(session, sent({ target: "/a?b=c" }), { now: await now() }),
    ];
    const odd = [
      "",
      "%",
      "%zz",
      "=",
      ";",
      ",",
      "/",
      "\u0000",
      "é",
      "\ud800",
      "&X-Amz-Date=",
      "X-Amz-Signature=",
      " ",
      "..",
      "ſ",
    ];
    let seed = 7;
    const pick = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const spoil = (text: string) => {
      const from = pick(text.length + 1);
      return text.slice(0, from) + odd[pick(odd.length)] + text.slice(from + pick(4));
    };
    for (let round = 0; round < 2_000; round += 1) {
      const base = good[round % 2]!;
      const names = Object.keys(base.headers);
      const name = names[pick(names.length)]!;
      const ways: Sent[] = [
        { ...base, target: spoil(base.target) },
        {
          ...without(base, name),
          headers: { ...without(base, name).headers, [spoil(name)]: base.headers[name]! },
        },
        header(base, name, spoil(base.headers[name]!)),
        { ...base, method: spoil(base.method) },
      ];
      const request = ways[pick(ways.length)]!;
      // What a signature does not cover may change; what it covers may not.
      const end = await verifying(verifier, request).then(
        (caller) => caller.principal.accessKeyId,
        (error: unknown) => (error as Error).name,
      );
      assert.ok(["SignatureError", session.accessKeyId].includes(end), `${end}: ${JSON.stringify(request)}`);
    }
  });
});

test("options that cannot be meant are refused at once", () => {
  const endpoint = "http://localhost:4747";
  const credentials = { accessKeyId: "x", secretAccessKey: "y" };
  const wrong: [object, RegExp][] = [
    [{ endpoint: "http://poolhouse:4747" }, /endpoint must be https/],
    [{ endpoint: "ftp://localhost" }, /endpoint must be https/],
    [{ endpoint: "http://localhost.example.com" }, /endpoint must be https/],
    [{ endpoint: "nowhere" }, /endpoint must be the URL of Poolhouse.* not nowhere/],
    [{ endpoint: undefined }, /endpoint must be the URL of Poolhouse/],
    [{ credentials: undefined }, /credentials\.accessKeyId is missing/],
    [{ credentials: { accessKeyId: "x" } }, /credentials\.secretAccessKey is missing/],
    [{ hosts: "api.example.com" }, /hosts must be a list/],
    [{ hosts: ["api.example.com", "https://api.example.com"] }, /not https:\/\/api/],
    [{ servce: "x" }, /no option servce. Did you mean service\?/],
    [{ service: "Execute-API" }, /no service Execute-API/],
    [{ api: { accountId: "1", apiId: "a", stage: "b" } }, /12 digits/],
    [{ clockTolerance: Number.NaN }, /clockTolerance must be a number/],
    [{ cacheSeconds: -1 }, /cacheSeconds must be a number/],
  ];
  for (const [option, message] of wrong)
    assert.throws(() => createVerifier({ endpoint, credentials, ...option }), message);
  createVerifier({ endpoint, credentials, hosts: ["api.example.com", "localhost:3000", "[::1]:3000"] });
  createVerifier({ endpoint: "http://poolhouse:4747", credentials, allowHttp: true });
  assert.equal(typeof signRequest, "function");
});
