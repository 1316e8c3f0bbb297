/** A provider's answer, which a browser brings: checked against what the sign-in began with, and made a sign-in. */
import type { Ctx } from "../../app.ts";
import { equalText } from "../../lib/bytes.ts";
import { clockSkew } from "../../lib/provider-clocks.ts";
import { Refusal } from "../../lib/refusal.ts";
import { inTransaction } from "../../store/db.ts";
import {
  deleteFederatedSignIn,
  insertFederatedSignIn,
  readFederatedSignIn,
  takeFederatedSignIn,
} from "../../store/federated-sign-ins.ts";
import { type AuthorizationRequest, readAuthorizationRequest } from "../grants/authorization-request.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Authenticated } from "../tokens/issue.ts";
import { finishFederation } from "./finish.ts";
import type { Answered, Place, ProviderIdentity } from "./protocol.ts";
import { protocols } from "./protocols.ts";
import { findClientProvider, type Provider } from "./provider.ts";
import { handleHash, newHandle, type SignInState, toClient, type WaitingSignIn } from "./waiting.ts";

/** A pool's endpoints, and ManagedLoginVersion of the domain that the browser came to. */
export interface Landing extends Place {
  readonly loginVersion?: number | undefined;
}

export interface ProviderSignIn {
  readonly request: AuthorizationRequest;
  readonly authenticated: Authenticated;
  readonly provider: Provider;
  readonly identity: ProviderIdentity;
}

/** What a browser brings: a provider's answer with the state that it was sent with, or the handle of a posted one. */
export interface Brought {
  readonly parameters: URLSearchParams;
  /** The cookie of the browser. */
  readonly cookie: string | undefined;
  /** Whether it came to the endpoint of SAML providers; those of others have their own. */
  readonly saml: boolean;
}

/** The name of the parameter that leads back to a posted answer. */
export const handleParameter = "handle";

/**
 * Keeps an answer that was posted from the provider's site, since browsers send no cookie along with it. The former state is used up.
 * Returns the handle with which the browser comes again. Throws invalid_request if nothing waits for the answer.
 */
export async function keepPosted(
  ctx: Ctx,
  place: Place,
  { parameters, saml }: Omit<Brought, "cookie">,
): Promise<string> {
  const state = parameters.get(saml ? "RelayState" : "state") ?? "";
  const handle = newHandle(ctx);
  const kept = await inTransaction(ctx.db, async (tx) => {
    const row = await takeFederatedSignIn<SignInState>(tx, place.pool.id, handleHash(state));
    if (row === undefined || row.state.answer !== undefined || row.state.base !== place.base) return false;
    const waiting = { ...row.state, answer: parameters.toString() };
    await insertFederatedSignIn<SignInState>(tx, { ...row, hash: handleHash(handle), state: waiting });
    return true;
  });
  return kept ? handle : notWaiting("no such state");
}

/**
 * Finishes a sign-in at a provider. Throws invalid_request as long as it is not certain that this browser began it, so
 * that nobody is sent anywhere, and RedirectedRefusal after that.
 */
export async function answerSignIn(ctx: Ctx, place: Landing, brought: Brought): Promise<ProviderSignIn> {
  const waiting = await takeWaiting(ctx, place, brought);
  // The client, its redirect URIs or its scopes may have changed since.
  const request = await readAuthorizationRequest(ctx, place, waiting.state.query);
  try {
    return await finish(ctx, place, { brought, waiting, request });
  } catch (error) {
    throw error instanceof Refusal ? toClient(error, request) : error;
  }
}

/** The row of the state or handle, provided that this browser began the sign-in; nobody gets it twice. */
async function takeWaiting(
  ctx: Ctx,
  { pool, base }: Landing,
  { parameters, cookie, saml }: Brought,
): Promise<WaitingSignIn> {
  const handle = parameters.get(handleParameter);
  const hash = handleHash(handle ?? parameters.get(saml ? "RelayState" : "state") ?? "");
  const row = await readFederatedSignIn<SignInState>(ctx.db, pool.id, hash);
  if (row === undefined) return notWaiting("no such state, or it was used");
  const { state } = row;
  // A posted answer is only found by its handle, and one that is not posted only by its state.
  if ((state.answer !== undefined) !== (handle !== null)) return notWaiting("state and handle are mixed up");
  if (state.base !== base) return notWaiting("the sign-in began at another host");
  if (cookie === undefined || !equalText(handleHash(cookie), state.browser))
    return notWaiting("another browser began the sign-in");
  const isOurs = await deleteFederatedSignIn(ctx.db, pool.id, hash);
  return isOurs ? row : notWaiting("the state was used at the same moment");
}

function notWaiting(detail: string): never {
  return refuseOAuth("invalid_request", "No sign-in of this browser waits for the answer.", detail);
}

interface Finishing {
  readonly brought: Brought;
  readonly waiting: WaitingSignIn;
  readonly request: AuthorizationRequest;
}

async function finish(
  ctx: Ctx,
  { pool, base }: Landing,
  { brought, waiting, request }: Finishing,
): Promise<ProviderSignIn> {
  const { state, expiresAt } = waiting;
  if (expiresAt <= ctx.now)
    refuseOAuth("invalid_request", "The sign-in at the identity provider took too long.");
  const { client } = request;
  const provider = await findClientProvider(ctx, { pool, client }, waiting.provider);
  if (provider === undefined)
    return refuseOAuth("invalid_request", "The client has no such identity provider any more.");
  // An answer of what the provider was before must not be taken for one of what it is now.
  if (provider.version !== state.version || provider.createdAt !== state.providerSince)
    return refuseOAuth("invalid_request", "The identity provider was changed during the sign-in.");
  if ((provider.type === "SAML") !== brought.saml)
    return refuseOAuth("invalid_request", "The answer came to the endpoint of another protocol.");
  const parameters = state.answer === undefined ? brought.parameters : new URLSearchParams(state.answer);
  const identity = await verify(ctx, { pool, base, provider, parameters }, state);
  assertRecent(identity, request, waiting);
  const authenticated = await finishFederation(ctx, { pool, client, provider }, identity);
  return { request, authenticated, provider, identity };
}

/**
 * The user has authenticated at the provider no longer before this sign-in began than the client allows (`max_age`), if the
 * provider says when. Those that cannot be asked to authenticate users anew may say that it was long ago.
 */
function assertRecent(
  { authenticatedAt }: ProviderIdentity,
  { maxAge }: AuthorizationRequest,
  { provider, createdAt }: WaitingSignIn,
): void {
  if (maxAge === undefined || authenticatedAt === undefined) return;
  if (authenticatedAt + clockSkew < createdAt - maxAge * 1000)
    refuseOAuth(
      "invalid_request",
      `${provider} Error - the user has signed in there longer ago than max_age`,
    );
}

/** Verifies the answer to what the sign-in began with, or a response that the provider sent by itself. */
async function verify(
  ctx: Ctx,
  answered: Omit<Answered, "remembered">,
  { remembered, isUnsolicited }: SignInState,
): Promise<ProviderIdentity> {
  if (isUnsolicited === true) {
    const { verifyUnsolicited } = await import("./saml.ts");
    return verifyUnsolicited(ctx, answered, answered.parameters.get("SAMLResponse") ?? "");
  }
  const protocol = await protocols[answered.provider.type]();
  return protocol.verify(ctx, { ...answered, remembered });
}
