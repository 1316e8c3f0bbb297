/** Answers unexpected errors; the log has the details. */
import type { ErrorRequestHandler, Request, Response } from "express";
import { isForApi } from "./browsers.ts";
import { problem } from "./pages.ts";
import { type User, userIn } from "./tokens.ts";

/** Thrown where somebody must be signed in. */
export class SignedOut extends Error {
  readonly status = 401;
}

/** Names, codes and messages of errors that mean that a server could not be reached, or did not answer in time. */
const signsOfAbsence: readonly unknown[] = [
  "fetch failed",
  "TimeoutError",
  "OAUTH_TIMEOUT",
  "InternalOAuthError",
];

const words: Readonly<Record<number, string>> = {
  401: "You were signed out; nothing was changed.",
  413: "That is too much text.",
  500: "Please try again in a moment.",
  503: "The user pool or the API behind this page does not answer. Please try again in a moment.",
};

/** The status of the answer to an error, and what people are told. */
export function troubleOf(error: Error & { readonly code?: string; readonly status?: number }) {
  // What the pool answers to openid-client has a status, too; errors of the body parsers and of tokens have that of our answer.
  const isPools = error.name === "ResponseBodyError";
  const isAway =
    (!isPools && error.status === 503) ||
    [error.message, error.name, error.code].some((sign) => signsOfAbsence.includes(sign));
  const isCallers = !isPools && error.status !== undefined && error.status >= 400 && error.status < 500;
  const status = isAway || (isPools && error.status === 429) ? 503 : isCallers ? error.status! : 500;
  if (status >= 500) console.error(error);
  return { status, message: words[status] ?? "This request cannot be understood." };
}

/** Whom a page shows as signed in: also somebody whose token has expired, and cannot be replaced at present. */
export function userShown({ session, user }: Request, response: Response): User | undefined {
  const named = session?.tokens && userIn(session.tokens.access);
  return response.locals["user"] ?? user ?? named;
}

export const answerError: ErrorRequestHandler = (error, request, response, next) => {
  if (response.headersSent) return next(error);
  const { status, message } = troubleOf(error);
  response.status(status);
  if (isForApi(request)) response.json({ error: status >= 500 ? "unavailable" : "invalid_request" });
  else response.send(problem("That did not work", message, userShown(request, response)));
};
