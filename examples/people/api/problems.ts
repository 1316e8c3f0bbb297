/** Errors as problem documents (RFC 9457). What went wrong inside is in the log alone. */
import { STATUS_CODES } from "node:http";
import type { ErrorRequestHandler, Request, RequestHandler } from "express";
import type { Knex } from "knex";
import { answers, Late } from "./database.ts";
import { isLocked } from "./node-sqlite.ts";

/** An error that its caller can do something about. */
export class Problem extends Error {
  readonly status: number;
  readonly more: object;
  constructor(status: number, detail: string, more: object = {}) {
    super(detail);
    this.status = status;
    this.more = more;
  }
}

export const notJson = () =>
  new Problem(415, "The body must be JSON in UTF-8, with the content-type application/json.");

export const notFound: RequestHandler = () => {
  throw new Problem(404, "There is nothing here.");
};

export function answerProblem(database: Knex): ErrorRequestHandler {
  return async (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = error instanceof Problem ? error : await problemOf(error, request, database);
    const { status, message: detail, more } = problem;
    response.status(status).type("application/problem+json");
    response.send(JSON.stringify({ title: STATUS_CODES[status], status, detail, ...more }));
  };
}

/**
 * What the log keeps of an error. What databases say of data and of constraints has values in it, which are personal data;
 * HY is MySQL's class for whatever has none.
 */
function logged({ code, sqlState = code, stack = "" }: Error & { code?: string; sqlState?: string }) {
  if (!/^(?:22|23|HY)/.test(sqlState ?? "")) return stack;
  const calls = stack.split("\n").filter((line) => line.startsWith("    at "));
  return [`Error ${code}, SQLSTATE ${sqlState}`, ...calls].join("\n");
}

async function problemOf(
  error: Error & { status?: number },
  { method }: Request,
  database: Knex,
): Promise<Problem> {
  // Errors of the body parser have their own status.
  const { status = 500 } = error;
  if (status === 413) return new Problem(413, "The request is too large.");
  if (status === 415) return notJson();
  if (status >= 400 && status < 500) return new Problem(status, "The request cannot be read.");
  console.error(logged(error));
  const later = "Please try again in a moment.";
  if (isLocked(error)) return new Problem(503, `The database is busy. ${later}`);
  // A connection can be lost after the database has been told to commit, and a late database may still do it.
  const advice = method === "GET" ? later : "The change may have been made: check before you try again.";
  if (error instanceof Late) return new Problem(503, `The database did not answer in time. ${advice}`);
  if (await answers(database)) return new Problem(500, `Something went wrong here. ${advice}`);
  return new Problem(503, `The database cannot be reached. ${advice}`);
}
