/** Takes orders on plain Node.js, as the functions do on Lambda: Express, with middleware in place of the authorizer. */
import express, { type ErrorRequestHandler } from "express";
import { authOf, forExpress } from "poolhouse/authorizer";
import { clerks, reports, verifier } from "./access.ts";
import { listOrders, reportOf, takeOrder } from "./orders.ts";
import { setting } from "./settings.ts";

const requireToken = forExpress(verifier);

const app = express();
app.disable("x-powered-by");

app.get("/", (_request, response) => {
  response.json({ requests: ["GET /orders", "POST /orders", "GET /reports/{day}"] });
});

app.get("/orders", requireToken(), (_request, response) => void response.json(listOrders()));

app.post("/orders", requireToken(clerks), express.json({ limit: "10kb" }), (request, response) => {
  const { username, subject } = authOf(request);
  const order = takeOrder(request.body?.text, username ?? subject);
  if (order === undefined) response.status(400).json({ error: "text is missing" });
  else response.status(201).json(order);
});

app.get("/reports/:day", requireToken(reports), (request, response) => {
  response.json(reportOf(String(request.params["day"])));
});

app.use((_request, response) => void response.status(404).json({ error: "not_found" }));

const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) return next(error);
  // Those of the body have their own status.
  const isCallers = error.status >= 400 && error.status < 500;
  if (!isCallers) console.error(error);
  return response
    .status(isCallers ? error.status : 500)
    .json({ error: isCallers ? "invalid_request" : "server_error" });
};
app.use(answerError);

const url = new URL(setting("API_URL"));
const server = app.listen(Number(url.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The API is at ${url.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  server.closeIdleConnections();
});
