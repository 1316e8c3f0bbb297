/** People Web: shows what the People API gives its user, and passes on what the user changes. */
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from "express";
import session from "express-session";
import { setting } from "../settings.ts";
import { formPage, listPage, messagePage, problemPage, welcomePage } from "./pages.ts";
import { ApiProblem, callApi, type List, type Person } from "./people.ts";
import { Sessions } from "./sessions.ts";
import { endSession, poolOrigin, signedInOnly, signInRoutes, webUrl } from "./sign-in.ts";

const isSecure = webUrl.protocol === "https:";

/**
 * The browser only holds a random id. Sessions are in this process's memory, which is enough for an example: several
 * processes, or one whose sessions must survive a restart, need a store for express-session.
 */
const sessions = session({
  // Over https, no other host and no plain connection can set it.
  name: isSecure ? "__Host-people" : "people",
  secret: setting("SESSION_SECRET"),
  store: new Sessions(),
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

const changes = ({ method }: Request) => method !== "GET" && method !== "HEAD";

/** Changes are authorized by a cookie, so they must come from our own pages. */
const ownPagesOnly: RequestHandler = (request, response, next) => {
  if (!changes(request) || request.headers.origin === webUrl.origin) return next();
  response.status(403).send(messagePage("Form refused", "This form was sent from another website."));
};

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) => response.sendFile("style.css", { root: import.meta.dirname }));
app.use(headers, sessions, ownPagesOnly, signInRoutes);

app.get("/", (request, response) => {
  if (request.session.signedIn !== undefined) return response.redirect("/people");
  response.send(welcomePage());
});

const userOf = ({ session }: Request) => session.signedIn!.user;
const call = ({ session }: Request, method: string, path: string, body?: object) =>
  callApi(session.signedIn!.accessToken, method, path, body);

/** Adds a person or changes one. */
const save: RequestHandler = async (request, response) => {
  const person = personOf(request.body);
  if (request.params["id"] === undefined) await call(request, "POST", "/people", person);
  else await call(request, "PUT", `/people/${idOf(request)}`, person);
  request.session.said = `${person.name} has been saved.`;
  response.redirect(303, "/people");
};

/** A form that could not be saved comes back as it was sent, with the reason. */
const keepForm: ErrorRequestHandler = async (error, request, response, next) => {
  const problem = await problemOf(error, request);
  // Who may not save, and who is no longer there, cannot be saved by trying again.
  if (problem.status === 403 || problem.status === 404) return next(problem);
  const id = request.params["id"] === undefined ? undefined : idOf(request);
  const user = request.session?.signedIn?.user;
  response.status(problem.status).send(formPage({ id, person: personOf(request.body), problem, user }));
};

app.use("/people", express.urlencoded());
app.post(["/people", "/people/:id"], signedInOnly, save, keepForm);
app.use("/people", signedInOnly);

app.get("/people", async (request, response) => {
  // As much of it as the page's own field takes.
  const text = (name: string) => {
    const value = request.query[name];
    return typeof value === "string" ? value.slice(0, 200) : "";
  };
  const search = text("search");
  const query = new URLSearchParams({ search, page: text("page") || "1" });
  const list = (await call(request, "GET", `/people?${query}`)) as List;
  // Somebody may have deleted those who were on the last page.
  if (list.page > list.pages) {
    query.set("page", String(list.pages));
    return response.redirect(`/people?${query}`);
  }
  const { said = "" } = request.session;
  delete request.session.said;
  response.send(listPage({ list, search, said, user: userOf(request) }));
});

/** For pages that only lead to what the API would refuse. */
const adminsOnly: RequestHandler = (request, _response, next) => {
  if (!userOf(request).isAdmin) throw new ApiProblem(403, "Only users in the group Admin can change people.");
  next();
};

app.get("/people/new", adminsOnly, (request, response) => {
  const person = { name: "", email: "", status: "active", address: null };
  response.send(formPage({ id: undefined, person, user: userOf(request) }));
});

app.get("/people/:id", adminsOnly, async (request, response) => {
  const id = idOf(request);
  const person = (await call(request, "GET", `/people/${id}`)) as Person;
  response.send(formPage({ id, person, user: userOf(request) }));
});

app.post("/people/:id/delete", async (request, response) => {
  const path = `/people/${idOf(request)}`;
  const { name } = (await call(request, "GET", path)) as Person;
  await call(request, "DELETE", path);
  request.session.said = `${name} has been deleted.`;
  response.redirect(303, "/people");
});

/** The id in a path; what is none is nobody's. */
function idOf({ params }: Request): number {
  if (/^\d{1,9}$/.test(String(params["id"]))) return Number(params["id"]);
  throw new ApiProblem(404, "This person does not exist.");
}

/** The person in a form. An address is all of it or nothing. */
function personOf(body: unknown): Person {
  const text = (name: string) => String((body as Record<string, unknown> | undefined)?.[name] ?? "").trim();
  const address = { street: text("street"), postcode: text("postcode"), city: text("city") };
  const hasAddress = Object.values(address).some((part) => part !== "");
  return {
    ...{ name: text("name"), email: text("email"), status: text("status") },
    address: hasAddress ? address : null,
  };
}

app.use(() => {
  throw new ApiProblem(404, "This page does not exist.");
});

/** What the user is told of an error; the log has what happened. */
async function problemOf(
  error: Error & { readonly status?: number; readonly code?: string },
  request: Request,
): Promise<ApiProblem> {
  if (error instanceof ApiProblem) {
    // If the API refuses a token that was fine when we sent it, a new sign-in is what helps.
    if (error.status === 401 && request.session?.signedIn !== undefined) await endSession(request);
    return error;
  }
  // What the pool answers to us has a status, too; errors of the body parser have that of our answer.
  const { status = 500 } = error;
  const isPools = error.name === "ResponseBodyError";
  if (status === 413) return new ApiProblem(413, "That is too much text.");
  if (status < 500 && !isPools) return new ApiProblem(status, "This request cannot be understood.");
  console.error(error);
  const isPoolAway =
    error.message === "fetch failed" || error.code === "OAUTH_TIMEOUT" || (isPools && status === 429);
  if (isPoolAway) return new ApiProblem(503, "The user pool does not answer. Please try again in a moment.");
  return new ApiProblem(500, "Please try again in a moment.");
}

const answerError: ErrorRequestHandler = async (error, request, response, next) => {
  if (response.headersSent) return next(error);
  const problem = await problemOf(error, request);
  if (problem.status === 401 && !changes(request)) return response.redirect(303, "/sign-in");
  response.status(problem.status).send(problemPage(problem, request.session?.signedIn?.user));
};
app.use(answerError);
