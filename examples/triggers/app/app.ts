/** The members' pages: whoever enters an address gets a link, and who opens it in the same browser is signed in. */
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from "express";
import session from "express-session";
import { html, page } from "../html.ts";
import { setting } from "../settings.ts";
import { begin, finish, Refusal, revoke, type SignedIn, signUp, type Waiting } from "./pool.ts";

declare module "express-session" {
  interface SessionData {
    /** Only this browser can use the link: the other half of the sign-in is here. */
    waiting: Waiting;
    member: SignedIn;
  }
}

export const appUrl = new URL(setting("APP_URL"));
const isSecure = appUrl.protocol === "https:";

/** The browser only holds a random id. Sessions are in this process's memory, which is enough for an example. */
const sessions = session({
  // Over https, no other host and no plain connection can set it.
  name: isSecure ? "__Host-members" : "members",
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
    // The link has a secret in it.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  next();
};

/** Changes are authorized by a cookie, so they must come from our own pages. */
const ownPagesOnly: RequestHandler = (request, response, next) => {
  // Our pages send no referrer, and with it no origin: the browser says by itself where a form is from.
  const isOurs = request.headers["sec-fetch-site"] === "same-origin";
  if (request.method === "GET" || request.method === "HEAD" || isOurs) return next();
  response.status(403).send(message("Not from here", "This form was sent by another website."));
};

const message = (title: string, said: string) =>
  page(title, html`<p>${said}</p><p><a href="/">Back to the start page</a></p>`);

/** A new session, so that a cookie that somebody planted before does not get access to it. */
const renewed = ({ session }: Request) =>
  new Promise<void>((resolve, reject) => session.regenerate((error) => (error ? reject(error) : resolve())));

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) =>
  response.sendFile("style.css", { root: `${import.meta.dirname}/..` }),
);
app.use(headers, sessions, ownPagesOnly);

app.get("/", (request, response) => {
  const { member } = request.session;
  if (member !== undefined) return void response.send(memberPage(member));
  const body = html`<p>There is no password: we send you a link.</p>
<form method="post" action="/sign-in">
<label>E-mail address<input name="email" type="email" required maxlength="254" autocomplete="email"></label>
<button>Send me a link</button>
</form>`;
  response.send(page("Members", body));
});

const memberPage = ({ email, plan, scope }: SignedIn) =>
  page(
    `Welcome, ${email}`,
    html`<p>Your plan, says the ID token: <strong>${plan}</strong>.</p>
<p>What this application may do for you, says the access token: <strong>${scope}</strong>.</p>
<form method="post" action="/sign-out"><button>Sign out</button></form>`,
  );

app.post("/sign-in", express.urlencoded(), async (request, response) => {
  const email = String(request.body?.["email"] ?? "").trim();
  await signUp(email);
  request.session.waiting = await begin(email);
  const body = html`<p>We have sent a link to ${email}. Open it in this browser.</p>
<p>In this example, all mail arrives in the <a href="${setting("MAIL_URL")}">mailbox</a>.</p>`;
  response.send(page("Look into your mailbox", body));
});

app.get("/link", async (request, response) => {
  const { waiting } = request.session;
  if (waiting === undefined)
    throw new Refusal("Please open the link in the browser in which you asked for it, once.");
  delete request.session.waiting;
  const signedIn = await finish(waiting, String(request.query["secret"] ?? ""));
  await renewed(request);
  request.session.member = signedIn;
  response.redirect(303, "/");
});

app.post("/sign-out", async (request, response) => {
  const { member } = request.session;
  await renewed(request);
  if (member !== undefined) await revoke(member.refreshToken);
  response.redirect(303, "/");
});

app.use(
  (_request, response) => void response.status(404).send(message("Not found", "There is no such page.")),
);

app.use(((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  if (error instanceof Refusal)
    return void response.status(400).send(message("That did not work", error.message));
  const isCallers = error.status >= 400 && error.status < 500;
  if (!isCallers) console.error(error);
  const said = isCallers ? "This request cannot be understood." : "Please try again in a moment.";
  response.status(isCallers ? error.status : 500).send(message("That did not work", said));
}) satisfies ErrorRequestHandler);
