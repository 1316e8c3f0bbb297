/** Answers unexpected errors; the log has the details. */
import type { ErrorRequestHandler } from "express";
import { problem } from "./pages.ts";

/** Names, codes and messages of errors that mean that a server could not be reached, or did not answer in time. */
const signsOfAbsence: readonly unknown[] = [
  "fetch failed",
  "TimeoutError",
  "OAUTH_TIMEOUT",
  "ERR_JWKS_TIMEOUT",
  "InternalOAuthError",
];

export const answerError: ErrorRequestHandler = (error, request, response, next) => {
  if (response.headersSent) return next(error);
  const isAway = [error.message, error.name, error.code].some((sign) => signsOfAbsence.includes(sign));
  // Errors of the body parsers have their own status.
  const status = isAway ? 503 : error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status >= 500) console.error(error);
  if (request.path.startsWith("/api/")) {
    response.status(status).json({ error: status >= 500 ? "unavailable" : "invalid_request" });
    return;
  }
  const what = isAway ? "The user pool or the API behind this page does not answer. " : "";
  response.status(status).send(problem("That did not work", `${what}Please try again in a moment.`));
};
