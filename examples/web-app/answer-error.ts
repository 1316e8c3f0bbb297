/** Answers unexpected errors; the log has the details. */
import type { ErrorRequestHandler } from "express";
import { problem } from "./pages.ts";

export const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  // Errors of the body parsers have their own status.
  const status = error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 500) console.error(error);
  response.status(status).send(problem("That did not work", "Please try again in a moment."));
};
