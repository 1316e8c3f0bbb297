/** Who listens on a port of this machine: a Poolhouse, another program or nobody. */
import { http, https } from "../lib/node-http.ts";

export type Listening = "nobody" | "poolhouse" | "poolhouse, not ready" | "another program";

interface Port {
  readonly scheme: "http" | "https";
  /** The address that the server listens on, which may stand for all. */
  readonly host: string;
  readonly port: number;
}

export async function whoListens(at: Port): Promise<Listening> {
  const alive = await statusAt(at, "/healthz");
  if (alive === "refused") return "nobody";
  if (alive !== "ok") return "another program";
  const ready = await statusAt(at, "/readyz");
  if (ready === "ready") return "poolhouse";
  return ready === "not ready" || ready === "starting" || ready === "stopping"
    ? "poolhouse, not ready"
    : "another program";
}

/** How long a local program may take to answer. Milliseconds. */
const patience = 3_000;

/** The status that a health endpoint reports; `refused` if nobody listens, undefined if it is no such endpoint. */
function statusAt({ scheme, host, port }: Port, path: string): Promise<string | undefined> {
  const anywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const options = {
    host: anywhere[host] ?? host,
    port,
    path,
    timeout: patience,
    agent: false,
    // The certificate is another finding; nothing secret is sent.
    rejectUnauthorized: false,
  };
  return new Promise((resolve) => {
    const asking = (scheme === "https" ? https() : http).request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > 1024) asking.destroy();
      });
      answer.on("error", () => resolve(undefined));
      answer.on("end", () => resolve(statusIn(text)));
    });
    asking.on("timeout", () => asking.destroy());
    asking.on("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "ECONNREFUSED" ? "refused" : undefined),
    );
    asking.end();
  });
}

function statusIn(text: string): string | undefined {
  try {
    const { status } = JSON.parse(text) as { status?: unknown };
    return typeof status === "string" ? status : undefined;
  } catch {
    return undefined;
  }
}
