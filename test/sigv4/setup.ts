/** Verifiers of calls, the services behind them, and whoever calls. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Ctx } from "../../src/app.ts";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { issueForRole, type NewSession, ofRole } from "../../src/domain/roles/assume-role.ts";
import {
  type Credentials,
  createVerifier,
  SignatureError,
  type Verifier,
  type VerifierOptions,
} from "../../src/sigv4/index.ts";
import { type Role, readRole } from "../../src/store/roles.ts";
import { allowing, makeRole } from "../identity-pools/setup.ts";
import { unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";

export const api = { region: "us-east-1", accountId: "000000000000", apiId: "orders", stage: "prod" };
export const anyInvoke = "arn:aws:execute-api:us-east-1:000000000000:orders/prod/*";

/** An access key with one permission or more. */
export const newKey = (
  { app }: Pick<TestServer, "app">,
  Action: string | string[],
  Resource: string = "*",
): Promise<Credentials> => createAccessKey(app, unique("key"), JSON.stringify(allowing(Action, Resource)));

export const verifierKey = (server: Pick<TestServer, "app">): Promise<Credentials> =>
  newKey(server, "poolhouse:GetSigningKey", "arn:aws:poolhouse:us-east-1:000000000000:signing-key/*");

/** A verifier by the server's clock, that counts its questions; `isDown` has them fail. */
export async function newVerifier(server: TestServer, more: Partial<VerifierOptions> = {}) {
  const place = { asked: 0, isDown: false };
  const verifier = createVerifier({
    endpoint: server.endpoint,
    credentials: more.credentials ?? (await verifierKey(server)),
    api,
    now: () => server.clock.now,
    fetch: (...given) => {
      place.asked += 1;
      return place.isDown ? Promise.reject(new Error("no way there")) : fetch(...given);
    },
    ...more,
  });
  return Object.assign(place, { verifier });
}

export interface Sent {
  readonly method: string;
  /** With the query, as it stands in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as string);
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.#hash.update(data as string);
  }
  async digest() {
    return new Uint8Array(this.#hash.digest());
  }
  reset() {}
}

export interface Signing {
  readonly region?: string;
  readonly service?: string;
  readonly now?: number;
  readonly uriEscapePath?: boolean;
  readonly applyChecksum?: boolean;
}

const signer = (
  credentials: Credentials,
  { region = "us-east-1", service = "execute-api", ...how }: Signing,
) =>
  new SignatureV4({
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
    },
    ...{ region, service, sha256: Sha256, applyChecksum: how.applyChecksum ?? true },
    uriEscapePath: how.uriEscapePath ?? true,
  });

/** The query as SDKs give it to their signer. */
function queryOf(target: string): Record<string, string[]> {
  const query: Record<string, string[]> = {};
  for (const [name, value] of new URLSearchParams(target.split("?")[1] ?? ""))
    query[name] = [...(query[name] ?? []), value];
  return query;
}

const toSign = ({ method, target, headers, body }: Sent) => ({
  ...{ method, protocol: "http:", hostname: "ignored", path: target.split("?")[0]!, query: queryOf(target) },
  ...{ headers: { ...headers }, body },
});

/** A request signed by AWS's own signer. */
export async function signed(credentials: Credentials, sent: Sent, how: Signing = {}): Promise<Sent> {
  const signingDate = new Date(how.now ?? Date.now());
  const { headers } = await signer(credentials, how).sign(toSign(sent), { signingDate });
  return { ...sent, headers };
}

/** A request signed in its query by AWS's own signer. */
export async function presigned(
  credentials: Credentials,
  sent: Sent,
  how: Signing & { readonly expiresIn?: number } = {},
): Promise<Sent> {
  const signingDate = new Date(how.now ?? Date.now());
  const { expiresIn = 900 } = how;
  const { query = {}, headers } = await signer(credentials, how).presign(toSign(sent), {
    signingDate,
    expiresIn,
  });
  const encode = (one: string) =>
    encodeURIComponent(one).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    [values ?? ""].flat().map((value) => `${encode(name)}=${encode(value)}`),
  );
  return { ...sent, target: `${sent.target.split("?")[0]}?${pairs.join("&")}`, headers };
}

export const sent = (given: Partial<Sent> = {}): Sent => ({
  method: "POST",
  target: "/orders",
  body: '{"item":1}',
  ...given,
  headers: { host: "api.example.com", "content-type": "application/json", ...given.headers },
});

/** What a verifier says of a request, without a server. */
export function verifying(
  verifier: Verifier,
  { method, target, headers, body }: Sent,
  sourceIp = "192.0.2.7",
) {
  const [path = "/", ...query] = target.split("?");
  return verifier.verify({
    ...{ method, path, query: query.join("?"), headers: Object.entries(headers) },
    ...{ body: Buffer.from(body), sourceIp, isSecure: true },
  });
}

/** Matches a SignatureError. */
export const refusedAs = (problem: SignatureError["problem"], message: string | RegExp = /./) =>
  function matches(error: unknown): true {
    assert.ok(error instanceof SignatureError, String(error));
    assert.equal(error.problem, problem, error.message);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };

/** A server of Node.js on a free port. */
export async function serve(listener: RequestListener): Promise<{ readonly host: string; close(): void }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Sends a request byte by byte as it is, with its target unchanged. */
export async function send(host: string, { method, target, headers, body }: Sent) {
  const [hostname, port] = host.split(":");
  const asked = httpRequest({
    ...{ host: hostname, port, method, path: target, agent: false },
    headers: { ...headers, ...(body !== "" && { "content-length": String(Buffer.byteLength(body)) }) },
  });
  asked.end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return {
    status: answer.statusCode!,
    type: answer.headers["x-amzn-errortype"],
    headers: answer.headers,
    body: await text(answer),
  };
}

/** Temporary credentials of a role, as if somebody had assumed it. */
export function sessionOf(server: TestServer, role: Role, session: Partial<NewSession> = {}): Credentials {
  const ctx = { ...server.app, app: server.app, now: server.clock.now } as unknown as Ctx;
  return issueForRole(ctx, ofRole(ctx, role), { name: "worker", seconds: 3600, ...session });
}

/** A role with one permission or more. */
export async function newRole(server: TestServer, policy: object): Promise<Role> {
  const arn = await makeRole(server, allowing("sts:AssumeRole"), { permissions: policy });
  return (await readRole(server.app.db, arn.split("/").at(-1)!)) ?? assert.fail("no role");
}

/** The message of a signature that does not fit. */
export const mismatch = /^The request signature we calculated does not match the signature you provided/;
