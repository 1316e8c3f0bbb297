/** The routes of the People API. */
import express, { type Request, type RequestHandler } from "express";
import type { Knex } from "knex";
import { mayRead, mayWrite } from "./access.ts";
import { answers, inTime } from "./database.ts";
import { personOf } from "./person.ts";
import { answerProblem, notFound, notJson, Problem } from "./problems.ts";
import { openStore } from "./store.ts";

export function newApp(database: Knex): express.Express {
  const store = openStore(database);
  const app = express();
  app.disable("x-powered-by");
  app.use((_request, response, next) => {
    response.set("cache-control", "no-store");
    next();
  });

  app.get("/healthz", async (_request, response) => {
    if (!(await answers(database))) throw new Problem(503, "The database cannot be reached.");
    response.json({ status: "ok" });
  });

  app.use("/people", mayRead);

  app.get("/people", async ({ query }, response) => {
    const { search = "" } = query;
    if (typeof search !== "string" || search.length > 200 || search.includes("\0"))
      throw new Problem(400, "search must be text of at most 200 characters.");
    const page = numberOf("page", query["page"] ?? "1", 1_000_000);
    const limit = numberOf("limit", query["limit"] ?? "20", 100);
    const { people, total } = await inTime(store.list({ search, page, limit }));
    response.json({ people, total, page, pages: Math.max(1, Math.ceil(total / limit)) });
  });

  app.get("/people/:id", async (request, response) => {
    response.json((await inTime(store.find(idOf(request)))) ?? nobody());
  });

  app.post("/people", mayWrite, jsonOnly, body, async (request, response) => {
    const id = await inTime(store.add(personOf(request.body)));
    response.status(201).location(`/people/${id}`).json({ id });
  });

  app.put("/people/:id", mayWrite, jsonOnly, body, async (request, response) => {
    if (!(await inTime(store.change(idOf(request), personOf(request.body))))) nobody();
    response.status(204).end();
  });

  app.delete("/people/:id", mayWrite, async (request, response) => {
    if (!(await inTime(store.remove(idOf(request))))) nobody();
    response.status(204).end();
  });

  app.use(notFound, answerProblem(database));
  return app;
}

const body = express.json({ limit: "10kb" });

const jsonOnly: RequestHandler = (request, _response, next) => {
  if (request.is("application/json") === false) throw notJson();
  next();
};

function nobody(): never {
  throw new Problem(404, "This person does not exist.");
}

/** The id in a path: what cannot be one is nobody's. */
const idOf = ({ params }: Request): number =>
  /^[1-9]\d{0,8}$/.test(String(params["id"])) ? Number(params["id"]) : nobody();

function numberOf(name: string, value: unknown, most: number): number {
  const number = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > most) throw new Problem(400, `${name} must be a number from 1 to ${most}.`);
  return number;
}
