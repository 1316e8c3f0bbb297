/** An API with its own sign-in: repairs in a building, for programs and for the web application. */
import express, { type ErrorRequestHandler, type Response } from "express";
import { may } from "./access.ts";
import { setting } from "./settings.ts";
import { type Refusal, refresh, signIn, signOut, type Tokens } from "./sign-in.ts";

/** The members of a body that are texts, all of which must be there; undefined otherwise. */
function texts<Name extends string>(body: unknown, ...names: Name[]): Record<Name, string> | undefined {
  const given = (body ?? {}) as Record<string, unknown>;
  const valid = names.every((name) => typeof given[name] === "string" && given[name] !== "");
  return valid ? (given as Record<Name, string>) : undefined;
}

const statuses: Readonly<Record<Refusal, number>> = { wrong: 401, unfinished: 403, busy: 429 };

/** Tokens are answered as in RFC 6749 section 5.1, and no cache keeps them. */
function answer(response: Response, outcome: Tokens | Refusal): void {
  response.set("cache-control", "no-store");
  if (typeof outcome === "string") response.status(statuses[outcome]).json({ error: outcome });
  else response.json({ ...outcome, token_type: "Bearer" });
}

const missing = (response: Response, ...names: string[]) =>
  void response.status(400).json({ error: "missing", needs: names });

const app = express();
app.disable("x-powered-by");
app.use(
  (request, _response, next) => {
    if (request.is("application/json") === false) throw Object.assign(new Error("no JSON"), { status: 415 });
    next();
  },
  express.json({ limit: "10kb" }),
);

app.post("/login", async (request, response) => {
  const given = texts(request.body, "username", "password");
  if (given === undefined) return missing(response, "username", "password");
  answer(response, await signIn(given.username, given.password));
});

app.post("/refresh", async (request, response) => {
  const given = texts(request.body, "refresh_token");
  if (given === undefined) return missing(response, "refresh_token");
  answer(response, await refresh(given.refresh_token));
});

app.post("/logout", async (request, response) => {
  const given = texts(request.body, "refresh_token");
  if (given === undefined) return missing(response, "refresh_token");
  const refusal = await signOut(given.refresh_token);
  if (refusal === undefined) response.status(204).end();
  else answer(response, refusal);
});

interface Repair {
  readonly text: string;
  readonly by: string;
}

const repairs: Repair[] = [{ text: "The elevator", by: "building management" }];

app.get("/repairs", may("read"), (_request, response) => {
  response.json({ repairs });
});

app.post("/repairs", may("write"), (request, response) => {
  const text = texts(request.body, "text")?.text.trim();
  if (!text || text.length > 280) return missing(response, "text of 1 to 280 characters");
  const repair = { text, by: response.locals["user"] as string };
  repairs.push(repair);
  response.status(201).json(repair);
});

app.use((_request, response) => void response.status(404).json({ error: "not_found" }));

/** Whether the pool could not be reached, or did not answer in time: a call without a status, or keys that did not come. */
const isAway = ({ $metadata, status, message }: { [name in "$metadata" | "status" | "message"]?: unknown }) =>
  ($metadata !== undefined && ($metadata as { httpStatusCode?: number }).httpStatusCode === undefined) ||
  status === 503 ||
  message === "fetch failed";

const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  // Those of the body have their own status.
  const isCallers = error.status >= 400 && error.status < 500;
  const code = error.status === 415 ? "unsupported_media_type" : "invalid_request";
  if (isCallers) return response.status(error.status).json({ error: code });
  console.error(error);
  if (isAway(error)) return response.status(503).json({ error: "unavailable" });
  return response.status(500).json({ error: "server_error" });
};
app.use(answerError);

const url = new URL(setting("API_URL"));
const server = app.listen(Number(url.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The API is at ${url.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
