/** Browser sessions at the pools' pages, as the rooms open and close them: the rows and the cookies. */
import type { Context } from "hono";
import type { Ctx } from "../app.ts";
import { leaveProvider } from "../domain/federation/sessions.ts";
import {
  browserHashOf,
  closeBrowserSession,
  type OpenedBrowser,
  openBrowserSession,
  type SignedInBrowser,
} from "../domain/grants/browser-session.ts";
import type { Authenticated } from "../domain/tokens/issue.ts";
import { sessionCookie, setSessionCookie } from "./cookies.ts";
import type { Place } from "./place.ts";

/**
 * Signs a user in in this browser, in place of whoever was.
 * @param also further store calls of the transaction that stores the session
 */
export async function openSession(
  ctx: Ctx,
  c: Context,
  place: Place,
  authenticated: Authenticated,
  also?: Parameters<typeof openBrowserSession>[3],
): Promise<OpenedBrowser> {
  const opened = await openBrowserSession(ctx, authenticated, sessionCookie(c, place), also);
  setSessionCookie(c, place, opened.cookie, opened.lifetime / 1000);
  return opened;
}

/**
 * Signs the user out in this browser.
 * @returns where to go: `destination`, maybe by way of the identity provider
 */
export async function closeSession(
  ctx: Ctx,
  c: Context,
  place: Place,
  { browser, destination }: { readonly browser: SignedInBrowser | undefined; readonly destination: string },
): Promise<string> {
  const cookie = sessionCookie(c, place);
  const location = await leaveProvider(
    ctx,
    place,
    { hash: browserHashOf(cookie), signedIn: browser },
    destination,
  );
  await closeBrowserSession(ctx, place.pool, cookie);
  setSessionCookie(c, place, "", 0);
  return location;
}
