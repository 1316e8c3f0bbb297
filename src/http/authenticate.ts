/**
 * Authenticates and authorizes signed calls ("Signature Version 4 signing process" and "Policy evaluation logic", IAM
 * User Guide). Unknown keys, unsigned dates and targets, late signatures and foreign scopes are refused. The signature
 * may be in the query instead of a header, as "Common Parameters" of the Cognito API Reference allows.
 */
import type { Ctx } from "../app.ts";
import {
  decide,
  findAccessKey,
  namedPolicies,
  principalOf,
  signingKeyOf,
} from "../domain/iam/access-keys.ts";
import type { PolicyRequest } from "../domain/iam/condition-keys.ts";
import { noteUse } from "../domain/iam/key-uses.ts";
import type { Principal } from "../domain/iam/principal.ts";
import { openSession } from "../domain/roles/session-credentials.ts";
import { principalOfSession } from "../domain/roles/session-principal.ts";
import { readSignedRequest, type Signed, type WireRequest } from "../lib/sigv4.ts";
import type { KeyScope } from "../lib/sigv4-canonical.ts";
import { checkTerms, matchSignature, type SignatureTerms, type SigningKey } from "../lib/sigv4-check.ts";
import { reasonOf } from "../policy/policy.ts";
import { refuse } from "../wire/refuse.ts";
import { isForwarded } from "./hosts.ts";
import { unknownKey } from "./signed-request.ts";

/** What a signature must be for. */
export interface SignatureScope {
  readonly service: string;
  /** Undefined if any region will do. */
  readonly region: string | undefined;
  /**
   * How long the signature counts, in the query too, whatever its X-Amz-Expires says; how early it may be, as well. Seconds;
   * 300 by default, or what X-Amz-Expires says.
   */
  readonly seconds?: number;
}

/** The principal of a signed call. Throws the documented errors of the signing process. */
export async function authenticate(
  ctx: Ctx,
  request: WireRequest,
  scope: SignatureScope,
): Promise<Principal> {
  const reading = readSignedRequest(request);
  if (ctx.config.auth === "open")
    return openPrincipal(ctx, request, reading.kind === "signed" ? reading : undefined);
  switch (reading.kind) {
    case "none":
      return refuse("MissingAuthenticationTokenException", "Missing Authentication Token");
    case "malformed":
      return refuse("IncompleteSignatureException", reading.reason);
    case "signed":
      return verify(ctx, request, reading, scope);
  }
}

async function verify(
  ctx: Ctx,
  request: WireRequest,
  signed: Signed,
  { service, region, seconds }: SignatureScope,
): Promise<Principal> {
  const found = await credentialsOf(ctx, signed);
  if (found === undefined) throw unknownKey();
  const terms: SignatureTerms = {
    now: ctx.now,
    services: [service],
    ...(region !== undefined && { region }),
    ...(seconds !== undefined && { maxSkewSeconds: seconds, presignedSeconds: seconds }),
  };
  const check =
    checkTerms(signed, request, terms) ?? matchSignature(signed, request, found.key(signed), terms);
  if (!check.ok) return refuse("InvalidSignatureException", check.message);
  if (found.isLasting) noteUse(ctx, signed.accessKeyId);
  return (await found.principal()) ?? refuse("ExpiredTokenException", expiredToken);
}

/** The error of temporary credentials that have ended. */
const expiredToken = "The security token included in the request is expired";

interface Credentials {
  /** The secret access key, or the key derived from it for this scope; only asked if the scope is one for this server. */
  readonly key: (scope: KeyScope) => string | SigningKey;
  /** Whether it is an access key, as opposed to temporary credentials. */
  readonly isLasting: boolean;
  /** Whom they are of; undefined if they count no more. Only asked once the signature is verified. */
  readonly principal: () => Promise<Principal | undefined>;
}

/** The credentials that a request is signed with: an access key, or with a session token temporary ones. */
async function credentialsOf(
  ctx: Ctx,
  { accessKeyId, securityToken }: Signed,
): Promise<Credentials | undefined> {
  if (securityToken === undefined) {
    const key = await findAccessKey(ctx, accessKeyId);
    return (
      key && {
        key: (scope) => signingKeyOf(ctx, key, scope),
        isLasting: true,
        principal: async () => principalOf(ctx, key),
      }
    );
  }
  const opened = openSession(ctx, accessKeyId, securityToken);
  if (opened === "invalid") return undefined;
  if (opened === "expired") return refuse("ExpiredTokenException", expiredToken);
  const { session, secretAccessKey: secret } = opened;
  return {
    key: () => secret,
    isLasting: false,
    principal: () => principalOfSession(ctx, accessKeyId, session),
  };
}

/**
 * The principal with `--auth open` on a loopback address: any credentials will do, except a web page's. Otherwise a
 * page that the developer visits could administer the server through the browser.
 */
function openPrincipal(ctx: Ctx, request: WireRequest, signed: Signed | undefined): Principal {
  const names = [...request.headers].map(([name]) => name.toLowerCase());
  if (isForwarded(names) || names.includes("origin")) {
    return refuse(
      "AccessDeniedException",
      "With --auth open, calls of administrators must come directly from this machine.",
    );
  }
  return principalOf(ctx, {
    id: signed?.accessKeyId ?? "open",
    principal: "open",
    policy: namedPolicies.admin,
  });
}

/**
 * Throws AccessDeniedException unless the call is allowed.
 * @param allowed by the principal's policy, or by the pool itself, which an explicit deny of the policy overrides
 */
export async function authorize(
  ctx: Ctx,
  principal: Principal,
  request: PolicyRequest,
  allowed: "by the policy" | "by the pool" = "by the policy",
): Promise<void> {
  const verdict = await decide(ctx, principal, request);
  if (verdict.decision === "allow") return;
  // What the pool allows stands for the identity's policy; that of a session would limit it.
  const unlimited = verdict.decision === "implicit-deny" && principal.session?.policies === undefined;
  if (unlimited && allowed === "by the pool") return;
  const { action, resource } = request;
  refuse(
    "AccessDeniedException",
    `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${reasonOf(verdict, action)}`,
  );
}
