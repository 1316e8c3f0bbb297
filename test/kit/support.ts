/** What the suites of clients share: pools, clients, users, refusals, and the machine's own programs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateUserPoolClientCommand,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  InitiateAuthCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { signRequest } from "../../src/lib/sigv4.ts";
import { makeVerifier, N, pad } from "../../src/lib/srp.ts";
import { rootKey, type TestServer } from "./server.ts";

export const password = "Correct-Horse-1";
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Where a client finds the server. Tests of one suite share it, so that pools and users are told apart by name. */
let serial = 0;
export const unique = (word: string) => `${word}${++serial}`;

export async function makePool(
  server: TestServer,
  settings: Partial<CreateUserPoolCommandInput> = {},
): Promise<string> {
  const created = await server.client.send(
    new CreateUserPoolCommand({ PoolName: unique("pool"), AutoVerifiedAttributes: ["email"], ...settings }),
  );
  return created.UserPool!.Id!;
}

export interface MadeClient {
  readonly id: string;
  readonly secret: string | undefined;
}

/** A client that allows every flow of this release unless told otherwise. */
export async function makeClient(
  server: TestServer,
  poolId: string,
  settings: Partial<CreateUserPoolClientCommandInput> = {},
): Promise<MadeClient> {
  const created = await server.client.send(
    new CreateUserPoolClientCommand({
      UserPoolId: poolId,
      ClientName: unique("client"),
      ExplicitAuthFlows: [
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
      ],
      ...settings,
    }),
  );
  return { id: created.UserPoolClient!.ClientId!, secret: created.UserPoolClient!.ClientSecret };
}

/** A confirmed user whose password is `password`. */
export async function makeUser(
  server: TestServer,
  poolId: string,
  attributes: Readonly<Record<string, string>> = {},
): Promise<string> {
  const Username = unique("user");
  const UserAttributes = Object.entries({ email: `${Username}@example.com`, ...attributes });
  await server.client.send(
    new AdminCreateUserCommand({
      UserPoolId: poolId,
      Username,
      MessageAction: "SUPPRESS",
      UserAttributes: UserAttributes.map(([Name, Value]) => ({ Name, Value })),
    }),
  );
  await server.client.send(
    new AdminSetUserPasswordCommand({ UserPoolId: poolId, Username, Password: password, Permanent: true }),
  );
  return Username;
}

export interface Tokens {
  readonly AccessToken: string;
  readonly IdToken: string;
  readonly RefreshToken: string;
  readonly ExpiresIn: number;
}

/** USER_PASSWORD_AUTH of a user without further challenges. */
export async function signIn(
  server: TestServer,
  client: Pick<MadeClient, "id">,
  username: string,
): Promise<Tokens> {
  const answer = await server.client.send(
    new InitiateAuthCommand({
      AuthFlow: "USER_PASSWORD_AUTH",
      ClientId: client.id,
      AuthParameters: { USERNAME: username, PASSWORD: password },
    }),
  );
  assert.ok(answer.AuthenticationResult, `no tokens but ${answer.ChallengeName}`);
  return answer.AuthenticationResult as Tokens;
}

export function secretHash(username: string, client: MadeClient): string {
  return createHmac("sha256", client.secret!).update(`${username}${client.id}`).digest("base64");
}

export interface RawAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly message: string;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** One call without any SDK: what was sent is what the test says. */
export async function call(
  endpoint: string,
  operation: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
      ...headers,
    },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
  const text = await response.text();
  const document = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
  return {
    status: response.status,
    type: document["__type"] as string | undefined,
    message: String(document["message"] ?? document["Message"] ?? ""),
    body: document,
    headers: response.headers,
  };
}

/** A call signed by hand, so that it can be signed wrongly. */
export function signed(
  server: TestServer,
  operation: string,
  body: object,
  how: Partial<Parameters<typeof signRequest>[1]> & {
    after?: (headers: Record<string, string>) => void;
  } = {},
): Promise<RawAnswer> {
  const url = new URL(server.endpoint);
  const headers: Record<string, string> = {
    host: url.host,
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
  };
  const text = JSON.stringify(body);
  const request = {
    method: "POST",
    path: "/",
    query: "",
    headers: Object.entries(headers),
    body: Buffer.from(text),
  };
  const { after, ...options } = how;
  Object.assign(
    headers,
    signRequest(request, {
      ...rootKey,
      region: "us-east-1",
      service: "cognito-idp",
      now: server.clock.now,
      ...options,
    }),
  );
  after?.(headers);
  const { host, ...sent } = headers;
  assert.ok(host);
  return call(server.endpoint, operation, text, sent);
}

/** Sorts what parallel calls came to: the answers, and how often each refusal was given. */
export async function tally<T>(
  calls: readonly Promise<T>[],
): Promise<{ answers: T[]; refusals: Record<string, number> }> {
  const answers: T[] = [];
  const refusals: Record<string, number> = {};
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === "fulfilled") answers.push(result.value);
    else {
      const { name, message } = result.reason as Error;
      const label = `${name}: ${message}`;
      refusals[label] = (refusals[label] ?? 0) + 1;
    }
  }
  return { answers, refusals };
}

const integer = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const sha256 = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hmac = (key: Uint8Array, ...parts: (Uint8Array | string)[]) => {
  const made = createHmac("sha256", key);
  for (const part of parts) made.update(part);
  return made.digest();
};

function modPow(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % N;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % N;
    square = (square * square) % N;
  }
  return result;
}

/** The client's side of SRP, for tests that must send the same proof more than once. */
export class SrpClient {
  readonly #a = integer(randomBytes(32));
  readonly A = modPow(2n, this.#a);

  get srpA(): string {
    return this.A.toString(16);
  }

  /** The answer to PASSWORD_VERIFIER. */
  prove(
    poolId: string,
    parameters: Readonly<Record<string, string>>,
    secret: string,
    now = new Date(),
  ): Record<string, string> {
    const group = poolId.slice(poolId.indexOf("_") + 1);
    const identity = parameters["USER_ID_FOR_SRP"]!;
    const B = BigInt(`0x${parameters["SRP_B"]}`);
    const salt = pad(BigInt(`0x${parameters["SALT"]}`));
    const gx = integer(makeVerifier({ group, identity, password: secret, salt }));
    const x = integer(sha256(salt, sha256(`${group}${identity}:${secret}`)));
    const k = integer(sha256(pad(N), pad(2n)));
    const u = integer(sha256(pad(this.A), pad(B)));
    const S = modPow((((B - k * gx) % N) + N) % N, this.#a + u * x);
    const K = hmac(hmac(pad(u), pad(S)), "Caldera Derived Key\x01").subarray(0, 16);
    const [day, date, month, year, time] = now.toUTCString().replace(",", "").split(" ");
    const TIMESTAMP = `${day} ${month} ${Number(date)} ${time} UTC ${year}`;
    const block = Buffer.from(parameters["SECRET_BLOCK"]!, "base64");
    return {
      USERNAME: identity,
      PASSWORD_CLAIM_SECRET_BLOCK: parameters["SECRET_BLOCK"]!,
      PASSWORD_CLAIM_SIGNATURE: hmac(K, group, identity, block, TIMESTAMP).toString("base64"),
      TIMESTAMP,
    };
  }
}

/** Mounting a small disk takes the rights of root. */
const mayMount = () => {
  const folder = mkdtempSync(join(tmpdir(), "poolhouse-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
};

/** An address of this machine that is none of loopback. */
export function outerAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one?.family === "IPv4" && !one.internal)?.address;
}

const components = {
  mount: mayMount,
  "outer-address": () => outerAddress() !== undefined,
  chromium: () => existsSync("/usr/bin/chromium"),
  certutil: () => existsSync("/usr/bin/certutil"),
  "aws-cli": () => existsSync("/usr/bin/aws"),
  mod_auth_openidc: () =>
    existsSync("/usr/sbin/apache2") && existsSync("/usr/lib/apache2/modules/mod_auth_openidc.so"),
  strace: () => {
    try {
      // It may be there and not be allowed to do its work.
      execFileSync("strace", ["--trace=none", "true"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  },
  boto3: () => {
    try {
      execFileSync("/usr/bin/python3", ["-c", "import boto3"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  },
};

/**
 * Options of a suite that needs a program of this machine: skipped, with the reason, where it is absent. Where CI is
 * set nothing may be absent.
 */
export function needs(component: keyof typeof components): { skip: string | false } {
  if (components[component]()) return { skip: false };
  if (process.env["CI"]) throw new Error(`${component} is missing; CI is set, so nothing may be.`);
  return { skip: `${component} is not installed, or not allowed` };
}
