/** The CMS: its users see their articles and add to them. They sign in at the user pool. */
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from "express";
import session from "express-session";
import { html, page } from "../html.ts";
import { addArticle, articlesOf, findUser } from "../records.ts";
import { setting } from "../settings.ts";
import { cmsUrl, poolOrigin, signedInOnly, signInRoutes } from "./sign-in.ts";

const isSecure = cmsUrl.protocol === "https:";

/** The browser only holds a random id. Sessions are in this process's memory, which is enough for an example. */
const sessions = session({
  // Over https, no other host and no plain connection can set it.
  name: isSecure ? "__Host-cms" : "cms",
  secret: setting("SESSION_SECRET"),
  resave: false,
  saveUninitialized: false,
  proxy: isSecure,
  cookie: { path: "/", httpOnly: true, sameSite: "lax", secure: isSecure },
});

/** Nothing is cached, so that the back button shows nothing after signing out. */
const headers: RequestHandler = (_request, response, next) => {
  response.set({
    "cache-control": "no-store",
    "content-security-policy": `default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${poolOrigin}`,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
  });
  next();
};

/** Changes are authorized by a cookie, so they must come from our own pages. */
const ownPagesOnly: RequestHandler = (request, response, next) => {
  if (request.method === "GET" || request.method === "HEAD" || request.headers.origin === cmsUrl.origin)
    return next();
  response.status(403).send(message("Not from here", "This form was sent by another website."));
};

const message = (title: string, said: string) =>
  page(title, html`<p>${said}</p><p><a href="/">Back to the start page</a></p>`);

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) =>
  response.sendFile("style.css", { root: `${import.meta.dirname}/..` }),
);
app.use(headers, sessions, ownPagesOnly, signInRoutes);

app.get("/", (request, response) => {
  if (request.session.legacyId !== undefined) return response.redirect("/articles");
  const body = html`<p>Sign in with the name and password that you have always had here, or sign up.</p>
<p><a class="button" href="/sign-in">Sign in</a></p>`;
  response.send(page("The CMS", body));
});

/** The record that the pool's user has here. */
function userOf({ session }: Request) {
  const user = findUser(session.legacyId!);
  if (user === undefined) throw new Error(`There is no user ${session.legacyId}.`);
  return user;
}

app.get("/articles", signedInOnly, (request, response) => {
  const { id, displayName } = userOf(request);
  const articles = articlesOf(id).map(({ title }) => html`<li>${title}</li>\n`);
  const body = html`<p>Your record in the CMS has the number ${id}.</p>
${articles.length === 0 ? html`<p>You have not written anything yet.</p>` : html`<ul>${articles}</ul>`}
<form method="post" action="/articles">
<label>Title<input name="title" required maxlength="200" autocomplete="off"></label>
<button>Add</button>
</form>
<form method="post" action="/sign-out"><button>Sign out</button></form>`;
  response.send(page(`Articles of ${displayName}`, body));
});

app.post("/articles", signedInOnly, express.urlencoded(), (request, response) => {
  const title = String(request.body?.["title"] ?? "").trim();
  if (title === "" || title.length > 200)
    return void response.status(400).send(message("Not added", "A title has between 1 and 200 characters."));
  addArticle(userOf(request).id, title);
  response.redirect(303, "/articles");
});

app.use(
  (_request, response) => void response.status(404).send(message("Not found", "There is no such page.")),
);

app.use(((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  const isCallers = error.status >= 400 && error.status < 500;
  if (!isCallers) console.error(error);
  const said = isCallers ? "This request cannot be understood." : "Please try again in a moment.";
  response.status(isCallers ? error.status : 500).send(message("That did not work", said));
}) satisfies ErrorRequestHandler);
