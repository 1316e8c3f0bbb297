/**
 * Makes a user of an identity that a provider has vouched for ("How Amazon Cognito processes federated sign-ins", Amazon
 * Cognito Developer Guide): finds or creates the user, fires the triggers, and writes the attributes.
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { User } from "../../store/users.ts";
import { isRefusedFor, refuse, refuseFor } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { remembering } from "../credentials/request-limits.ts";
import { knownHere } from "../credentials/subjects.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Authenticated } from "../tokens/issue.ts";
import { postAuthentication, preAuthentication } from "../triggers/authentication.ts";
import { inboundFederation } from "../triggers/inbound-federation.ts";
import { postConfirmation, preSignUpElsewhere } from "../triggers/sign-up.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { federatedMethod } from "../user-pools/providers.ts";
import { changeUser } from "../users/change-user.ts";
import type { Coming } from "./coming.ts";
import { findLinkedUser, type LinkedUser, relinkedAttributes, storeRelinking } from "./linked-user.ts";
import { mapClaims, newAttributes, refreshedAttributes } from "./mapping.ts";
import type { ProviderIdentity } from "./protocol.ts";
import { findClientProvider, type Provider } from "./provider.ts";
import { createFederatedUser, federatedName } from "./provision.ts";

interface Place {
  readonly pool: Pool;
  readonly client: Client;
  readonly provider: Provider;
}

/**
 * Completes the sign-in of an identity that its protocol has verified. Throws OAuth errors whose descriptions the client
 * gets, such as what the pool's functions refuse.
 */
export async function finishFederation(
  ctx: Ctx,
  place: Place,
  identity: ProviderIdentity,
): Promise<Authenticated> {
  const attempt = beginAttempt(ctx, "SignIn", { isOfUser: true }, "FEDERATED");
  try {
    return await concluded(ctx, attempt, signInElsewhere(ctx, place, identity, attempt));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { message, detail } = error;
    const code = isRefusedFor(error, "tooMany") ? "temporarily_unavailable" : "invalid_request";
    return refuseOAuth(code, message.trim(), detail);
  }
}

async function signInElsewhere(
  ctx: Ctx,
  place: Place,
  identity: ProviderIdentity,
  attempt: Attempt,
): Promise<Authenticated> {
  const provider = await currentProvider(ctx, place);
  const { pool, client } = place;
  const username = federatedName(pool, provider, identity.subject);
  const inbound = await inboundFederation(ctx, pool, client, {
    ...{ userName: username, providerName: provider.name, providerType: provider.type },
    answers: identity.answers,
  });
  const coming = { pool, client, provider, identity, claims: inbound ?? identity.claims, username };
  const known = await findLinkedUser(ctx, coming);
  if (known !== undefined) return comeAgain(ctx, coming, known, attempt);
  return comeFirst(ctx, coming, attempt);
}

/** The provider as it is now. Throws if it is no longer one of the client's, or not the pool's. */
async function currentProvider(ctx: Ctx, { pool, client, provider }: Place): Promise<Provider> {
  const current =
    client.poolId === pool.id ? await findClientProvider(ctx, { pool, client }, provider.name) : undefined;
  const isSame = provider.poolId === pool.id && current?.createdAt === provider.createdAt;
  if (current !== undefined && isSame) return current;
  return refuse("InvalidParameterException", "The identity provider is not one of the client's.");
}

/** The first sign-in of an identity that is nobody's yet. */
async function comeFirst(ctx: Ctx, coming: Coming, attempt: Attempt): Promise<Authenticated> {
  const { pool, client, provider, claims, username } = coming;
  const attributes = newAttributes(pool, client, mapClaims(provider, claims));
  await preSignUpElsewhere(ctx, pool, client, { userName: username, attributes });
  // The function may have linked the identity to a user.
  const linked = await findLinkedUser(ctx, coming);
  if (linked !== undefined) return comeAgain(ctx, coming, linked, attempt);
  const user = await createFederatedUser(ctx, coming, attributes);
  if (user === undefined) {
    // The same user may sign in twice at once.
    const present = await findLinkedUser(ctx, coming);
    if (present !== undefined) return comeAgain(ctx, coming, present, attempt);
    return refuse("InvalidParameterException", `Already found an entry for username ${username}`);
  }
  learn(attempt, { user });
  const whom = { user, by: "ConfirmSignUp", client } as const;
  await postConfirmation(ctx, pool, { ...whom, clientMetadata: undefined });
  return authenticated(ctx, coming, user, 0);
}

/** The sign-in of an identity that is a user's. */
async function comeAgain(
  ctx: Ctx,
  coming: Coming,
  { user, credentialVersion, relinking }: LinkedUser,
  attempt: Attempt,
): Promise<Authenticated> {
  const { pool, client, provider, claims } = coming;
  learn(attempt, { user });
  assertMaySignIn(user);
  await preAuthentication(ctx, {
    ...{ pool, client, user, submitted: coming.username },
    validationData: undefined,
  });
  const mapped = mapClaims(provider, claims);
  const refreshed = await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      assertMaySignIn(fresh);
      const attributes = refreshedAttributes(pool, client, fresh.attributes, mapped);
      return { attributes: relinking ? relinkedAttributes(provider, attributes, relinking) : attributes };
    },
    {
      operation: "FederatedSignIn",
      details: { provider: provider.name },
      isEvent: relinking !== undefined,
      ...(relinking !== undefined && { also: (tx) => storeRelinking(tx, relinking) }),
    },
  );
  if (refreshed === undefined) return again(ctx, coming, attempt);
  await postAuthentication(ctx, {
    ...{ pool, client, user: refreshed },
    ...{ newDevice: undefined, clientMetadata: undefined },
  });
  const signedIn = { ...refreshed, signOuts: user.signOuts };
  return authenticated(ctx, coming, signedIn, credentialVersion);
}

/** Another sign-in of the same identity has stored its link first. */
async function again(ctx: Ctx, coming: Coming, attempt: Attempt): Promise<Authenticated> {
  const linked = await findLinkedUser(ctx, coming);
  if (linked !== undefined && linked.relinking === undefined) return comeAgain(ctx, coming, linked, attempt);
  return refuseFor("tooMany", { detail: "the links of the user are being changed all the time" });
}

/** Whether a user may sign in at all, by whatever proof. Throws what a sign-in at the pages throws. */
function assertMaySignIn({ enabled, status }: User): void {
  if (!enabled) refuseFor("disabled");
  if (status === "UNCONFIRMED") refuseFor("notConfirmed");
  if (status !== "CONFIRMED" && status !== "EXTERNAL_PROVIDER") refuseFor("resetRequired");
}

/** @param credentialVersion that of the user's password here, 0 if there is none */
async function authenticated(
  ctx: Ctx,
  { pool, client, provider, identity }: Coming,
  user: User,
  credentialVersion: number,
): Promise<Authenticated> {
  return {
    pool,
    client,
    user,
    methods: [federatedMethod(provider.name)],
    twoFactors: false,
    authTime: identity.authenticatedAt ?? ctx.now,
    credentialVersion,
    signOuts: user.signOuts,
    remember: remembering(await knownHere(ctx, user)),
    deviceKey: undefined,
    provider: provider.name,
  };
}
