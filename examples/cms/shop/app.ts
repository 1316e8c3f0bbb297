/**
 * A second application of the domain, which is not behind the gateway: it gets the cookies of its visitors, as every host of
 * the domain does, and asks the gateway whose they are. Applications in any language can do this.
 */
import express, { type Request, type RequestHandler, type Response } from "express";
import { html, page } from "../../legacy-cms/html.ts";
import { setting } from "../../legacy-cms/settings.ts";

export const shopUrl = new URL(setting("SHOP_URL"));

/** What the gateway's /auth/session says. */
interface Session {
  readonly username: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Asks the gateway; undefined if nobody is signed in. Throws if it does not answer. */
async function sessionOf(request: Request, response: Response): Promise<Session | undefined> {
  const answer = await fetch(new URL("auth/session", setting("GATEWAY_URL")), {
    headers: { cookie: request.headers.cookie ?? "" },
    signal: AbortSignal.timeout(10_000),
  });
  // Where sessions are kept in cookies, they may be renewed.
  for (const cookie of answer.headers.getSetCookie()) response.append("set-cookie", cookie);
  if (answer.status === 401) return undefined;
  if (!answer.ok) throw new Error(`The gateway answers ${answer.status}.`);
  return (await answer.json()) as Session;
}

/** Leads to the gateway's URL that signs in or out, and back here. */
const through = (path: string) => {
  const url = new URL(path, setting("AUTH_URL"));
  url.searchParams.set("rd", shopUrl.href);
  return url.href;
};

const headers: RequestHandler = (_request, response, next) => {
  response.set({
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
  });
  next();
};

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) =>
  response.sendFile("style.css", { root: `${import.meta.dirname}/../../legacy-cms` }),
);
app.use(headers);

app.get("/", async (request, response) => {
  let session: Session | undefined;
  try {
    session = await sessionOf(request, response);
  } catch (error) {
    console.error(error);
    const body = html`<p>We cannot tell who you are at the moment. Please try again soon.</p>`;
    return void response.status(503).send(page("The shop", body));
  }
  if (session === undefined) return response.redirect(through("auth/signin"));
  const { username, claims } = session;
  const body = html`<p>Signed in as <strong>${username}</strong>, customer number ${String(claims["custom:legacy_id"] ?? "none")}.</p>
<ul><li>Mug</li>
<li>Poster</li></ul>
<p><a href="${setting("CMS_URL")}">The CMS</a></p>
<p><a href="${through("auth/signout")}">Sign out</a></p>`;
  response.send(page("The shop", body));
});

app.use(
  (_request, response) =>
    void response.status(404).send(page("Not found", html`<p>There is no such page.</p>`)),
);
