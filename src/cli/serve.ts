/** `poolhouse serve`: runs the server, in this process or in several, until SIGTERM or SIGINT. */
import cluster from "node:cluster";
import { loadConfig } from "../config/config.ts";

/** Starts what is needed: a process that only watches over the workers loads nothing of the server. */
export async function serve(argv: readonly string[]): Promise<void> {
  const config = loadConfig(argv);
  if (config.workers === 1) await (await import("./serve-alone.ts")).serveAlone(config);
  else if (cluster.isPrimary) await (await import("./primary.ts")).runPrimary(config);
  else await (await import("./worker.ts")).runWorker(config);
}
