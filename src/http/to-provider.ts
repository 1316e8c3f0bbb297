/** Sends a browser to an identity provider, for the endpoints and pages where a sign-in begins. */
import type { Context } from "hono";
import type { Ctx } from "../app.ts";
import type { Provider } from "../domain/federation/provider.ts";
import { startAtProvider } from "../domain/federation/start.ts";
import type { AuthorizationRequest } from "../domain/grants/authorization-request.ts";
import { federationCookie, setFederationCookie } from "./cookies.ts";
import type { Place } from "./place.ts";

/** The URL at the provider; the browser gets the cookie with which it must return. Throws RedirectedRefusal. */
export async function toProvider(
  ctx: Ctx,
  c: Context,
  place: Place,
  {
    request,
    query,
    provider,
  }: { readonly request: AuthorizationRequest; readonly query: string; readonly provider: Provider },
): Promise<string> {
  const former = federationCookie(c, place);
  const { location, cookie } = await startAtProvider(ctx, place, request, {
    provider,
    query,
    cookie: former,
  });
  setFederationCookie(c, place, cookie);
  return location;
}
