/** Clients of STS, access keys and roles of these tests. */
import { type Credentials, STSClient, type STSClientConfig } from "@aws-sdk/client-sts";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { signRequest } from "../../src/lib/sigv4.ts";
import { unique } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";

/** With the root key, unless told otherwise. */
export const stsClient = (
  { endpoint }: Pick<TestServer, "endpoint">,
  more: STSClientConfig = {},
): STSClient =>
  new STSClient({ endpoint, region: "us-east-1", credentials: rootKey, maxAttempts: 1, ...more });

/** Credentials of an answer in the form that clients take. */
export const keysOf = ({ AccessKeyId, SecretAccessKey, SessionToken }: Partial<Credentials> = {}) => ({
  accessKeyId: AccessKeyId!,
  secretAccessKey: SecretAccessKey!,
  sessionToken: SessionToken!,
});

export const policy = (...statements: readonly object[]): object => ({
  Version: "2012-10-17",
  Statement: statements,
});

export const allow = (Action: string | readonly string[], Resource: string = "*") => ({
  ...{ Effect: "Allow", Action, Resource },
});

/** A new access key, and what trust policies call its user. */
export async function makeKey({ app }: Pick<TestServer, "app">, document: object) {
  const name = unique("caller");
  const key = await createAccessKey(app, name, JSON.stringify(document));
  return { ...key, arn: `arn:aws:iam::${app.config.accountId}:user/${name}` };
}

/** A trust policy that names callers of AWS. */
export const trustingAws = (
  AWS: string | readonly string[],
  Condition: object = {},
  Action: string | readonly string[] = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
): object => policy({ Effect: "Allow", Principal: { AWS }, Action, Condition });

export interface QueryAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** The error's code, if it is one. */
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** What a request without any SDK is answered. */
export async function ask(
  endpoint: string,
  request: RequestInit & { readonly path?: string },
): Promise<QueryAnswer> {
  const response = await fetch(`${endpoint}${request.path ?? "/"}`, { redirect: "manual", ...request });
  const body = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    body,
    code: /<Code>([^<]*)<\/Code>/.exec(body)?.[1],
    message: /<Message>([^<]*)<\/Message>/.exec(body)?.[1],
  };
}

const form = "application/x-www-form-urlencoded; charset=utf-8";

/** An unsigned call. */
export const askUnsigned = (
  endpoint: string,
  body: NonNullable<RequestInit["body"]>,
  headers: Readonly<Record<string, string>> = {},
) => ask(endpoint, { method: "POST", body, headers: { "content-type": form, ...headers } });

/** A call that is signed by hand, so that it can be of any form. */
export function askSigned(
  { endpoint, clock }: Pick<TestServer, "endpoint" | "clock">,
  body: string,
  how: Partial<Parameters<typeof signRequest>[1]> = {},
): Promise<QueryAnswer> {
  const { host } = new URL(endpoint);
  const unsigned = {
    ...{ method: "POST", path: "/", query: "", body: Buffer.from(body) },
    headers: [
      ["host", host],
      ["content-type", form],
    ] as [string, string][],
  };
  const signature = signRequest(unsigned, {
    ...rootKey,
    ...{ region: "eu-central-1", service: "sts", now: clock.now },
    ...how,
  });
  return ask(endpoint, { method: "POST", body, headers: { "content-type": form, ...signature } });
}

export const version = "Version=2011-06-15";
