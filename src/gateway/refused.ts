/** How a refusal is answered: a page for browsers, JSON for programs. */

import type { Decision, RefusedFor } from "./admission.ts";
import { type Asked, wantsPage } from "./asked.ts";
import { page } from "./pages.ts";

/** Reasons that are no decision: the application's own. */
type Failed = "application-away" | "busy" | "not-passed-on";

const words: Readonly<Record<RefusedFor | Failed, readonly [title: string, text: string]>> = {
  "unclear-path": [
    "This address is not valid",
    "The path of the address could be understood in more than one way.",
  ],
  "unknown-host": ["Nothing here", "No application is served at this host."],
  "no-route": ["Not allowed", "Nothing may be asked for at this address."],
  "foreign-origin": ["Not allowed", "A page of another site may not open a connection here."],
  "ambiguous-cookies": [
    "Two cookies of one name",
    "Your browser sent two cookies for the same session, one of which another website has set. Remove the cookies of this site and sign in again.",
  ],
  "signed-out": ["Signed out", "Sign in to go on."],
  "no-token": ["Not allowed", "This needs an access token, sent as a bearer token."],
  token: ["Not allowed", "The token does not count."],
  "provider-away": [
    "Sign-in does not work at the moment",
    "The identity provider does not answer. Nothing is wrong with your account; try again in a few minutes.",
  ],
  group: ["Not allowed", "You are signed in, but in none of the groups that may see this."],
  scope: ["Not allowed", "You are signed in, but this needs a permission that your sign-in does not have."],
  claim: ["Not allowed", "You are signed in, but not as somebody who may see this."],
  "application-away": [
    "This does not work at the moment",
    "The application does not answer. Try again in a few minutes.",
  ],
  busy: ["Too much at the moment", "The application has too many requests. Try again in half a minute."],
  "not-passed-on": ["Nothing here", "Nothing is passed on from this address."],
};

interface Refused extends Partial<Omit<Decision & { readonly kind: "refused" }, "status" | "reason">> {
  readonly status: number;
  readonly reason: RefusedFor | Failed;
}

export function answerRefused(asked: Asked, refused: Refused): Response {
  const { status, reason, challenge, cookies = [] } = refused;
  const headers: (readonly [string, string])[] = cookies.map((cookie) => ["set-cookie", cookie]);
  if (challenge !== undefined) headers.push(["www-authenticate", challenge]);
  if (status === 503) headers.push(["retry-after", "30"]);
  const [title, text] = words[reason];
  if (wantsPage(asked)) return page({ status, title, text }, headers);
  return Response.json(
    { error: reason, message: text },
    {
      status,
      headers: [["cache-control", "no-store"], ...headers.map((one) => [...one] as [string, string])],
    },
  );
}
