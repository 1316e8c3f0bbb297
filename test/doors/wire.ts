/**
 * Calls without any SDK: the test determines each header, the signature and the body. The signer is written from the
 * documentation and shares nothing with src/lib, so that it can sign what ours never would.
 */

import { createHash, createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import { rootKey } from "../kit/sdk.ts";

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

export interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Call {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly query?: string;
  readonly body: string;
}

/** Sends a call unchanged. */
export function post(endpoint: string, call: Call): Promise<Answer> {
  const { hostname, port } = new URL(endpoint);
  const path = call.query === undefined ? "/" : `/?${call.query}`;
  return new Promise((resolve, reject) => {
    const options = { agent, hostname, port, method: "POST", path, headers: call.headers };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const body = (text.startsWith("{") ? JSON.parse(text) : {}) as Record<string, unknown>;
        const message = String(body["message"] ?? body["Message"] ?? "");
        const type = body["__type"] as string | undefined;
        resolve({ status: response.statusCode ?? 0, type, message, body });
      });
    });
    sent.on("error", reject);
    sent.end(call.body);
  });
}

export interface Operation {
  /** `AWSCognitoIdentityProviderService` or `AWSCognitoIdentityService`. */
  readonly prefix: string;
  readonly service: string;
  readonly name: string;
}

/** The unsigned call of an operation. */
export function unsigned(
  endpoint: string,
  operation: Pick<Operation, "prefix" | "name">,
  body: string,
): Call {
  return {
    headers: {
      host: new URL(endpoint).host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `${operation.prefix}.${operation.name}`,
      "content-length": String(Buffer.byteLength(body)),
    },
    body,
  };
}

export interface Signing {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Headers that are sent but not signed. */
  readonly leaveOut: readonly string[];
  readonly sessionToken: string | undefined;
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const mac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

function defaults(operation: Operation, options: Partial<Signing> & { now: number }): Signing {
  const { service } = operation;
  return { ...rootKey, region: "us-east-1", service, leaveOut: [], sessionToken: undefined, ...options };
}

const amzDate = (now: number) => new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
const scopeOf = (signing: Signing) =>
  `${amzDate(signing.now).slice(0, 8)}/${signing.region}/${signing.service}/aws4_request`;

/** "Create a signed AWS API request": canonical request, string to sign, derived key, signature. */
function signatureOf(
  signing: Signing,
  query: string,
  headers: Record<string, string>,
  names: string[],
  body: string,
) {
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join("");
  const canonical = ["POST", "/", query, lines, names.join(";"), hash(body)].join("\n");
  const scope = scopeOf(signing);
  const text = ["AWS4-HMAC-SHA256", amzDate(signing.now), scope, hash(canonical)].join("\n");
  const key = scope
    .split("/")
    .reduce<string | Buffer>((made, part) => mac(made, part), `AWS4${signing.secretAccessKey}`);
  return mac(key, text).toString("hex");
}

function sentHeaders(call: Call, more: Record<string, string>) {
  const headers: Record<string, string> = { ...(call.headers as Record<string, string>), ...more };
  const { "content-length": _, ...signable } = headers;
  return { headers, signable };
}

/** A call signed in the Authorization header. */
export function signedCall(
  endpoint: string,
  operation: Operation,
  body: string,
  options: Partial<Signing> & { now: number },
): Call {
  const signing = defaults(operation, options);
  const { headers, signable } = sentHeaders(unsigned(endpoint, operation, body), {
    "x-amz-date": amzDate(signing.now),
    ...(signing.sessionToken !== undefined && { "x-amz-security-token": signing.sessionToken }),
  });
  const names = Object.keys(signable)
    .filter((name) => !signing.leaveOut.includes(name))
    .sort();
  const signature = signatureOf(signing, "", signable, names, body);
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${signing.accessKeyId}/${scopeOf(signing)}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { headers: { ...headers, authorization }, body };
}

/** A call signed in the query. */
export function presignedCall(
  endpoint: string,
  operation: Operation,
  body: string,
  options: Partial<Signing> & { now: number; expires?: number | string },
): Call {
  const signing = defaults(operation, options);
  const { headers, signable } = sentHeaders(unsigned(endpoint, operation, body), {});
  const names = Object.keys(signable)
    .filter((name) => !signing.leaveOut.includes(name))
    .sort();
  const parameters: Record<string, string> = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${signing.accessKeyId}/${scopeOf(signing)}`,
    "X-Amz-Date": amzDate(signing.now),
    ...(options.expires !== undefined && { "X-Amz-Expires": String(options.expires) }),
    ...(signing.sessionToken !== undefined && { "X-Amz-Security-Token": signing.sessionToken }),
    "X-Amz-SignedHeaders": names.join(";"),
  };
  const query = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  const signature = signatureOf(signing, query, signable, names, body);
  return { headers, query: `${query}&X-Amz-Signature=${signature}`, body };
}

/** Runs the jobs in order, a few at a time. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  atOnce = 16,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(work))));
  }
  return results;
}
