/** POST `paths.backchannelLogout`: the provider ends sessions (OpenID Connect Back-Channel Logout 1.0). */
import { TokenError } from "../../verify/token-error.ts";
import type { Called, EndpointMeans } from "../called.ts";

/** The largest body that is read. Bytes. */
const largest = 20_000;

/** 200 if the logout token was good, whether or not anybody was signed in (its section 2.8). */
export async function backchannelLogout(
  { provider, keeper, log }: EndpointMeans,
  { body }: Called,
): Promise<Response> {
  const headers = { "cache-control": "no-store" };
  const token = new URLSearchParams(await body(largest)).get("logout_token");
  try {
    const { issuer, subject, session, forget } = await provider.verifyLogout(token ?? undefined);
    const whose = { issuer, ...(subject && { subject }), ...(session && { sid: session }) };
    const ended = await keeper.endAll(whose).catch((error: unknown) => {
      // The provider may try again with the same token.
      forget();
      throw error;
    });
    // Sessions in cookies are nowhere that anybody could end them.
    if (ended === undefined) return Response.json({ error: "unsupported" }, { status: 501, headers });
    log.info({ event: "backchannel-logout", ended }, "The provider ended sessions.");
    return new Response(null, { status: 200, headers });
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const status = error.status === 503 ? 503 : 400;
    return Response.json({ error: "invalid_request", error_description: error.message }, { status, headers });
  }
}
