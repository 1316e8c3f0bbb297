/** What a SAML provider's logout messages lead to: sessions end, or a browser goes on. */
import type { Ctx } from "../../app.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import { SamlFault } from "../saml/xml.ts";
import type { Place } from "./protocol.ts";
import { readLogoutMessage } from "./saml-logout.ts";
import { endSessionsThrough, leftProvider } from "./sessions.ts";

/**
 * Obeys what came to /saml2/logout. Returns where the browser that brought it goes on: to the provider with our answer,
 * or to where it was going when it signed out; undefined for nowhere. Throws invalid_request.
 * @param parameters as they came
 */
export async function answerLogoutMessage(
  ctx: Ctx,
  place: Place,
  parameters: string,
  binding: "redirect" | "post",
): Promise<string | undefined> {
  const message = await readLogoutMessage(ctx, place, parameters, binding).catch((error) => {
    if (!(error instanceof SamlFault)) throw error;
    return refuseOAuth(
      "invalid_request",
      "The logout message of the identity provider is refused.",
      error.message,
    );
  });
  if (message.kind === "response") return leftProvider(ctx, place.pool, message.state);
  const { providers, issuer, name, sessionIndexes, answer } = message;
  const sessions = sessionIndexes.length === 0 ? [undefined] : sessionIndexes;
  for (const provider of providers)
    for (const session of sessions)
      await endSessionsThrough(ctx, provider, { issuer, subject: name.nameId, session });
  return answer(true);
}
