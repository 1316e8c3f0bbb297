/** Calls of the API without any SDK, signed and unsigned. */

import assert from "node:assert/strict";
import { signRequest } from "../../src/lib/sigv4.ts";
import { rootKey } from "./sdk.ts";
import type { TestServer } from "./server.ts";

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
