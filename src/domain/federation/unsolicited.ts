/** Sign-ins that a SAML provider begins by itself ("SAML session initiation", Amazon Cognito Developer Guide). */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { providerButtons } from "../../store/identity-providers.ts";
import { type AuthorizationRequest, readAuthorizationRequest } from "../grants/authorization-request.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import { admitsOwnUsers, providersOf } from "../user-pools/providers.ts";
import type { Landing } from "./answer.ts";
import { askedProvider } from "./asked.ts";
import type { Provider } from "./provider.ts";
import { admitAddress } from "./start.ts";
import { insertWaiting, newHandle, toClient } from "./waiting.ts";

/** Whether a RelayState holds an authorization request, in place of a state of ours. */
export function isUnsolicited(relayState: string): boolean {
  return new URLSearchParams(relayState).has("client_id");
}

const passedOn = [
  "client_id",
  "redirect_uri",
  "response_type",
  "scope",
  "identity_provider",
  "idp_identifier",
];

/**
 * The query of the authorization request in a RelayState. The spaces of its scopes may be encoded twice. It has no state. Throws
 * invalid_request for U+0000, which is encoded once more than in other requests.
 */
function queryIn(relayState: string): string {
  if (relayState.includes("%00")) refuseOAuth("invalid_request", "The RelayState contains U+0000.");
  const given = new URLSearchParams(relayState);
  const pairs = passedOn.flatMap((name) =>
    given
      .getAll(name)
      .map((value): [string, string] => [name, name === "scope" ? value.replaceAll("+", " ") : value]),
  );
  return new URLSearchParams(pairs).toString();
}

/**
 * Keeps the response of a provider that begins a sign-in, until the browser comes back with the returned handle and cookie. Nothing
 * shows that the user has wanted this sign-in: the provider's settings must allow it (IDPInit), and all providers of
 * the client must be of SAML. Throws invalid_request, RedirectedRefusal and TooManyRequestsException.
 */
export async function keepUnsolicited(
  ctx: Ctx,
  place: Landing,
  parameters: URLSearchParams,
  former: string | undefined,
): Promise<{ readonly handle: string; readonly cookie: string }> {
  const query = queryIn(parameters.get("RelayState") ?? "");
  const request = await readAuthorizationRequest(ctx, place, query);
  try {
    const provider = await beginningProvider(ctx, request);
    await admitAddress(ctx, place.pool.id);
    const handle = newHandle(ctx);
    const cookie = former ?? newHandle(ctx);
    const clientId = request.client.id;
    const answer = new URLSearchParams({ SAMLResponse: parameters.get("SAMLResponse") ?? "" }).toString();
    await insertWaiting(ctx, {
      ...{ provider, clientId, handle, cookie, query, base: place.base },
      ...{ remembered: {}, answer, isUnsolicited: true },
    });
    return { handle, cookie };
  } catch (error) {
    throw error instanceof Refusal ? toClient(error, request) : error;
  }
}

/** The provider that the request names, if it may begin sign-ins to the request's client. */
async function beginningProvider(ctx: Ctx, request: AuthorizationRequest): Promise<Provider> {
  const { pool, client } = request;
  const { provider, isNamed } = await askedProvider(ctx, request);
  if (
    provider === undefined ||
    !isNamed ||
    provider.type !== "SAML" ||
    provider.details["IDPInit"] !== "true"
  )
    return refuseOAuth("invalid_request", "The identity provider may not begin a sign-in by itself.");
  const all = await providerButtons(ctx.db, pool.id, providersOf(client));
  if (admitsOwnUsers(client) || all.some(({ type }) => type !== "SAML"))
    return refuseOAuth("invalid_request", "The client also has users who do not come through SAML.");
  return provider;
}
