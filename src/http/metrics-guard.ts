/** Who may read /metrics. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { App } from "../app.ts";
import { servesThisMachine } from "../config/config.ts";
import { equalText } from "../lib/bytes.ts";
import { answerJson } from "./answer-json.ts";
import { createHostCheck, isForwarded } from "./hosts.ts";

/** Whether a request may read the metrics; if not, it is answered here. */
export function metricsGuard({
  config,
}: Pick<App, "config">): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const knowsHost = createHostCheck(config);
  const own = servesThisMachine(config);
  const token = config.metricsToken;
  return ({ headers }, outgoing) => {
    if (token !== undefined) {
      const given = /^bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
      if (given !== undefined && equalText(given, token)) return true;
      const message = "The bearer token of POOLHOUSE_METRICS_TOKEN is needed.";
      answerJson(outgoing, 401, { message }, { "www-authenticate": 'Bearer realm="metrics"' });
      return false;
    }
    if (own && knowsHost(headers.host) && !comesFromElsewhere(Object.keys(headers))) return true;
    answerJson(outgoing, 403, { message: "Set POOLHOUSE_METRICS_TOKEN to read metrics from elsewhere." });
    return false;
  };
}

/** Whether a proxy or a page of another site asks, as the names of the headers tell. */
const comesFromElsewhere = (names: readonly string[]) => isForwarded(names) || names.includes("origin");
