/** Calls of the API without any SDK, signed and unsigned. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
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

/** Costs a third of `fetch`, which counts where tens of thousands of guesses are sent. */
const agent = new Agent({ keepAlive: true });

/** One call without any SDK: what was sent is what the test says. */
export async function call(
  endpoint: string,
  operation: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const sent = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const asked = request(endpoint, {
    method: "POST",
    agent,
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "content-length": Buffer.byteLength(sent),
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
      ...headers,
    },
  });
  asked.end(sent);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const received = await text(response);
  const document = (received === "" ? {} : JSON.parse(received)) as Record<string, unknown>;
  return {
    status: response.statusCode ?? 0,
    type: document["__type"] as string | undefined,
    message: String(document["message"] ?? document["Message"] ?? ""),
    body: document,
    get headers() {
      return new Headers(
        Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        ),
      );
    },
  };
}

/** A call signed by hand, so that it can be signed wrongly. */
export function signed(
  server: TestServer,
  operation: string,
  body: object,
  how: Partial<Parameters<typeof signRequest>[1]> & {
    after?: (headers: Record<string, string>) => void;
    /** X-Amz-Target, if it is not the operation of user pools. */
    target?: string;
  } = {},
): Promise<RawAnswer> {
  const url = new URL(server.endpoint);
  const headers: Record<string, string> = {
    host: url.host,
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": how.target ?? `AWSCognitoIdentityProviderService.${operation}`,
  };
  const sentBody = JSON.stringify(body);
  const unsigned = {
    method: "POST",
    path: "/",
    query: "",
    headers: Object.entries(headers),
    body: Buffer.from(sentBody),
  };
  const { after, target: _target, ...options } = how;
  Object.assign(
    headers,
    signRequest(unsigned, {
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
  return call(server.endpoint, operation, sentBody, sent);
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
