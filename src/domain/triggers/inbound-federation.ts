/**
 * InboundFederation: a function changes what an identity provider says of a user, before it is mapped to attributes
 * ("Inbound federation Lambda trigger", Amazon Cognito Developer Guide).
 */
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type FiringCtx, fire } from "./fire.ts";

type Claims = Readonly<Record<string, unknown>>;

/** A user whom an identity provider has signed in, once its answer is verified. */
export interface InboundUser {
  readonly userName: string;
  readonly providerName: string;
  readonly providerType: "OIDC" | "SAML" | "Facebook" | "Google" | "SignInWithApple" | "LoginWithAmazon";
  /** What the provider answered: the parts that its protocol has. */
  readonly answers: {
    readonly tokenResponse?: Claims;
    readonly idToken?: Claims;
    readonly userInfo?: Claims;
    readonly samlResponse?: Claims;
  };
}

/**
 * Fires InboundFederation, on every sign-in with a provider. Returns the attributes that take the place of all of the
 * provider's; undefined if these stay as they are: the pool has no function, or it answered none. Throws as `fire` does.
 */
export async function inboundFederation(
  ctx: FiringCtx,
  pool: Pool,
  client: Client,
  { userName, providerName, providerType, answers }: InboundUser,
): Promise<Readonly<Record<string, string>> | undefined> {
  const answer = await fire(ctx, pool, "InboundFederation", {
    source: "InboundFederation_ExternalProvider",
    userName,
    clientId: client.id,
    request: () => ({ providerName, providerType, attributes: answers }),
    form: { userAttributesToMap: "map" },
  });
  const attributes = answer?.userAttributesToMap ?? {};
  return Object.keys(attributes).length > 0 ? attributes : undefined;
}
