/**
 * The authentication that the CMS has always had: its user table, and the login that the mobile apps know. The functions
 * of the user pool ask it about users whom the pool does not know.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { html, page } from "../html.ts";
import { allUsers, articlesOf, authenticate, type CmsUser, findByName, recordOf } from "../records.ts";
import { setting } from "../settings.ts";

const here = new URL(setting("LEGACY_URL"));

/** Sessions of mobile apps: token -> user. In memory; they end with the process. */
const sessions = new Map<string, number>();

/** Switched off, it answers nothing, as if it were gone. */
let isOff = false;

const bearer = (authorization: string | undefined) => /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1] ?? "";

/** Admits the functions of the pool, which know the secret. */
const functionsOnly: RequestHandler = (request, response, next) => {
  const [given, wanted] = [bearer(request.headers.authorization), setting("LEGACY_SECRET")].map(Buffer.from);
  if (given!.length === wanted!.length && timingSafeEqual(given!, wanted!)) return next();
  response.status(401).json({ error: "unauthorized" });
};

const text = (body: unknown, name: string) => {
  const value = (body as Record<string, unknown> | undefined)?.[name];
  return typeof value === "string" ? value : "";
};

const described = ({ id, username, displayName, email }: CmsUser) => ({
  userid: id,
  username,
  display_name: displayName,
  email,
});

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) =>
  response.sendFile("style.css", { root: `${import.meta.dirname}/..` }),
);
app.use((_request, response, next) => {
  response.set({
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
  });
  next();
});

app.use("/api", (_request, response, next) => {
  if (isOff) response.socket?.destroy();
  else next();
});

app.post("/api/login", express.urlencoded(), (request, response) => {
  const user = authenticate(text(request.body, "username"), text(request.body, "password"));
  if (user === undefined) return void response.status(401).json({ error: "wrong username or password" });
  const session = randomBytes(24).toString("base64url");
  sessions.set(session, user.id);
  response.json({ ...described(user), session });
});

app.get("/api/articles", (request, response) => {
  const user = sessions.get(bearer(request.headers.authorization));
  if (user === undefined) return void response.status(401).json({ error: "unauthorized" });
  response.json({ articles: articlesOf(user) });
});

app.get("/api/users/:username", functionsOnly, (request, response) => {
  const user = findByName(String(request.params["username"]));
  if (user === undefined) return void response.status(404).json({ error: "no such user" });
  response.json(described(user));
});

app.put("/api/pool-users/:sub", functionsOnly, express.json(), (request, response) => {
  const [username, displayName, email] = ["username", "display_name", "email"].map((name) =>
    text(request.body, name),
  );
  const wanted = { username: username!, displayName: displayName!, email: email! };
  const user = recordOf(String(request.params["sub"]), wanted);
  if (user === undefined) return void response.status(409).json({ error: "this name is somebody else's" });
  response.json(described(user));
});

app.get("/", (_request, response) => {
  const users = allUsers().map(
    ({ id, username, displayName }) => html`<li>${id}: <strong>${username}</strong> (${displayName})</li>\n`,
  );
  const body = html`<p>The CMS’ own users, and the login that its mobile apps use.
It is <strong>${isOff ? "switched off" : "running"}</strong>.</p>
<ul>${users}</ul>
<form method="post" action="/switch"><button>${isOff ? "Switch on" : "Switch off"}</button></form>`;
  response.send(page("Legacy service", body));
});

app.post("/switch", (request, response) => {
  if (request.headers.origin !== here.origin) return void response.status(403).end();
  isOff = !isOff;
  response.redirect(303, "/");
});

app.use((_request, response) => void response.status(404).json({ error: "not found" }));

app.use(((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  const isCallers = error.status >= 400 && error.status < 500;
  if (!isCallers) console.error(error);
  response.status(isCallers ? error.status : 500).json({ error: isCallers ? "bad request" : "failed" });
}) satisfies ErrorRequestHandler);
