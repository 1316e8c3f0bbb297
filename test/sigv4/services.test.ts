/** Services behind the verifier, called by curl, an AWS SDK and AWS's signer: Node.js, Express, Fastify and the Fetch standard. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { GetEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import express from "express";
import fastify from "fastify";
import {
  type Credentials,
  callerOf,
  forExpress,
  forFastify,
  forFetch,
  keepRawBody,
  verifyIncoming,
  verifyRequest,
} from "../../src/sigv4/index.ts";
import { allowing } from "../identity-pools/setup.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  anyInvoke,
  api,
  newKey,
  newRole,
  newVerifier,
  presigned,
  refusedAs,
  type Sent,
  send,
  sent,
  serve,
  sessionOf,
  signed,
} from "./setup.ts";

const run = promisify(execFile);
const sha = (body: Uint8Array | string) => createHash("sha256").update(body).digest("hex");

/** Applications that say what they were sent: `POST /orders`, and anything else by its path. */
const applications = {
  "Node.js": async (server: TestServer) => {
    const { verifier } = await newVerifier(server);
    const { requireInvoke } = forExpress(verifier);
    const pass = requireInvoke();
    return serve((request, response) =>
      pass(request, response, (error) => {
        if (error) return void response.writeHead(500).end(String(error));
        const { rawBody = new Uint8Array(), requestContext } = request as never as Seen;
        response.end(JSON.stringify({ body: sha(rawBody), identity: requestContext.identity }));
      }),
    );
  },
  Express: async (server: TestServer) => {
    const { verifier } = await newVerifier(server);
    const app = express();
    app.use(forExpress(verifier).requireInvoke());
    app.use(express.json());
    app.use((request, response) => {
      const { rawBody = new Uint8Array(), requestContext } = request as never as Seen;
      response.json({ body: sha(rawBody), identity: requestContext.identity });
    });
    return serve(app);
  },
  "Express after its parsers": async (server: TestServer) => {
    const { verifier } = await newVerifier(server);
    const app = express();
    app.use(express.json({ verify: keepRawBody }));
    // A mounted application sees the rest of the path only.
    const mounted = express.Router();
    mounted.use(forExpress(verifier).requireInvoke());
    mounted.use((request, response) => {
      const { requestContext } = request as never as Seen;
      const body = request.body === undefined ? "" : JSON.stringify(request.body);
      response.json({ body: sha(body), identity: requestContext.identity });
    });
    app.use("/orders", mounted);
    app.use(mounted);
    return serve(app);
  },
  Fastify: async (server: TestServer) => {
    const { verifier } = await newVerifier(server);
    const app = fastify();
    app.addHook("preParsing", forFastify(verifier).requireInvoke());
    app.all("/*", async (request) => {
      const { requestContext } = request as never as Seen;
      const body = request.body === undefined ? "" : JSON.stringify(request.body);
      return { body: sha(body), identity: requestContext.identity, caller: callerOf(request).principal.arn };
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.server.address() as { port: number };
    return { host: `127.0.0.1:${port}`, close: () => void app.close() };
  },
} as const;

interface Seen {
  readonly rawBody?: Uint8Array;
  readonly requestContext: { readonly identity: Readonly<Record<string, string | null>> };
}

forOneServer("postgres", "services behind the verifier", (open) => {
  for (const [name, start] of Object.entries(applications))
    test(`${name}: lets signed calls pass that policies allow, and refuses as API Gateway does`, async (t) => {
      const server = await open();
      const service = await start(server);
      const { host } = service;
      t.after(service.close);
      const now = server.clock.now;
      const as = sessionOf(server, await newRole(server, allowing("execute-api:Invoke", `${anyInvoke}`)));
      const headers = { host };
      const order = sent({ headers });
      const good = await signed(as, order, { now });
      const answer = await send(host, good);
      assert.equal(answer.status, 200, answer.body);
      const { body, identity } = JSON.parse(answer.body);
      assert.equal(body, sha(order.body));
      assert.equal(identity.accessKey, as.accessKeyId);
      assert.match(identity.userArn, /^arn:aws:sts::000000000000:assumed-role\/role\d+\/worker$/);
      assert.equal(identity.sourceIp, "127.0.0.1");
      assert.equal(identity.cognitoIdentityId, null);
      const get = sent({ headers, method: "GET", target: "/orders?page=1&b=%20", body: "" });
      for (const sign of [signed, presigned]) {
        const read = await send(host, await sign(as, get, { now }));
        assert.equal(read.status, 200, read.body);
        assert.equal(JSON.parse(read.body).body, sha(""));
      }
      const refused = async (request: Sent, status: number, type: string, message: RegExp) => {
        const refusal = await send(host, request);
        assert.equal(refusal.status, status, refusal.body);
        assert.equal(refusal.type, type);
        assert.match(JSON.parse(refusal.body).message, message);
        assert.match(refusal.headers["content-type"]!, /^application\/json\b/);
      };
      await refused(order, 403, "MissingAuthenticationTokenException", /^Missing Authentication Token$/);
      await refused({ ...good, body: '{"item":2}' }, 403, "InvalidSignatureException", /does not match/);
      // A body beside a signature for none.
      const bare = await signed(as, { ...order, body: "" }, { now });
      await refused({ ...bare, body: order.body }, 403, "InvalidSignatureException", /does not match/);
      const powerless = sessionOf(
        server,
        await newRole(server, allowing("execute-api:Invoke", `${anyInvoke}x`)),
      );
      await refused(
        await signed(powerless, order, { now }),
        403,
        "AccessDeniedException",
        /^User: arn:aws:sts::000000000000:assumed-role\/role\d+\/worker is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:000000000000:orders\/prod\/POST\/orders because no identity-based policy allows/,
      );
      const nobody = { accessKeyId: "AKIANOBODY0000000000", secretAccessKey: "x" };
      await refused(await signed(nobody, order, { now }), 403, "UnrecognizedClientException", /invalid\.$/);
      const twofold = await signed(as, sent({ headers, target: "/public/%2e%2e/admin" }), { now });
      await refused(twofold, 400, "BadRequestException", /more than one way/);
      if (!name.includes("parsers")) {
        const large = await signed(as, { ...order, body: `"${"x".repeat(2 ** 20)}"` }, { now });
        await refused(large, 413, "RequestEntityTooLargeException", /^Request Too Long$/);
      }
    });

  test("a body that was read before, and not kept, passes nowhere", async (t) => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const app = express();
    app.use(express.json(), forExpress(verifier).requireInvoke());
    app.use((_request, response) => void response.end("passed"));
    app.use(
      ((error, _request, response, _next) =>
        void response.status(500).end(String(error))) as express.ErrorRequestHandler,
    );
    const { host, close } = await serve(app);
    t.after(close);
    const as = await newKey(server, "execute-api:Invoke");
    const bare = await signed(as, sent({ headers: { host }, body: "" }), { now: server.clock.now });
    const { status, body } = await send(host, { ...bare, body: '{"item":1}' });
    assert.equal(status, 500);
    assert.match(body, /The body was read before its signature was verified/);
    assert.equal((await send(host, bare)).body, "passed");
  });

  test("functions of the Fetch standard", async () => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const as = await newKey(server, "execute-api:Invoke", anyInvoke);
    const { requireInvoke, requireSignature } = forFetch(verifier);
    const handler = requireInvoke()(async (request, { principal }) =>
      Response.json({ arn: principal.arn, body: await request.text() }),
    );
    const requestOf = ({ method, target, headers, body }: Sent) =>
      new Request(`https://api.example.com${target}`, { method, headers, ...(body !== "" && { body }) });
    const now = server.clock.now;
    const good = await signed(as, sent({ target: "/a/b%20c?d=1&c='" }), { now });
    const answer = (await (await handler(requestOf(good))).json()) as Record<string, string>;
    assert.equal(answer["body"], good.body);
    assert.match(answer["arn"]!, /user\/key\d+$/);
    const refusal = await handler(requestOf({ ...good, body: "x" }));
    assert.equal(refusal.status, 403);
    assert.equal(refusal.headers.get("x-amzn-errortype"), "InvalidSignatureException");
    const get = await signed(as, sent({ method: "GET", body: "" }), { now });
    assert.equal((await requireSignature()(() => new Response("fine"))(requestOf(get))).status, 200);
    const caller = await verifyRequest(verifier, requestOf(get), { sourceIp: "192.0.2.1" });
    assert.equal(caller.requestContext.identity.sourceIp, "192.0.2.1");
    const used = requestOf(good);
    await used.text();
    await assert.rejects(verifyRequest(verifier, used), TypeError);
    const large = await signed(as, sent({ body: "x".repeat(2 ** 20 + 1) }), { now });
    await assert.rejects(verifyRequest(verifier, requestOf(large)), refusedAs("too large"));
  });

  test("HTTP/2 has the host in a field of its own, and bodies without a length", async (t) => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const http2 = createServer((request, response) => {
      verifyIncoming(verifier, request as never).then(
        () => response.end(sha((request as never as Seen).rawBody ?? "")),
        (error: unknown) => response.end(String(error)),
      );
    }).listen(0, "127.0.0.1");
    await once(http2, "listening");
    const host = `127.0.0.1:${(http2.address() as AddressInfo).port}`;
    const client = connect(`http://${host}`);
    t.after(() => {
      client.destroy();
      http2.close();
    });
    const as = await newKey(server, "execute-api:Invoke");
    const { headers, ...good } = await signed(as, sent({ headers: { host } }), { now: server.clock.now });
    const { host: _, ...fields } = headers;
    const ask = (body: string, more: Record<string, string> = {}) => {
      const stream = client.request({
        ":method": "POST",
        ":path": good.target,
        ":authority": host,
        ...fields,
        ...more,
      });
      stream.end(body);
      return text(stream);
    };
    assert.equal(await ask(good.body), sha(good.body));
    assert.match(await ask(`${good.body} `), /^SignatureError: /);
    assert.match(await ask(""), /^SignatureError: /);
    // One host is signed: it must be the one that the request goes to.
    assert.equal(await ask(good.body, { host }), sha(good.body));
    assert.match(await ask(good.body, { host, ":authority": "other.example" }), /^SignatureError: .*'host'/);
    assert.match(await ask(good.body, { ":authority": "other.example" }), /^SignatureError: /);
  });

  test("curl signs with access keys and session tokens", async (t) => {
    const server = await open();
    const { verifier } = await newVerifier(server, { now: Date.now });
    const { requireInvoke } = forExpress(verifier);
    const app = express();
    app.use(
      requireInvoke(),
      (request, response) => void response.end(callerOf(request).principal.accessKeyId),
    );
    const { host, close } = await serve(app);
    t.after(close);
    const curl = async ({ accessKeyId, secretAccessKey, sessionToken }: Credentials, ...more: string[]) => {
      const token = sessionToken === undefined ? [] : ["-H", `x-amz-security-token: ${sessionToken}`];
      const sign = [
        "--aws-sigv4",
        "aws:amz:us-east-1:execute-api",
        "-u",
        `${accessKeyId}:${secretAccessKey}`,
      ];
      return (await run("curl", ["-s", ...sign, ...token, ...more])).stdout;
    };
    const key = await newKey(server, "execute-api:Invoke");
    const session = sessionOf(server, await newRole(server, allowing("execute-api:Invoke")));
    for (const as of [key, session]) {
      assert.equal(await curl(as, `http://${host}/orders`), as.accessKeyId);
      assert.equal(await curl(as, "-H", "x-name: Zoë €", `http://${host}/orders`), as.accessKeyId);
      const posted = ["-H", "content-type: application/json", "-d", '{"item":1}', `http://${host}/orders`];
      assert.equal(await curl(as, ...posted), as.accessKeyId);
    }
  });

  test("an AWS SDK calls a service of ours, with odd names in its paths", async (t) => {
    const server = await open();
    const { verifier } = await newVerifier(server, { service: "ses", now: Date.now, api });
    const { host, close } = await serve((request, response) => {
      verifyIncoming(verifier, request).then(
        (caller) =>
          response.setHeader("content-type", "application/json").end(
            JSON.stringify({
              IdentityType: caller.principal.roleArn === undefined ? "DOMAIN" : "EMAIL_ADDRESS",
            }),
          ),
        (error: unknown) => response.writeHead(403).end(String(error)),
      );
    });
    t.after(close);
    const credentials = sessionOf(server, await newRole(server, allowing("ses:*")));
    const client = new SESv2Client({
      endpoint: `http://${host}`,
      region: "us-east-1",
      credentials: { ...credentials, sessionToken: credentials.sessionToken! },
      maxAttempts: 1,
    });
    after(() => client.destroy());
    for (const EmailIdentity of ["a@b.example", "ä/ö %2F+('!*)~", "../x"]) {
      const { IdentityType } = await client.send(new GetEmailIdentityCommand({ EmailIdentity }));
      assert.equal(IdentityType, "EMAIL_ADDRESS", EmailIdentity);
    }
  });
});
