/** Asks Poolhouse for signing keys (GetSigningKey), and reads its answers. */
import { createSecretKey } from "node:crypto";
import { fromBase64, utf8 } from "../lib/bytes.ts";
import { signRequest } from "../lib/sigv4.ts";
import type { KeyScope } from "../lib/sigv4-canonical.ts";
import type { SigningKey } from "../lib/sigv4-check.ts";
import type { Context, ContextValue } from "../policy/conditions.ts";
import { type Policy, parsePolicy } from "../policy/policy.ts";

/** What the verifier itself signs with: an access key, or temporary credentials. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Whose key is asked for, and what it must verify. */
export interface KeyRequest extends KeyScope {
  readonly accessKeyId: string;
  readonly securityToken: string | undefined;
}

/** Who signs with a key, and what they may do. */
export interface Signer {
  readonly signing: SigningKey;
  readonly principal: Principal;
  /** Set if the credentials are those of an identity pool. */
  readonly identity: Identity | undefined;
  readonly policies: readonly Policy[];
  /** Undefined if the session has none, which restricts nothing. */
  readonly sessionPolicies: readonly Policy[] | undefined;
  /** Condition keys by their names in lower case; one without a value is in no request of this principal. */
  readonly facts: Context;
  /** Epoch milliseconds; undefined for an access key. */
  readonly expiresAt: number | undefined;
  readonly cacheSeconds: number;
}

export interface Principal {
  /** The ARN of the user; that of the session, if a role was assumed. */
  readonly arn: string;
  readonly userId: string;
  readonly accountId: string;
  readonly accessKeyId: string;
  /** Set if a role was assumed. */
  readonly roleArn: string | undefined;
}

/** An identity of an identity pool. */
export interface Identity {
  readonly identityId: string;
  readonly identityPoolId: string;
  /** `authenticated` or `unauthenticated`, then the provider, and who it says it is. */
  readonly amr: readonly string[];
}

export interface AskOptions {
  readonly endpoint: URL;
  readonly credentials: Credentials | (() => Promise<Credentials>);
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The largest answer that is read. */
const largestAnswer = 2 ** 20;

/**
 * The key of credentials; undefined if these do not count. Throws an Error, for a log, if the server gives no answer or refuses
 * to give one to this verifier.
 */
export async function askForKey(options: AskOptions, asked: KeyRequest): Promise<Signer | undefined> {
  const { endpoint, credentials } = options;
  const body = utf8(
    JSON.stringify({
      AccessKeyId: asked.accessKeyId,
      SecurityToken: asked.securityToken,
      Date: asked.date,
      Region: asked.region,
      Service: asked.service,
    }),
  );
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "Poolhouse.GetSigningKey" };
  const { accessKeyId, secretAccessKey, sessionToken } =
    typeof credentials === "function" ? await credentials() : credentials;
  const signature = signRequest(
    {
      method: "POST",
      path: "/",
      query: "",
      headers: Object.entries({ host: endpoint.host, ...headers }),
      body,
    },
    {
      ...{ accessKeyId, secretAccessKey, region: asked.region, service: "poolhouse", now: options.now() },
      ...(sessionToken !== undefined && { sessionToken }),
    },
  );
  const response = await options
    .fetch(endpoint, {
      method: "POST",
      headers: { ...headers, ...signature },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(options.timeoutMs),
    })
    .catch((error: unknown) => unreachable(endpoint, error));
  const answer = await readAnswer(response);
  if (response.status === 200) return readSigner(asked, answer);
  if (answer["__type"] === "ResourceNotFoundException") return undefined;
  throw new Error(
    `GetSigningKey was answered with ${response.status} ${answer["__type"]}: ${answer["message"]}`,
  );
}

/** Throws an Error that says which server did not answer, and why: `fetch` itself hides that in its cause. */
function unreachable({ origin }: URL, error: unknown): never {
  const { message, cause } = error as Error;
  // Of several addresses that were tried, the cause has a code but no message.
  const { message: why, code } = (cause ?? {}) as { message?: string; code?: string };
  throw new Error(`${origin} did not answer GetSigningKey: ${why || code || message}`, { cause: error });
}

type Given = Readonly<Record<string, unknown>>;

async function readAnswer(response: Response): Promise<Given> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error("The answer of GetSigningKey is too large.");
    chunks.push(chunk);
  }
  return record(JSON.parse(Buffer.concat(chunks).toString("utf8")));
}

function readSigner({ accessKeyId, date, region, service }: KeyRequest, answer: Given): Signer {
  const key = fromBase64(text(answer["SigningKey"]));
  if (key?.length !== 32) throw unreadable();
  const principal = record(answer["Principal"]);
  const identity = answer["Identity"] === undefined ? undefined : record(answer["Identity"]);
  const { SessionPolicies: session, ExpiresAt: expiresAt } = answer;
  const seconds = answer["CacheSeconds"];
  if (typeof seconds !== "number" || !(seconds >= 0)) throw unreadable();
  if (expiresAt !== undefined && typeof expiresAt !== "number") throw unreadable();
  return {
    signing: { date, region, service, key: createSecretKey(key) },
    principal: {
      arn: text(principal["Arn"]),
      userId: text(principal["UserId"]),
      accountId: text(principal["AccountId"]),
      accessKeyId,
      roleArn: principal["RoleArn"] === undefined ? undefined : text(principal["RoleArn"]),
    },
    identity: identity && {
      identityId: text(identity["IdentityId"]),
      identityPoolId: text(identity["IdentityPoolId"]),
      amr: texts(identity["Amr"]),
    },
    policies: texts(answer["Policies"]).map(parsePolicy),
    sessionPolicies: session === undefined ? undefined : texts(session).map(parsePolicy),
    facts: readFacts(record(answer["Facts"])),
    expiresAt: expiresAt === undefined ? undefined : expiresAt * 1000,
    cacheSeconds: seconds,
  };
}

function readFacts(given: Given): Context {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const isValue = [value].flat().every((one) => ["string", "number", "boolean"].includes(typeof one));
      if (value !== null && !isValue) throw unreadable();
      return [name.toLowerCase(), (value ?? undefined) as ContextValue | undefined];
    }),
  );
}

function record(value: unknown): Given {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unreadable();
  return value as Given;
}

function text(value: unknown): string {
  if (typeof value !== "string" || value === "") throw unreadable();
  return value;
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) throw unreadable();
  return value.map(text);
}

const unreadable = () => new Error("The answer of GetSigningKey is not of its form.");
