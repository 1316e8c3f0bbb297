/**
 * The CMS, behind the gateway: people read, write, and edit what others have written. Of passwords, codes and the pool's
 * tokens it knows nothing; signing in and out are two links.
 */
import express, { type ErrorRequestHandler, type RequestHandler, type Response } from "express";
import { html, page } from "../../legacy-cms/html.ts";
import { addArticle, allArticles, articlesOf, findUser, removeArticle } from "../../legacy-cms/records.ts";
import { setting } from "../../legacy-cms/settings.ts";
import { cmsUrl, type Visitor, visitorOf } from "./visitor.ts";

/** Nothing is cached, so that the back button shows nothing after signing out. */
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

/** Changes are authorized by a cookie, so they must come from our own pages: other hosts of the domain are other sites. */
const ownPagesOnly: RequestHandler = (request, response, next) => {
  if (request.method === "GET" || request.method === "HEAD" || request.headers.origin === cmsUrl.origin)
    return next();
  response.status(403).send(message("Not from here", "This form was sent by another website."));
};

const message = (title: string, said: string) =>
  page(title, html`<p>${said}</p><p><a href="/">Back to the start page</a></p>`);

interface Locals {
  readonly visitor: Visitor | undefined;
}

const visitorIn = ({ locals }: Response) => (locals as Locals).visitor;

const identified: RequestHandler = async (request, response, next) => {
  response.locals["visitor"] = await visitorOf(request);
  next();
};

/** The gateway lets nobody else through; whoever came without it is told so. */
const signedInOnly: RequestHandler = (_request, response, next) => {
  if (visitorIn(response) !== undefined) return next();
  response.status(401).send(message("Not signed in", "The gateway does not know who you are."));
};

/** As the gateway's rule for /editors/** has it. */
const editorsOnly: RequestHandler = (_request, response, next) => {
  if (visitorIn(response)?.isEditor === true) return next();
  response.status(403).send(message("For editors", "You are not one of the editors."));
};

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) =>
  response.sendFile("style.css", { root: `${import.meta.dirname}/../../legacy-cms` }),
);
app.use(headers, ownPagesOnly, identified);

/** What every page ends with: who is signed in, and the way in or out. The gateway answers below /auth on every host. */
const foot = (visitor: Visitor | undefined) =>
  visitor === undefined
    ? html`<p><a class="button" href="/auth/signin?rd=/articles">Sign in or sign up</a></p>`
    : html`<p>You are signed in as <strong>${visitor.username}</strong>.</p>
<p><a href="/articles">Your articles</a>${visitor.isEditor ? html`, <a href="/editors">all articles</a>` : []},
<a href="${setting("SHOP_URL")}">the shop</a></p>
<p><a href="/auth/signout?rd=/">Sign out</a>, or <a href="/auth/signout?everywhere=true&amp;rd=/">sign out everywhere</a></p>`;

app.get("/", (_request, response) => {
  const articles = allArticles().map(
    ({ title, displayName }) => html`<li>${title}<br><small>${displayName}</small></li>\n`,
  );
  response.send(page("The CMS", html`<ul>${articles}</ul>${foot(visitorIn(response))}`));
});

/** The record that the visitor has here. Undefined, and answered, if there is none. */
function userFor(response: Response) {
  const visitor = visitorIn(response)!;
  const user = visitor.legacyId === undefined ? undefined : findUser(visitor.legacyId);
  if (user === undefined)
    response
      .status(403)
      .send(page("No record", html`<p>You have no record in this CMS.</p>${foot(visitor)}`));
  return user;
}

app.get("/articles", signedInOnly, (_request, response) => {
  const user = userFor(response);
  if (user === undefined) return;
  const articles = articlesOf(user.id).map(({ title }) => html`<li>${title}</li>\n`);
  const body = html`<p>Your record in the CMS has the number ${user.id}.</p>
${articles.length === 0 ? html`<p>You have not written anything yet.</p>` : html`<ul>${articles}</ul>`}
<form method="post" action="/articles">
<label>Title<input name="title" required maxlength="200" autocomplete="off"></label>
<button>Add</button>
</form>
${foot(visitorIn(response))}`;
  response.send(page(`Articles of ${user.displayName}`, body));
});

app.post("/articles", signedInOnly, express.urlencoded(), (request, response) => {
  const user = userFor(response);
  if (user === undefined) return;
  const title = String(request.body?.["title"] ?? "").trim();
  if (title === "" || title.length > 200)
    return void response.status(400).send(message("Not added", "A title has between 1 and 200 characters."));
  addArticle(user.id, title);
  response.redirect(303, "/articles");
});

app.get("/editors", editorsOnly, (_request, response) => {
  const articles = allArticles().map(
    ({ id, title, displayName }) => html`<li>${title}<br><small>${displayName}</small>
<form method="post" action="/editors/remove"><button name="id" value="${id}" aria-label="Remove ${title}">Remove</button></form></li>\n`,
  );
  response.send(page("All articles", html`<ul>${articles}</ul>${foot(visitorIn(response))}`));
});

app.post("/editors/remove", editorsOnly, express.urlencoded(), (request, response) => {
  removeArticle(Number(request.body?.["id"]));
  response.redirect(303, "/editors");
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
