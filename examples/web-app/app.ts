/** A notice board: pages for browsers and a JSON API for programs, for the same users with the same rights. */
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { allowed, api, may, page } from "./access.ts";
import { answerError, troubleOf, userShown } from "./answer-error.ts";
import { headers, ownPagesOnly, sessions } from "./browsers.ts";
import { claimsOf } from "./claims.ts";
import {
  type Notice,
  noticesPage,
  problem,
  repairsPage,
  tokensPage,
  unpostedPage,
  welcome,
} from "./pages.ts";
import { appUrl, patience } from "./settings.ts";
import { poolOrigin, signInRoutes, userOfSession } from "./sign-in.ts";

// The API of examples/api-login, if it is there: another program, which takes the user's own access token.
const repairsUrl = process.env["API_URL"] && new URL("/repairs", process.env["API_URL"]);
const morePages = { "Your tokens": "/tokens", ...(repairsUrl && { Repairs: "/repairs" }) };

const notices: Notice[] = [{ text: "The elevator will be repaired on Tuesday.", by: "building management" }];

/** The text of a notice; undefined if it is not a valid one. */
function textOf(body: unknown): string | undefined {
  const { text } = (body ?? {}) as Record<string, unknown>;
  if (typeof text !== "string") return undefined;
  // Forms send two characters for a line break, which their fields count as one.
  const notice = text.replace(/\r\n?/g, "\n").trim();
  return notice !== "" && notice.length <= 280 ? notice : undefined;
}

/** A notice that could not be posted comes back with the reason. */
const keepText: ErrorRequestHandler = (error, request, response, next) => {
  const text: unknown = request.body?.text;
  if (typeof text !== "string") return next(error);
  const { status, message } = troubleOf(error);
  response.status(status).send(unpostedPage({ text, refusal: message }, userShown(request, response)));
};

export const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) => response.sendFile("style.css", { root: import.meta.dirname }));
app.use(headers(poolOrigin), sessions("notices", appUrl), ownPagesOnly(appUrl));
app.use(signInRoutes);

app.get("/", async (request, response) => {
  if ((await userOfSession(request)) !== undefined) return response.redirect("/notices");
  response.send(welcome());
});

app.get("/notices", page("read"), (_request, response) => {
  const user = allowed(response);
  response.send(noticesPage(notices, user, may(user, "write") ? { text: "" } : undefined, morePages));
});

const postNotice: RequestHandler = (request, response) => {
  const user = allowed(response);
  const text = textOf(request.body);
  if (text === undefined) {
    const written: unknown = request.body?.text;
    const refused = {
      text: typeof written === "string" ? written : "",
      refusal: "Not posted: a notice must have between 1 and 280 characters.",
    };
    response.status(400).send(noticesPage(notices, user, refused, morePages));
    return;
  }
  notices.push({ text, by: user.name });
  response.redirect(303, "/notices");
};
app.post("/notices", express.urlencoded(), page("write"), postNotice, keepText);

app.get("/tokens", page("any"), (request, response) => {
  const { access, id } = request.session.tokens!;
  response.send(tokensPage(claimsOf(access), claimsOf(id), allowed(response)));
});

app.get("/repairs", page("read"), async (request, response, next) => {
  if (!repairsUrl) return next();
  const headers = { authorization: `Bearer ${request.session.tokens!.access}` };
  const answer = await fetch(repairsUrl, { headers, signal: AbortSignal.timeout(patience) });
  if (!answer.ok) throw new Error(`The repairs API answers ${answer.status}.`);
  const { repairs } = (await answer.json()) as { repairs: Notice[] };
  response.send(repairsPage(repairs, allowed(response)));
});

app.get("/api/notices", api("read"), (_request, response) => {
  response.json({ notices });
});

const jsonOnly: RequestHandler = (request, response, next) => {
  if (request.is("application/json") !== false) return next();
  response.status(415).json({ error: "unsupported_media_type" });
};

app.post("/api/notices", api("write"), jsonOnly, express.json(), (request, response) => {
  const text = textOf(request.body);
  if (text === undefined) {
    response.status(400).json({ error: "text must have between 1 and 280 characters" });
    return;
  }
  const notice = { text, by: allowed(response).name };
  notices.push(notice);
  response.status(201).json(notice);
});

app.use("/api", (_request, response) => {
  response.status(404).json({ error: "not_found" });
});

app.use(async (request, response) => {
  response.status(404).send(problem("Not found", "There is no such page.", await userOfSession(request)));
});

app.use(answerError);
