/** examples/legacy-cms as its user runs it, and the network between the pool's functions and the legacy service. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { parse, stringify } from "yaml";
import { compileCache } from "../kit/compile-cache.ts";
import type { DatabaseName, Fresh } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { type Started, startWithFunctions } from "./with-functions.ts";

export const programs = join(import.meta.dirname, "..", "..", "examples", "legacy-cms");
const run = promisify(execFile);

/** What a request to the legacy service meets: it answers itself, or has somebody else answer; undefined: nothing. */
export type Plan = (incoming: { readonly url: string; readonly form: URLSearchParams }) => Harm | undefined;

/** `cut`: nobody is there. `hang`: no answer ever comes. Otherwise the answer in place of the service's. */
export type Harm = "cut" | "hang" | { readonly status: number; readonly body: string };

export interface Relay {
  readonly url: string;
  /** The paths that were asked for, in order. */
  readonly asked: string[];
  plan: Plan;
  /** Holds requests up until so many are there; then all go on. */
  gather(count: number): void;
}

export interface Example extends Started {
  readonly relay: Relay;
  readonly UserPoolId: string;
  /** The client of programs. */
  readonly ClientId: string;
  /** The old password of everybody in the CMS. */
  readonly password: string;
  /** The legacy service's process. */
  readonly legacy: ChildProcess;
  readonly legacyUrl: string;
}

/** Sets it up at a server, and starts this server again with the functions of its pool. */
export async function startExample(database: DatabaseName, fresh: Fresh): Promise<Example> {
  const legacyUrl = `http://localhost:${await freePort()}/`;
  const { relay, close: closeRelay } = await startRelay(legacyUrl);
  const urls = { LEGACY_URL: relay.url, CMS_URL: `http://localhost:${await freePort()}/` };
  const started = await startWithFunctions(database, fresh, { programs, urls, change: addHasty });
  const { folder, settings, said } = started;
  const legacy = await startProgram(folder, "legacy/server.ts", { LEGACY_URL: legacyUrl });
  return {
    ...started,
    ...{ relay, legacy, legacyUrl },
    UserPoolId: settings["USER_POOL_ID"]!,
    ClientId: settings["PROGRAMS_CLIENT_ID"]!,
    password: /password: (\S+)/.exec(said)![1]!,
    close: async () => {
      legacy.kill();
      await started.close();
      closeRelay();
    },
  };
}

/** The function `migrate-hasty`, which is migrate-user without patience. */
function addHasty(config: string): void {
  const { functions } = parse(readFileSync(config, "utf8")) as { functions: Record<string, object> };
  const hasty = { ...functions["migrate-user"], timeout: 1, attempts: 1 };
  writeFileSync(config, stringify({ functions: { ...functions, "migrate-hasty": hasty } }));
}

/** Starts a program of the example, and waits until it says where it is. What .env says gives way to `change`. */
export async function startProgram(
  folder: string,
  name: string,
  change: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--env-file=.env", join(programs, name)], {
    cwd: folder,
    env: { ...compileCache, PATH: process.env["PATH"], ...change },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (/ is at http/.test(said)) return child;
  }
  throw new Error(`${name} did not start: ${said}`);
}

/** Adds users to the CMS, as it has always added them. */
export async function addLegacyUsers({ folder, password }: Example, names: readonly string[]): Promise<void> {
  const script = `const { addUser } = await import(${JSON.stringify(join(programs, "records.ts"))});
for (const username of ${JSON.stringify(names)})
  addUser({ username, displayName: "The " + username, email: username + "@mail.example" }, ${JSON.stringify(password)});`;
  await run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder });
}

/** A network that passes every request on to the legacy service, unless there is a plan for it. */
async function startRelay(target: string): Promise<{ relay: Relay; close: () => void }> {
  let gathered: { count: number; readonly waiting: (() => void)[] } | undefined;
  const gate = () =>
    new Promise<void>((go) => {
      if (gathered === undefined) return go();
      gathered.waiting.push(go);
      if (gathered.waiting.length < gathered.count) return;
      for (const one of gathered.waiting) one();
      gathered = undefined;
    });
  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    relay.asked.push(incoming.url!);
    await gate();
    const harm = relay.plan({ url: incoming.url!, form: new URLSearchParams(body.toString()) });
    if (harm === "cut") return void outgoing.destroy();
    if (harm === "hang") return;
    if (harm !== undefined) return void outgoing.writeHead(harm.status).end(harm.body);
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url!, target), { method: method!, headers });
    onward.end(body);
    const [answer] = (await once(onward, "response")) as [IncomingMessage];
    outgoing.writeHead(answer.statusCode!, answer.headers).end(await buffer(answer));
  }
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const relay: Relay = {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    asked: [],
    plan: () => undefined,
    gather: (count) => {
      gathered = { count, waiting: [] };
    },
  };
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { relay, close };
}
