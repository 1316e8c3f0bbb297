/** Verifies ID tokens of issuers that are not here, by what they publish. */
import type { Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { isStorable } from "../../lib/text.ts";
import { createVerifier, TokenError, type Verifier } from "../../verify/index.ts";
import { refuse } from "../../wire/refuse.ts";
import { refuseLogin } from "./login.ts";

/** An issuer, and the clients whose tokens are accepted. */
export interface Issuer {
  readonly issuer: string;
  readonly clientIds: readonly string[];
}

/** Verifiers with the keys of their issuers, by issuer and clients. */
const verifiers = new CacheKind<Verifier>(500);

function verifierOf({ app }: Ctx, { issuer, clientIds }: Issuer): Verifier {
  const options = { issuer, clientId: clientIds, use: "id", algorithms } as const;
  return app.caches.obtain(verifiers, JSON.stringify([issuer, clientIds]), () =>
    createVerifier(options, {
      fetch: (url, { headers, signal }) => app.outbound.fetch(url, { headers, signal }),
      now: app.clock,
    }),
  );
}

/** As OpenID providers sign; never with a key that is shared. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

/** What a verified ID token says. */
export interface ForeignToken {
  readonly subject: string;
  readonly clientId: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Why there is none: the token, or an issuer that does not answer. */
export interface ForeignFault {
  readonly fault: "expired" | "issuer" | "audience" | "invalid" | "unavailable";
  /** For the log. */
  readonly detail: string;
}

/** Verifies an ID token by what its issuer publishes. */
export async function readForeignToken(
  ctx: Ctx,
  issuer: Issuer,
  token: string,
): Promise<ForeignToken | ForeignFault> {
  try {
    const { subject, clientId, claims } = await verifierOf(ctx, issuer).verify(token);
    return isStorable(subject)
      ? { subject, clientId: clientId!, claims }
      : { fault: "invalid", detail: "a subject that cannot be stored" };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { problem, message: detail } = error;
    switch (problem) {
      case "unavailable":
      case "expired":
      case "issuer":
      case "audience":
        return { fault: problem, detail };
      default:
        return { fault: "invalid", detail };
    }
  }
}

/** Verifies the token of a login. Throws NotAuthorizedException, or ExternalServiceException. */
export async function verifyForeignToken(ctx: Ctx, issuer: Issuer, token: string): Promise<ForeignToken> {
  const read = await readForeignToken(ctx, issuer, token);
  if (!("fault" in read)) return read;
  const { fault, detail } = read;
  return fault === "unavailable"
    ? refuse("ExternalServiceException", "The identity provider cannot be reached.", detail)
    : refuseLogin(fault, detail);
}
