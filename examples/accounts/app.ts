/** The API, and the static page that uses it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { accountOf, createAccount, Refusal, type Wanted } from "./accounts.ts";
import type { Account } from "./records.ts";
import { setting } from "./settings.ts";
import { userNameOf } from "./tokens.ts";

/** What the page needs to know to sign in. */
const pool = {
  UserPoolId: setting("USER_POOL_ID"),
  ClientId: setting("CLIENT_ID"),
  endpoint: new URL(setting("ISSUER")).origin,
  /** Where the messages of a development server are. */
  inbox: process.env["INBOX_URL"],
};
const library = fileURLToPath(
  import.meta.resolve("amazon-cognito-identity-js/dist/amazon-cognito-identity.min.js"),
);

/** Scripts are only ours, and talk only to us and to the pool. */
const policy = `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${pool.endpoint}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'`;

const headers: RequestHandler = (_request, response, next) => {
  response.set({
    "cache-control": "no-store",
    "content-security-policy": policy,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  next();
};

export const app = express();
app.disable("x-powered-by");
app.use(headers);
app.use(express.static(join(import.meta.dirname, "public"), { cacheControl: false }));
app.get("/amazon-cognito-identity.js", (_request, response) =>
  response.sendFile(library, { cacheControl: false }),
);
app.get("/pool.json", (_request, response) => {
  response.json(pool);
});

const jsonOnly: RequestHandler = (request, _response, next) => {
  if (request.is("application/json") === false)
    throw new Refusal(415, "The request must be JSON, with the content-type application/json.");
  next();
};

app.post("/accounts", jsonOnly, express.json({ limit: "10kb" }), async (request, response) => {
  response.status(201).json(shown(await createAccount(wantedBy(request.body))));
});

app.get("/me", async (request, response) => {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const name = token === undefined ? undefined : await userNameOf(token);
  if (name === undefined) {
    response.set("www-authenticate", token === undefined ? "Bearer" : 'Bearer error="invalid_token"');
    throw new Refusal(401, "Please sign in.");
  }
  const account = await accountOf(name);
  if (account === undefined) throw new Refusal(404, "You have no account here.");
  response.json(shown(account));
});

app.use(() => {
  throw new Refusal(404, "There is nothing here.");
});

app.use(((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  // Errors of express have their own status.
  const isCallers = error.status >= 400 && error.status < 500;
  if (!isCallers) console.error(error);
  const message = error instanceof Refusal ? error.message : "This request cannot be understood.";
  const answer = isCallers ? message : "Something went wrong. Please try again.";
  response.status(isCallers ? error.status : 503).json({ message: answer });
}) satisfies ErrorRequestHandler);

const shown = ({ id, name, email, createdAt }: Account) => ({ id, name, email, createdAt });

/** Control characters and halves of characters have no place in a line of text. */
const isLine = (text: string) => !/[\p{Cc}\p{Cs}]/u.test(text);

/** The pool decides about the password. */
function wantedBy(body: unknown): Wanted {
  const { name, email, password } = (body ?? {}) as Record<string, unknown>;
  if (typeof name !== "string" || name.trim() === "" || name.length > 100 || !isLine(name))
    throw new Refusal(400, "Please enter a name of at most 100 characters, on one line.");
  const isAddress = typeof email === "string" && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) && isLine(email);
  if (!isAddress || email.length > 254) throw new Refusal(400, "Please enter an email address.");
  if (typeof password !== "string" || password === "") throw new Refusal(400, "Please enter a password.");
  return { name: name.trim(), email: email.toLowerCase(), password };
}
