/** How a refusal is answered: a page for browsers, JSON for programs. */

import type { Decision, RefusedFor } from "./admission.ts";
import { type Asked, wantsPage } from "./asked.ts";
import { page } from "./pages.ts";

const words: Readonly<Record<RefusedFor, readonly [title: string, text: string]>> = {
  "unclear-path": [
    "This address is not valid",
    "The path of the address could be understood in more than one way.",
  ],
  "unknown-host": ["Nothing here", "No application is served at this host."],
  "no-route": ["Not allowed", "Nothing may be asked for at this address."],
  "ambiguous-cookies": [
    "Two cookies of one name",
    "Your browser sent two cookies for the same session, one of which another website has set. Remove the cookies of this site and sign in again.",
  ],
  "signed-out": ["Signed out", "Sign in to go on."],
  token: ["Signed out", "The token does not count."],
  "provider-away": [
    "Sign-in does not work at the moment",
    "The identity provider does not answer. Nothing is wrong with your account; try again in a few minutes.",
  ],
  group: ["Not allowed", "You are signed in, but in none of the groups that may see this."],
  scope: ["Not allowed", "You are signed in, but this needs a permission that your sign-in does not have."],
  claim: ["Not allowed", "You are signed in, but not as somebody who may see this."],
};

export function answerRefused(asked: Asked, decision: Decision & { readonly kind: "refused" }): Response {
  const { status, reason, challenge } = decision;
  const headers: (readonly [string, string])[] = [];
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
