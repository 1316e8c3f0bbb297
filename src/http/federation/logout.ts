/** What providers call to end sessions here, and what their administrators read to set them up. */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { type Bindings, type Place, rawQuery } from "../place.ts";
import { redirect } from "../redirect.ts";
import { providerOfQuery, readAnswer } from "./form.ts";

/** /saml2/logout: a provider's LogoutRequest, or its answer to ours (SAML 2.0 Profiles section 4.4). */
export async function samlLogout(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const isPost = c.req.method === "POST";
  const parameters = isPost ? (await readAnswer(c)).toString() : rawQuery(c);
  const { answerLogoutMessage } = await import("../../domain/federation/saml-sign-out.ts");
  const location = await answerLogoutMessage(ctx, place, parameters, isPost ? "post" : "redirect");
  return redirect(c, location ?? `${place.base}/signedout`);
}

/** GET /saml2/metadata: the pool as a SAML service provider; `provider` names the identity provider that it is for. */
export async function samlMetadata(ctx: Ctx, c: Context<Bindings>, place: Place): Promise<Response> {
  const isNamed = new URLSearchParams(rawQuery(c)).has("provider");
  const provider = await providerOfQuery(ctx, c, place);
  if (isNamed && provider?.type !== "SAML")
    return c.json({ error: "invalid_request", error_description: "There is no such SAML provider." }, 404);
  const { serviceProviderMetadata } = await import("../../domain/federation/saml-sp-metadata.ts");
  return c.body(await serviceProviderMetadata(ctx, place, provider), 200, {
    "content-type": "application/samlmetadata+xml; charset=utf-8",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  });
}
