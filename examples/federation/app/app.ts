/**
 * The club: whoever signs in at the pool's pages sees what the ID token says. It needs to know nothing of identity providers; its
 * links to single ones only save a click.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from "express";
import session from "express-session";
import * as oidc from "openid-client";
import { html, page } from "../html.ts";
import { setting } from "../settings.ts";

interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

interface Member {
  readonly name: string;
  readonly email: string;
  /** Empty if the user belongs to the pool itself. */
  readonly provider: string;
  readonly since: string;
  readonly visits: string;
  readonly username: string;
  readonly refreshToken: string;
}

declare module "express-session" {
  interface SessionData {
    /** Remembered until the browser returns, so that nobody else's answer is taken for ours. */
    pendingSignIns: readonly Pending[];
    clubMember: Member;
  }
}

export const appUrl = new URL(setting("APP_URL"));
const isSecure = appUrl.protocol === "https:";
const issuer = new URL(setting("ISSUER"));
// Plain http is only allowed for a pool on this machine.
const isHere = issuer.protocol === "http:" && issuer.hostname === "localhost";
// In seconds.
const options = { timeout: 20, ...(isHere && { execute: [oidc.allowInsecureRequests] }) };
const pool = await oidc.discovery(issuer, setting("CLIENT_ID"), setting("CLIENT_SECRET"), undefined, options);

const providers = ["Google", "Facebook", "Corporate", "Campus"];

/** The browser only holds a random id. Sessions are in this process's memory, which is enough for an example. */
const sessions = session({
  // Over https, no other host and no plain connection can set it.
  name: isSecure ? "__Host-club" : "club",
  secret: setting("SESSION_SECRET"),
  resave: false,
  saveUninitialized: false,
  proxy: isSecure,
  cookie: { path: "/", httpOnly: true, sameSite: "lax", secure: isSecure },
});

const headers: RequestHandler = (_request, response, next) => {
  response.set({
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
  });
  next();
};

/** Changes are authorized by a cookie, so they must come from our own pages. */
const ownPagesOnly: RequestHandler = (request, response, next) => {
  if (request.method === "GET" || request.method === "HEAD" || request.headers.origin === appUrl.origin)
    return next();
  response.status(403).send(message("This form was sent by another website."));
};

const message = (said: string) =>
  page("That did not work", html`<p>${said}</p><p><a href="/">Back to the start page</a></p>`);

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) =>
  response.sendFile("style.css", { root: `${import.meta.dirname}/..` }),
);
app.use(headers, sessions, ownPagesOnly);

app.get("/", (request, response) => {
  const { clubMember } = request.session;
  if (clubMember !== undefined) return void response.send(memberPage(clubMember));
  const links = providers.map((name) => html`<li><a href="/sign-in?provider=${name}">${name}</a></li>\n`);
  const body = html`<p><a class="button" href="/sign-in">Sign in</a></p>
<p>Or at once with:</p>
<ul>
${links}</ul>`;
  response.send(page("The club", body));
});

const memberPage = ({ name, email, provider, since, visits, username }: Member) =>
  page(
    `Welcome, ${name}`,
    html`<p>You came through <strong>${provider || "the pool itself"}</strong>, with the address ${email}.</p>
<p>In the pool you are ${username}.</p>
${provider === "" ? [] : html`<p>Member since ${since}; this is visit number ${visits}.</p>`}
<form method="post" action="/sign-out"><button>Sign out</button></form>`,
  );

app.get("/sign-in", async (request, response) => {
  const { provider } = request.query;
  const pending = {
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    codeVerifier: oidc.randomPKCECodeVerifier(),
  };
  // A browser may begin several, in several tabs.
  request.session.pendingSignIns = [...(request.session.pendingSignIns ?? []).slice(-4), pending];
  const address = oidc.buildAuthorizationUrl(pool, {
    redirect_uri: new URL("callback", appUrl).href,
    scope: "openid email profile",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
    code_challenge_method: "S256",
    ...(typeof provider === "string" && providers.includes(provider) && { identity_provider: provider }),
  });
  response.redirect(address.href);
});

/** A new session, so that a cookie that somebody planted before does not get access to it. */
const renewed = ({ session }: Request) =>
  new Promise<void>((resolve, reject) => session.regenerate((error) => (error ? reject(error) : resolve())));

app.get("/callback", async (request, response) => {
  const { state } = request.query;
  const pending = request.session.pendingSignIns?.find((one) => one.state === state);
  if (pending === undefined)
    return void response.status(400).send(message("This sign-in was not begun in this browser."));
  request.session.pendingSignIns = request.session.pendingSignIns!.filter((one) => one !== pending);
  try {
    const answer = await oidc.authorizationCodeGrant(pool, new URL(request.originalUrl, appUrl), {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
      idTokenExpected: true,
    });
    await renewed(request);
    request.session.clubMember = memberOf(answer.claims()!, answer.refresh_token!);
  } catch (error) {
    // What the provider or the pool said no to is meant for the user.
    const said = error instanceof oidc.AuthorizationResponseError ? error.error_description : undefined;
    if (said === undefined) console.error(error);
    return void response.status(400).send(message(said ?? "The pool refused it, or does not answer."));
  }
  response.redirect("/");
});

function memberOf(claims: oidc.IDToken, refreshToken: string): Member {
  const [identity] = (claims["identities"] ?? []) as unknown as readonly { readonly providerName: string }[];
  return {
    name: String(claims["name"] ?? claims["cognito:username"]),
    email: String(claims["email"]),
    provider: identity?.providerName ?? "",
    since: String(claims["custom:member_since"] ?? ""),
    visits: String(claims["custom:visits"] ?? ""),
    username: String(claims["cognito:username"]),
    refreshToken,
  };
}

app.post("/sign-out", async (request, response) => {
  const { clubMember } = request.session;
  await renewed(request);
  if (clubMember !== undefined) await oidc.tokenRevocation(pool, clubMember.refreshToken);
  // Cognito's form of it: the parameter is logout_uri, and the URL is one of the client's LogoutURLs.
  const parameters = { client_id: setting("CLIENT_ID"), logout_uri: appUrl.href };
  const { href } = oidc.buildEndSessionUrl(pool, parameters);
  // Not a redirect: the pool may lead on to the identity provider, and `form-action` also limits where a form is redirected to.
  const body = html`<p><a href="${href}">Sign out at the pool, too</a></p>`;
  response.set("refresh", `0;url=${href}`).send(page("You are signed out here", body));
});

app.use((_request, response) => void response.status(404).send(message("There is no such page.")));

app.use(((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  const isCallers = error.status >= 400 && error.status < 500;
  if (!isCallers) console.error(error);
  const said = isCallers ? "This request cannot be understood." : "Please try again in a moment.";
  response.status(isCallers ? error.status : 500).send(message(said));
}) satisfies ErrorRequestHandler);
