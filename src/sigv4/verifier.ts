/** Verifies calls that are signed with credentials of Poolhouse, for a service of one's own. */
import { suggestion } from "../lib/closest.ts";
import { readSignedRequest, type Signed, type WireRequest } from "../lib/sigv4.ts";
import { checkTerms, matchSignature, type SignatureTerms } from "../lib/sigv4-check.ts";
import { askForKey, type Credentials, type Signer } from "./ask.ts";
import { Caller } from "./caller.ts";
import { type Api, unsignedSegments } from "./invoke.ts";
import { SignatureError, unclearPath } from "./signature-error.ts";
import { SigningKeys } from "./signing-keys.ts";

export interface VerifierOptions {
  /** The public URL of Poolhouse. Signing keys are asked for there, so it must be https, or on this machine. */
  readonly endpoint: string;
  /** Also takes an endpoint of plain http elsewhere, such as in a network of containers. */
  readonly allowHttp?: boolean;
  /** The verifier's own credentials, which need the permission `poolhouse:GetSigningKey`; or what gets them. */
  readonly credentials: Credentials | (() => Promise<Credentials>);
  /** The name of the service that callers sign for: `execute-api` by default. */
  readonly service?: string;
  /** The region that callers sign for: that of `api` by default, any if it names none. */
  readonly region?: string;
  /** The API that this service stands for in policies with `execute-api:Invoke`. */
  readonly api?: Api;
  /** The values of the Host header that calls may be signed for; any by default. */
  readonly hosts?: readonly string[];
  /** How far the clocks of callers may differ, in seconds: 300 by default. */
  readonly clockTolerance?: number;
  /** The longest time that a key is used before the server is asked again. Seconds; what the server says by default. */
  readonly cacheSeconds?: number;
  /** How many keys are kept: 10,000 by default. */
  readonly cacheSize?: number;
  /** The largest body that is read, in bytes: 1 MiB by default. */
  readonly largestBody?: number;
  /** Whether a signature may be in the query (a presigned URL): yes by default. */
  readonly presigned?: boolean;
  /** Accepts signatures that do not cover the body (UNSIGNED-PAYLOAD); no by default. */
  readonly unsignedPayload?: boolean;
  /** Paths are signed as S3 signs them, each segment encoded once; no by default. */
  readonly singleEncoding?: boolean;
  /** How long the server has to answer, in milliseconds: 5,000 by default. */
  readonly timeoutMs?: number;
  /** Is told why nobody could tell whether a call counts, for a log. The answer (503) does not say it. */
  readonly onUnavailable?: (error: unknown) => void;
  /** How the server is asked, such as through a proxy; the global one by default. */
  readonly fetch?: typeof fetch;
  /** Epoch milliseconds; the machine's clock by default. */
  readonly now?: () => number;
}

/** The names of all options: leaving one out is a type error. */
const names: Readonly<Record<keyof VerifierOptions, true>> = {
  ...{
    endpoint: true,
    allowHttp: true,
    credentials: true,
    service: true,
    region: true,
    api: true,
    hosts: true,
  },
  ...{ clockTolerance: true, cacheSeconds: true, cacheSize: true, largestBody: true, presigned: true },
  ...{
    unsignedPayload: true,
    singleEncoding: true,
    timeoutMs: true,
    onUnavailable: true,
    fetch: true,
    now: true,
  },
};

/** A call as it came in: what its signature covers, and how it got here. */
export interface SignedCall extends Omit<WireRequest, "body"> {
  /** The raw bytes, or what reads them; read only once the rest of the signature is in order. */
  readonly body: Uint8Array | (() => Promise<Uint8Array>);
  /** The caller's address, for policies that name it. */
  readonly sourceIp?: string | undefined;
  /** Whether the call came over TLS, for policies that ask; undefined if that is unknown. */
  readonly isSecure?: boolean | undefined;
}

export interface Verifier {
  /** The largest body that is to be read, in bytes. */
  readonly largestBody: number;
  /** Whether the options name an API. */
  readonly hasApi: boolean;
  /** Who made a call. Throws SignatureError if its signature does not count. */
  verify(call: SignedCall): Promise<Caller>;
}

/** The longest life of a signature in the query: keys are given out for days around today. Seconds. */
const longestPresigned = 86_400;

/**
 * A verifier of calls that are signed with access keys or temporary credentials of a Poolhouse.
 * @throws TypeError if the options cannot be meant
 */
export function createVerifier(options: VerifierOptions): Verifier {
  checkOptions(options);
  const { now = Date.now, service = "execute-api", largestBody = 2 ** 20, api, presigned = true } = options;
  const region = options.region ?? api?.region;
  const hosts = options.hosts?.map((host) => host.toLowerCase());
  const { endpoint, credentials, fetch: fetcher = fetch, timeoutMs = 5_000 } = options;
  const asking = { endpoint: new URL("/", endpoint), credentials, fetch: fetcher, timeoutMs, now };
  const keys = new SigningKeys((asked) => askForKey(asking, asked), {
    now,
    cacheSeconds: options.cacheSeconds ?? Number.POSITIVE_INFINITY,
    cacheSize: options.cacheSize ?? 10_000,
  });
  const terms: Omit<SignatureTerms, "now"> = {
    services: [service],
    ...(region !== undefined && { region }),
    maxSkewSeconds: options.clockTolerance ?? 300,
    pathRule: options.singleEncoding ? "as sent" : "normalized",
    unsignedPayload: options.unsignedPayload ?? false,
  };

  const findSigner = async (name: string, signed: Signed): Promise<Signer> => {
    try {
      const { accessKeyId, securityToken, date, region, service } = signed;
      const found = await keys.find(name, { accessKeyId, securityToken, date, region, service });
      if (found !== undefined) return found;
    } catch (error) {
      options.onUnavailable?.(error);
      throw new SignatureError("unavailable", "Service Unavailable", { cause: error });
    }
    throw unknownCredentials();
  };

  const verify = async (call: SignedCall): Promise<Caller> => {
    const at = now();
    // The body comes last: nobody sends one for nothing.
    const head: WireRequest = { ...withHeaders(call), body: new Uint8Array() };
    const signed = readSignature(head, presigned);
    const wrong = checkTerms(signed, head, { ...terms, now: at });
    if (wrong !== undefined) throw new SignatureError("signature", wrong.message);
    if (!options.singleEncoding && unsignedSegments.test(head.path)) throw unclearPath();
    checkHost(head, hosts);
    checkNames(signed);
    const name = keys.nameOf({ ...signed, securityToken: signed.securityToken });
    const signer = await findSigner(name, signed);
    const body = typeof call.body === "function" ? await call.body() : call.body;
    if (body.length > largestBody) throw new SignatureError("too large", "Request Too Long");
    const match = matchSignature(signed, { ...head, body }, signer.signing, terms);
    if (!match.ok) throw new SignatureError("signature", match.message);
    keys.prove(name);
    return new Caller(signer, signed, { ...factsOf(call, head), now: at }, api);
  };
  return { largestBody, hasApi: api !== undefined, verify };
}

/** A call whose headers can be read more than once. */
function withHeaders({ method, path, query, headers }: SignedCall): Omit<WireRequest, "body"> {
  return { method, path, query, headers: Array.isArray(headers) ? headers : [...headers] };
}

/** @throws SignatureError if there is no signature, or none that is complete */
function readSignature(head: WireRequest, presigned: boolean): Signed {
  const reading = readSignedRequest(head);
  if (reading.kind === "none") throw new SignatureError("missing", "Missing Authentication Token");
  if (reading.kind === "malformed") throw new SignatureError("incomplete", reading.reason);
  if (reading.place === "header") return reading;
  if (!presigned)
    throw new SignatureError("incomplete", "The signature must be in the Authorization header here.");
  if ((reading.expires ?? 0) > longestPresigned)
    throw new SignatureError("incomplete", `X-Amz-Expires must be at most ${longestPresigned} here.`);
  return reading;
}

const unknownCredentials = () =>
  new SignatureError("credentials", "The security token included in the request is invalid.");

/** Refuses what the server would not look at, without asking it. */
function checkNames({ accessKeyId, securityToken = "", region }: Signed): void {
  if (!/^\w{4,128}$/.test(accessKeyId) || securityToken.length > 16_384) throw unknownCredentials();
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(region))
    throw new SignatureError("signature", `Credential should be scoped to a valid region, not '${region}'. `);
}

function checkHost({ headers }: WireRequest, hosts: readonly string[] | undefined): void {
  if (hosts === undefined || hosts.includes((header(headers, "host") ?? "").toLowerCase())) return;
  throw new SignatureError("signature", "The request was signed for another host.");
}

/** The value of a header; undefined if it is absent. */
function header(headers: WireRequest["headers"], name: string): string | undefined {
  for (const [key, value] of headers) if (key.toLowerCase() === name) return value;
  return undefined;
}

function factsOf({ method, path, sourceIp, isSecure }: SignedCall, { headers }: WireRequest) {
  return {
    ...{ method: method.toUpperCase(), path, sourceIp, isSecure },
    userAgent: header(headers, "user-agent"),
    referer: header(headers, "referer"),
  };
}

/** Hosts of this machine: what goes there is not seen by others. */
const loopback = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;

/** @throws TypeError if the options cannot be meant */
function checkOptions(options: VerifierOptions): void {
  const known = Object.keys(names);
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(`There is no option ${name}.${suggestion(name, known)}`);
  if (!URL.canParse(options.endpoint))
    throw new TypeError(
      `endpoint must be the URL of Poolhouse, such as https://id.example.com, not ${options.endpoint}.`,
    );
  const { protocol, hostname } = new URL(options.endpoint);
  const isPlain = protocol === "http:" && (options.allowHttp === true || loopback.test(hostname));
  if (protocol !== "https:" && !isPlain)
    throw new TypeError(
      "endpoint must be https, since signing keys are read there. allowHttp takes plain http.",
    );
  checkCredentials(options.credentials);
  checkHosts(options.hosts);
  const { service = "execute-api", api } = options;
  if (!/^[a-z0-9][a-z0-9-]*$/.test(service))
    throw new TypeError(
      `There can be no service ${service}: names have lower-case letters, digits and hyphens.`,
    );
  if (api !== undefined && !/^\d{12}$/.test(api.accountId))
    throw new TypeError("api.accountId must have 12 digits.");
  if ((options.clockTolerance ?? 0) > 3_600) throw new TypeError("clockTolerance must be at most 3600.");
  for (const name of ["clockTolerance", "cacheSeconds", "cacheSize", "largestBody", "timeoutMs"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isFinite(value) && value >= 0))
      throw new TypeError(`${name} must be a number, not below 0.`);
  }
}

/** @throws TypeError if nothing can be signed with them */
function checkCredentials(given: VerifierOptions["credentials"] | undefined): void {
  if (typeof given === "function") return;
  for (const name of ["accessKeyId", "secretAccessKey"] as const)
    if (typeof given?.[name] !== "string" || given[name] === "")
      throw new TypeError(
        `The verifier needs credentials: credentials.${name} is missing. \`poolhouse keys create\` makes them.`,
      );
}

/** @throws TypeError if a value is none that a Host header can have */
function checkHosts(hosts: unknown): void {
  if (hosts === undefined) return;
  if (!Array.isArray(hosts)) throw new TypeError('hosts must be a list, such as ["api.example.com"].');
  const wrong = (hosts as unknown[]).find((host) => typeof host !== "string" || !/^[^\s/?#@]+$/.test(host));
  if (wrong !== undefined)
    throw new TypeError(
      `hosts has names with a port if it is not the usual one, such as localhost:3000, not ${String(wrong)}.`,
    );
}
