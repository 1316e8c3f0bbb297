/** SAML 2.0 (Web Browser SSO and Single Logout Profiles), as a service provider. */
import type { Ctx } from "../../app.ts";
import { sha256, sha256Base64url, toHex } from "../../lib/bytes.ts";
import { consumeId } from "../../store/federated-sign-ins.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Assertion, Expected, NameId } from "../saml/assertion.ts";
import type { SamlProvider } from "../saml/metadata.ts";
import { samlProvider, withItsKeys } from "../saml/provider.ts";
import { verifyResponse } from "../saml/response.ts";
import { fault, SamlFault } from "../saml/xml.ts";
import type { Place, Protocol, ProviderIdentity } from "./protocol.ts";
import type { Provider } from "./provider.ts";
import { decryptionKeyOf, samlKey } from "./saml-keys.ts";
import {
  acsUrl,
  authnRequestUrl,
  logoutRequestUrl,
  newMessageId,
  serviceProviderId,
} from "./saml-messages.ts";

type Asked = Place & { readonly provider: Provider };

export const saml: Protocol = {
  begin: (ctx, { pool, base, provider, state, fresh }) =>
    answering("Error in SAML metadata of identity provider", async () => {
      const { signIn, wantsSignedRequests } = await samlProvider(ctx, provider);
      const isSigned = provider.details["RequestSigningAlgorithm"] === "rsa-sha256" || wantsSignedRequests;
      const id = newMessageId(ctx);
      const privateKey = isSigned ? (await samlKey(ctx, pool.id, "")).privateKey : undefined;
      const sending = { poolId: pool.id, base, to: signIn.redirect, id, relayState: state, privateKey };
      const since = fresh === "no" ? {} : { freshSince: String(ctx.now) };
      const location = await authnRequestUrl(sending, fresh !== "no");
      return { location, remembered: { requestId: id, ...since } };
    }),

  verify: (ctx, { parameters, remembered, ...asked }) => {
    const { requestId, freshSince } = remembered;
    if (requestId === undefined) refuseOAuth("invalid_request", "The sign-in did not begin with SAML.");
    const begun = { requestId, freshSince: freshSince === undefined ? undefined : Number(freshSince) };
    return verifyAnswer(ctx, asked, parameters.get("SAMLResponse") ?? "", begun);
  },

  logout: async (ctx, { pool, base, provider, known, session, state }) => {
    if (provider.details["IDPSignout"] !== "true" || !known["nameId"]) return undefined;
    const to = (await metadataOrNothing(ctx, provider))?.signOut.redirect?.location;
    if (to === undefined) return undefined;
    const { privateKey } = await samlKey(ctx, pool.id, "");
    const sending = { poolId: pool.id, base, to, id: logoutRequestId(state), relayState: state, privateKey };
    return logoutRequestUrl(sending, { name: nameIdOf(known), sessionIndex: session });
  },
};

/** A provider whose metadata cannot be had keeps nobody from signing out here. */
async function metadataOrNothing(ctx: Ctx, provider: Provider): Promise<SamlProvider | undefined> {
  try {
    return await samlProvider(ctx, provider);
  } catch (error) {
    if (!(error instanceof SamlFault)) throw error;
    ctx.log.warn(
      { poolId: provider.poolId, provider: provider.name },
      "a SAML provider is not told of a sign-out",
    );
    return undefined;
  }
}

/** The id of the LogoutRequest with this RelayState: its answer is recognized without anything being stored. */
export const logoutRequestId = (state: string): string => `_${toHex(sha256("logout request ", state))}`;

/**
 * Verifies a response that a provider sent by itself (IdP-initiated). Its RelayState holds the authorization request as a
 * query: `identity_provider`, `client_id`, `redirect_uri`, `response_type` and `scope`. The caller finds the provider by it, and
 * answers only for a client that has the provider and whose providers are all of SAML, COGNITO not among them; it
 * checks the rest as at /oauth2/authorize, and gives no state back. Such a response is bound to no browser: whoever posts it
 * signs in whoever it names, which is why a provider must allow it (IDPInit).
 */
export async function verifyUnsolicited(
  ctx: Ctx,
  asked: Asked,
  samlResponse: string,
): Promise<ProviderIdentity> {
  if (asked.provider.details["IDPInit"] !== "true")
    refuseOAuth("invalid_request", "The identity provider may not begin a sign-in by itself.");
  return verifyAnswer(ctx, asked, samlResponse, { requestId: undefined, freshSince: undefined });
}

/** Refuses with what a fault says, as OAuth 2.0 allows it in a description (RFC 6749 section 4.1.2.1). */
export async function answering<T>(prefix: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SamlFault)) throw error;
    const description = `${prefix}: ${error.message}`.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "?");
    const { cause } = error;
    return refuseOAuth("invalid_request", description, cause instanceof Error ? cause.message : undefined);
  }
}

function verifyAnswer(
  ctx: Ctx,
  asked: Asked,
  samlResponse: string,
  begun: Pick<Expected, "requestId" | "freshSince">,
): Promise<ProviderIdentity> {
  return answering("Error in SAML response processing", async () => {
    const { pool, base, provider } = asked;
    if (samlResponse === "") fault("there is no SAMLResponse.");
    const expected = {
      audiences: [serviceProviderId(pool.id)],
      recipients: [acsUrl(base)],
      ...begun,
      now: ctx.now,
      isEncryptionDemanded: provider.details["EncryptedResponses"] === "true",
      decryptionKey: decryptionKeyOf(ctx, provider),
    };
    const verify = async (by: SamlProvider) => ({
      by,
      assertion: await verifyResponse(samlResponse, { ...expected, provider: by }),
    });
    const { by, assertion } = await withItsKeys(ctx, provider, await samlProvider(ctx, provider), verify);
    await once(ctx, pool.id, ["assertion", by.entityId, assertion.id], assertion.expiresAt);
    return identityFrom(by, assertion);
  });
}

/** Throws SamlFault if this was seen before, on any server. */
export async function once(
  ctx: Ctx,
  poolId: string,
  what: readonly [kind: string, entityId: string, id: string],
  expiresAt: number,
): Promise<void> {
  const hash = sha256Base64url(JSON.stringify(["saml", ...what]));
  if (!(await consumeId(ctx.db, { poolId, hash, expiresAt }))) fault(`the ${what[0]} was used before.`);
}

function identityFrom({ entityId }: SamlProvider, assertion: Assertion): ProviderIdentity {
  const { name, attributes, sessionIndex, authenticatedAt } = assertion;
  return {
    issuer: entityId,
    subject: name.nameId,
    authenticatedAt,
    claims: attributes,
    answers: { samlResponse: attributes },
    session: sessionIndex,
    logout: { ...name },
  };
}

function nameIdOf(known: ProviderIdentity["logout"]): NameId {
  const { nameId = "", nameIdFormat, nameQualifier, spNameQualifier } = known;
  return {
    nameId,
    ...(nameIdFormat !== undefined && { nameIdFormat }),
    ...(nameQualifier !== undefined && { nameQualifier }),
    ...(spNameQualifier !== undefined && { spNameQualifier }),
  };
}
