/**
 * Verifies tokens of Amazon Cognito's kind and of OpenID providers ("Verifying JSON web tokens", Amazon Cognito Developer
 * Guide; OpenID Connect Core 1.0 section 3.1.3.7; RFC 9068 section 4; RFC 8725).
 */
import type { JWTPayload } from "jose";
import { type Access, accessNames, assertAccess, checkAccess, groupsOf, scopesOf } from "./access.ts";
import type { Fetch } from "./issuer.ts";
import { assertKnown, type Names } from "./known-options.ts";
import { type IssuerOptions, issuerOf, type KnownIssuer, knownIssuer, verifySignature } from "./signed.ts";
import { TokenError } from "./token-error.ts";
import { clientOf, useOf } from "./token-use.ts";

export interface VerifierOptions extends Access {
  /** How much the issuer's clock may differ, in seconds: 30 by default. */
  readonly clockTolerance?: number;
  /**
   * Says of a token that is otherwise fine whether it has been revoked. If it throws, or says neither, the token is refused
   * as `unavailable`. By default nobody is asked, and a revoked token counts until it expires.
   */
  readonly isRevoked?: (token: VerifiedToken) => boolean | Promise<boolean>;
  readonly fetch?: Fetch;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

const names: Names<VerifierOptions> = {
  ...accessNames,
  ...{ clockTolerance: true, isRevoked: true, fetch: true, now: true },
};

export interface VerifiedToken {
  readonly token: string;
  readonly use: "access" | "id";
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string | undefined;
  /** The name by which the user signed in, if the token has it. */
  readonly username: string | undefined;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly claims: JWTPayload;
}

type NodeHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request of the Fetch standard (Workers, Hono, Deno), or one of Node.js (Express, Fastify). */
interface WithHeaders {
  readonly headers: Headers | NodeHeaders;
}

export interface Verifier {
  /**
   * Verifies a token: its signature by the issuer's keys, issuer, time, kind, client and audience, then the scopes and
   * groups that are asked for here or in the options.
   * @throws TokenError with `problem`; TypeError if what is asked for cannot be meant
   */
  verify(token: string | undefined, access?: Access): Promise<VerifiedToken>;
  /** Verifies the bearer token of a request (RFC 6750 section 2.1). @throws TokenError with `problem` */
  verifyRequest(request: WithHeaders, access?: Access): Promise<VerifiedToken>;
  /** Reads the issuers' metadata and keys, so that the first request need not. @throws TokenError `unavailable` */
  load(): Promise<void>;
}

/** @throws TypeError if the options cannot be meant */
export function createVerifier(
  issuers: IssuerOptions | readonly IssuerOptions[],
  options: VerifierOptions = {},
): Verifier {
  const { now = Date.now, fetch = globalThis.fetch as Fetch, scopes = [], groups = [] } = options;
  assertKnown(options, names);
  checkAccess({ scopes, groups });
  const known = new Map<string, KnownIssuer>();
  for (const one of [issuers].flat() as IssuerOptions[]) {
    if (known.has(one.issuer)) throw new TypeError(`The issuer ${one.issuer} is named twice.`);
    known.set(one.issuer, knownIssuer(one, fetch, now));
  }
  if (known.size === 0) throw new TypeError("No issuer is named.");
  const { clockTolerance } = options;
  if (clockTolerance !== undefined && !(clockTolerance >= 0 && clockTolerance <= 600))
    throw new TypeError("clockTolerance must be a number of seconds from 0 to 600.");
  const verify = async (token: string | undefined, access: Access = {}) => {
    checkAccess(access);
    if (!token) throw new TokenError("missing", "No token was sent.");
    const issuer = known.get(issuerOf(token));
    if (issuer === undefined) throw new TokenError("issuer", "The token is from another issuer.");
    const verified = read(
      issuer,
      token,
      await verifySignature(issuer, token, { clockTolerance, now: now() }),
    );
    for (const asked of [options, access]) assertAccess(verified, asked);
    if (options.isRevoked !== undefined && (await isRevoked(options.isRevoked, verified)))
      throw new TokenError("revoked", "The token has been revoked.");
    return verified;
  };
  return {
    verify,
    verifyRequest: async (request, access) => verify(bearerToken(authorizationOf(request)), access),
    load: async () => {
      await Promise.all([...known.values()].map(({ keys }) => keys.load()));
    },
  };
}

function authorizationOf({ headers }: WithHeaders): string | null | undefined {
  if (typeof headers["get"] === "function") return (headers as Headers).get("authorization");
  const found = (headers as NodeHeaders)["authorization"];
  return typeof found === "string" ? found : undefined;
}

/** The token of an Authorization header with the scheme Bearer; undefined for any other (RFC 6750 section 2.1). */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization ?? "")?.[1];
}

function read(
  { options, clientIds, audiences }: KnownIssuer,
  token: string,
  { payload: claims, typ }: { readonly payload: JWTPayload; readonly typ: string | undefined },
): VerifiedToken {
  const { use: accepted = "access", groupsClaim = "cognito:groups", issuer } = options;
  if (typeof claims.sub !== "string" || claims.sub === "")
    throw new TokenError("malformed", "The claim sub of the token is missing or wrong.");
  const aud = [claims.aud ?? []].flat();
  const use = useOf(claims, typ, { clientIds, audiences });
  if (use === undefined || (accepted !== "either" && use !== accepted))
    throw new TokenError("use", `The token is not ${kinds[accepted]} token.`);
  const clientId = use === "id" ? (aud.length === 1 ? aud[0] : text(claims["azp"])) : clientOf(claims);
  const forClient =
    clientIds === null ||
    (clientId !== undefined && clientIds.includes(clientId) && (use === "access" || aud.includes(clientId)));
  if (!forClient) throw new TokenError("audience", "The token was issued to another client.");
  if (use === "access" && audiences.length > 0 && !aud.some((one) => audiences.includes(one)))
    throw new TokenError("audience", "The token is for another API.");
  const names = [claims["username"], claims["cognito:username"], claims["preferred_username"]];
  return {
    token,
    use,
    issuer,
    subject: claims.sub,
    clientId,
    username: names.map(text).find((name) => name !== undefined),
    scopes: scopesOf(claims),
    groups: groupsOf(claims, groupsClaim),
    expiresAt: claims.exp!,
    claims,
  };
}

const kinds = { access: "an access", id: "an ID", either: "an access or ID" } as const;

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

async function isRevoked(
  ask: NonNullable<VerifierOptions["isRevoked"]>,
  token: VerifiedToken,
): Promise<boolean> {
  try {
    const told: unknown = await ask(token);
    if (typeof told === "boolean") return told;
    throw new TypeError("isRevoked must say true or false.");
  } catch (cause) {
    throw new TokenError("unavailable", "Nobody can tell whether the token has been revoked.", { cause });
  }
}
