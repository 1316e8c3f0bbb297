/**
 * Loaded before a program that answers HTTP and calls others: it is killed, as by `kill -9`, at the step whose number
 * KILL_AT has. Steps are each request that arrives, each that it sends, and each answer that has come or gone.
 */
import { subscribe } from "node:diagnostics_channel";

const steps = [
  ...["http.server.request.start", "http.server.response.finish"],
  ...["http.client.request.start", "http.client.response.finish"],
  ...["undici:request:create", "undici:request:trailers"],
];
const last = Number(process.env["KILL_AT"] ?? "0");
let count = 0;
for (const name of steps)
  subscribe(name, () => {
    count += 1;
    if (count === last) process.kill(process.pid, "SIGKILL");
  });
