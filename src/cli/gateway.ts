/** `poolhouse gateway`: the gateway in front of applications, as a process of its own. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, isIP, type Server as NetServer } from "node:net";
import { parseArgs } from "node:util";
import { readGatewayFile } from "../config/gateway-file.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import { createGatewayServer, type GatewayServer } from "../gateway/serve.ts";
import { createTlsListener, type TlsListener } from "../gateway/tls.ts";
import { certificateFromFile } from "../integrations/tls.ts";
import { toBase64 } from "../lib/bytes.ts";
import type { GatewayRoute, GatewaySettings } from "../lib/gateway-settings.ts";
import { CommandError } from "./command-error.ts";
import { watchIdleMemory } from "./idle-memory.ts";
import { createLog } from "./log.ts";
import { noSuchAction, wrongUsage } from "./usage.ts";

/** How long requests may take that run when the program is told to end. Milliseconds. */
const farewell = 30_000;

export async function gateway(argv: readonly string[]): Promise<void> {
  const [action = ""] = argv;
  if (action === "new-key") return console.log(toBase64(randomBytes(32)));
  if (action === "check") return check(argv.slice(1));
  if (action !== "" && !action.startsWith("-")) throw noSuchAction("gateway", action);
  return serve(argv);
}

interface Read {
  readonly settings: GatewaySettings;
  readonly warnings: readonly string[];
}

function fileOf(argv: readonly string[], actions: readonly string[]): Read {
  const wrong = wrongUsage("gateway", actions);
  let config: string | undefined;
  try {
    config = parseArgs({ args: [...argv], options: { config: { type: "string" } } }).values.config;
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (config === undefined) throw wrong("--config is missing.");
  const warnings: string[] = [];
  return { settings: readGatewayFile(config, { warn: (text) => warnings.push(text) }), warnings };
}

async function check(argv: readonly string[]): Promise<void> {
  const { settings, warnings } = fileOf(argv, ["check"]);
  const { tls } = settings.listen;
  if (tls !== undefined) certificateFromFile(tls.file);
  const { checkGateway } = await import("./gateway-check.ts");
  await checkGateway(settings, warnings);
}

async function serve(argv: readonly string[]): Promise<void> {
  const { settings, warnings } = fileOf(argv, []);
  const { host, port, tls } = settings.listen;
  const log = createLog(settings.logLevel);
  for (const text of warnings) log.warn({ event: "setting" }, text);
  const certificate = tls && certificateFromFile(tls.file);
  const made = await createGateway(settings, { log });
  const server = createGatewayServer(made, log);
  const secure = certificate && createTlsListener(server, certificate, log);
  const at = isIP(host) === 6 ? `[${host}]` : host;
  const urls: string[] = [];
  try {
    urls.push(`http://${at}:${await listen(server, port, host)}`);
    if (secure !== undefined) urls.push(`https://${at}:${await listen(secure.server, tls!.port, host)}`);
  } catch (error) {
    await made.close();
    throw new CommandError(`The gateway cannot listen: ${(error as Error).message}`, 1);
  }
  made
    .check()
    .catch((error: unknown) => log.warn({ err: error }, "The provider or the database does not answer yet."));
  const stop = onlyOnce(() => end(server, secure, made));
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  watchIdleMemory();
  for (const text of protectedBy(settings)) log.info({ event: "application" }, text);
  console.log(`The gateway of ${settings.publicUrl} listens on ${urls.join(" and ")}`);
}

/** A line for each application: where it is, and who may do what. */
export function protectedBy({ applications }: Pick<GatewaySettings, "applications">): readonly string[] {
  return applications.map(({ hosts, upstream, routes }) => {
    const where = upstream === undefined ? "by the check of another proxy" : `at ${upstream}`;
    return `${hosts.join(", ") || "every host"}, ${where}: ${routes.map(ruleText).join("; ")}`;
  });
}

/** Such as `GET /admin/** for groups admins`. */
function ruleText({ path, methods, access, by, groups, scopes, claims }: GatewayRoute): string {
  const to = methods === undefined ? path : `${methods.join(" ")} ${path}`;
  if (access === "public") return `${to} for everybody`;
  const asked = Object.entries({ groups, scopes, claims: Object.keys(claims) }).filter(
    ([, of]) => of.length > 0,
  );
  const whom = asked.map(([what, of]) => `${what} ${of.join(" ")}`).join(", ") || "all who are signed in";
  const how = { session: "", bearer: " by bearer token", either: " by session or bearer token" };
  return `${to} for ${whom}${how[by]}`;
}

/** Returns the port, which may be any free one. */
async function listen(server: NetServer, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function end(server: GatewayServer, secure: TlsListener | undefined, made: Gateway): Promise<void> {
  await Promise.all([server.end(farewell), secure?.end(farewell)]);
  await made.close();
  process.exit(0);
}

function onlyOnce(work: () => Promise<void>): () => void {
  let begun = false;
  return () => {
    if (begun) return;
    begun = true;
    void work();
  };
}
