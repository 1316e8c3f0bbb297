/** Starts Poolhouse, sets an example up in it, and starts the example's programs. */
import {
  type ChildProcess,
  execFile,
  type SpawnOptionsWithStdioTuple,
  type StdioNull,
  type StdioPipe,
  spawn,
} from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseEnv, promisify } from "node:util";
import { explainError, OperatorError } from "../../src/lib/operator-error.ts";
import {
  choosePorts,
  type Folder,
  keyFile,
  type Note,
  openFolder,
  readNote,
  requirePorts,
  writeNote,
} from "./places.ts";
import type { Example } from "./table.ts";

const root = join(import.meta.dirname, "..", "..");

export interface Running {
  /** The exit code, once everything has ended. */
  readonly ended: Promise<number>;
  /** Ends everything, the last one started first. */
  stop(): void;
}

interface Start {
  readonly name: string;
  readonly example: Example;
  /** The folder to keep the data in. */
  readonly keep: string | undefined;
  /** The first of the ports to use; undefined: those that the example likes. */
  readonly port: number | undefined;
}

const say = (text: string) => console.log(text);

/** Starts an example. It can be stopped while it starts, too. Says why if that fails; `ended` is then 1. */
export function startExample(start: Start): Running {
  const { name, keep } = start;
  const folder = openFolder(name, keep);
  const children: Child[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  let stopping = false;
  const stop = async (code: number) => {
    // Asked once more, it does not wait.
    if (stopping) for (const child of children) child.process.kill("SIGKILL");
    if (stopping) return;
    stopping = true;
    for (const child of children.toReversed()) await endChild(child);
    folder.remove();
    end(code);
  };
  const launch = async (child: Child, ready: RegExp) => {
    children.push(child);
    if (stopping) child.process.kill("SIGKILL");
    child.process.once("exit", () => {
      if (stopping || !children.includes(child)) return;
      console.error(`${child.name} has ended; the others are stopped.`);
      void stop(1);
    });
    return until(child, ready);
  };
  const endEarly = async (child: Child) => {
    if (!stopping) children.splice(children.indexOf(child), 1);
    await endChild(child);
  };
  begin(start, folder, { launch, endEarly }).catch(async (error: unknown) => {
    if (stopping) return;
    console.error(explainError(error));
    await stop(1);
  });
  return { ended, stop: () => void stop(0) };
}

interface Processes {
  /** Starts one, and waits until it is ready; returns how it said so. */
  launch(child: Child, ready: RegExp): Promise<string>;
  /** Ends one that is to be started again. */
  endEarly(child: Child): Promise<void>;
}

/** Starts one after another, and says what to open. */
async function begin(start: Start, folder: Folder, { launch, endEarly }: Processes): Promise<void> {
  const { name, example, port } = start;
  const note = folder.isSetUp ? readNote(folder) : undefined;
  if (note !== undefined && note.example !== name)
    throw new OperatorError(`${folder.path} keeps the data of the example ${note.example}.`);
  if (note !== undefined) await requirePorts(note.ports);
  if (note !== undefined && port !== undefined)
    say(`--port ${port} changes nothing: kept data has its ports.`);
  const own = { poolhouse: 4747, ...(example.tls && { https: 4748 }) };
  const ports = note?.ports ?? (await choosePorts({ ...own, ...example.urls }, port, say));
  const { functions } = example;
  const serve = async (config?: string) => {
    const server = poolhouse(folder, ports, config);
    await launch(server, /Poolhouse ready at/);
    return server;
  };
  const server = note === undefined || functions === undefined ? await serve() : undefined;
  const urls = Object.fromEntries(
    Object.keys(example.urls).map((variable) => [variable, `http://localhost:${ports[variable]}/`]),
  );
  const at = endpoint(ports);
  const env: NodeJS.ProcessEnv = {
    ...cleanEnvironment(),
    ...credentials(folder),
    ...urls,
    AWS_ENDPOINT_URL: at,
    ...(example.tls && { NODE_EXTRA_CA_CERTS: authority(folder) }),
    ...example.environment?.({ poolhouse: at, ports }),
  };
  const setups = example.setups ?? [`${name}/setup.ts`];
  const said = note?.said ?? lastingPart(await setUp(setups, folder, env), example);
  if (note !== undefined) say(`\nAs its first start said:\n${said.trim()}`);
  if (note === undefined) await applyRoles(folder);
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...withoutKey } = env;
  const key = await keyOfPrograms(name, folder);
  const programEnv = functions === undefined ? { ...withoutKey, ...key } : withoutKey;
  if (functions !== undefined) {
    // A pool names its functions; what they may do is about the pool: the server has them from its second start on.
    if (server !== undefined) await endEarly(server);
    await setUp([functions], folder, { ...withoutKey, ...key });
    await serve(join(folder.path, "poolhouse.yaml"));
  }
  if (example.gateway) await launch(gateway(folder), /The gateway of \S+ listens/);
  const places: string[] = [];
  for (const program of example.programs)
    places.push(
      await launch(
        { name: program, process: spawnFile(program, folder, programEnv) },
        /.* is at http.*(?=\n)/,
      ),
    );
  if (note === undefined) writeNote(folder, { example: name, ports, said });
  tell(start, { folder, at, open: example.open && env[example.open], places });
}

interface Place {
  readonly folder: Folder;
  /** Where Poolhouse is. */
  readonly at: string;
  /** The URL to open; Poolhouse's own pages otherwise. */
  readonly open: string | undefined;
  /** What its programs have said about where they are. */
  readonly places: readonly string[];
}

/** Says what to open, and how it ends. */
function tell({ name, example, keep }: Start, { folder, at, open, places }: Place): void {
  say("");
  if (example.tls) say(`Let your browser trust ${authority(folder)} (examples/${name}/README.md says how).`);
  for (const place of places) say(place);
  say(`Open ${open ?? `${at}/inbox`}   (Poolhouse: ${at})`);
  if (open !== undefined) say(`Messages to its users are at ${at}/inbox`);
  say(
    keep === undefined
      ? "Ctrl-C ends it and removes its data."
      : `Ctrl-C ends it; its data is in ${folder.path}.`,
  );
}

interface Child {
  readonly name: string;
  readonly process: ChildProcess;
}

const endpoint = ({ poolhouse, https }: Note["ports"]) =>
  https === undefined ? `http://localhost:${poolhouse}` : `https://localhost:${https}`;

/** The certificate of the installation's own authority. */
const authority = (folder: Folder) => join(folder.path, "poolhouse", "secrets", "tls", "ca.pem");

/** The environment without settings of another Poolhouse. */
const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(POOLHOUSE|AWS)_/.test(name)));

function poolhouse(folder: Folder, { poolhouse, https }: Note["ports"], config?: string): Child {
  const flags = ["--demo", "--data", join(folder.path, "poolhouse"), "--port", String(poolhouse)];
  const tls = https === undefined ? [] : ["--tls", "dev", "--https-port", String(https)];
  const file = config === undefined ? [] : ["--config", config];
  const argv = [join(root, "src", "main.ts"), "serve", ...flags, ...tls, ...file];
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  // Functions are this user's own code, in a folder that nobody else may enter.
  const env = { ...cleanEnvironment(), POOLHOUSE_LOG_LEVEL: "warn", POOLHOUSE_FUNCTIONS_USER: user };
  return { name: "Poolhouse", process: spawn(process.execPath, argv, options(folder, env)) };
}

function gateway(folder: Folder): Child {
  const argv = [join(root, "src", "main.ts"), "gateway", "--config", join(folder.path, "gateway.yaml")];
  return {
    name: "The gateway",
    process: spawn(process.execPath, argv, options(folder, cleanEnvironment())),
  };
}

/** Starts a file of an example. The settings in .env, if it has any, take precedence over the environment. */
function spawnFile(file: string, folder: Folder, env: NodeJS.ProcessEnv) {
  const settings = join(folder.path, ".env");
  const own = existsSync(settings) ? parseEnv(readFileSync(settings, "utf8")) : {};
  return spawn(process.execPath, [join(root, "examples", file)], options(folder, { ...env, ...own }));
}

/** In groups of their own, so that Ctrl-C reaches this process alone, which ends them in order. */
const options = (
  folder: Folder,
  env: NodeJS.ProcessEnv,
): SpawnOptionsWithStdioTuple<StdioNull, StdioPipe, StdioNull> => ({
  cwd: folder.path,
  env,
  detached: true,
  stdio: ["ignore", "pipe", "inherit"],
});

/** The administrator's key, which the first start of Poolhouse has made. */
function credentials(folder: Folder): Record<string, string> {
  const file = join(folder.path, "poolhouse", "secrets", "root-access-key.json");
  try {
    const { accessKeyId, secretAccessKey } = JSON.parse(readFileSync(file, "utf8"));
    if (typeof accessKeyId === "string" && typeof secretAccessKey === "string")
      return {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_REGION: "us-east-1",
      };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw new OperatorError(
    `${file} is damaged: ${folder.path} cannot be used. Remove it, or give another folder.`,
  );
}

/** Creates the roles of an example whose setup has written them down; others have none. */
async function applyRoles(folder: Folder): Promise<void> {
  const file = join(folder.path, "roles.json");
  if (existsSync(file)) await command(folder, "roles", "apply", file);
}

/** The key of an example whose setup has written a policy for it, made at the first start; others have none. */
async function keyOfPrograms(example: string, folder: Folder): Promise<Record<string, string>> {
  const policy = join(folder.path, "policy.json");
  const file = join(folder.path, keyFile);
  if (!existsSync(policy)) return {};
  if (!existsSync(file)) {
    const made = await command(folder, "keys", "create", "--name", example, "--policy", policy);
    writeFileSync(file, made, { mode: 0o600 });
  }
  const key = parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
  if (!key["AWS_ACCESS_KEY_ID"] || !key["AWS_SECRET_ACCESS_KEY"])
    throw new OperatorError(`${file} has no access key: remove it to make another.`);
  return key;
}

/** Runs a command of Poolhouse on the data of an example; what it prints. */
async function command(folder: Folder, ...argv: string[]): Promise<string> {
  const options = ["--data", join(folder.path, "poolhouse")];
  const run = [join(root, "src", "main.ts"), ...argv, ...options];
  return (await promisify(execFile)(process.execPath, run, { env: cleanEnvironment() })).stdout;
}

const lastingPart = (said: string, { lasting }: Example) => lasting?.exec(said)?.[0] ?? said;

/** What setups say to those who run them by hand: which files they wrote. The programs here have them already. */
const byHand = /^Wrote /;

/** Runs setups, says what they say as they say it, and returns it. */
async function setUp(files: readonly string[], folder: Folder, env: NodeJS.ProcessEnv): Promise<string> {
  let said = "";
  say("");
  for (const file of files) {
    const child = spawnFile(file, folder, env);
    const closed = once(child, "close");
    for await (const line of createInterface({ input: child.stdout })) {
      if (byHand.test(line)) continue;
      say(line);
      said += `${line}\n`;
    }
    const [code] = await closed;
    if (code !== 0) throw new OperatorError(`examples/${file} failed.`);
  }
  return said;
}

/**
 * Waits until a program has said that it is ready, and returns how it said it; drops its output from then on. Throws if
 * it ends before.
 */
async function until({ name, process: child }: Child, ready: RegExp): Promise<string> {
  let output = "";
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    output += chunk;
    const [said] = ready.exec(output) ?? [];
    if (said === undefined) continue;
    child.stdout!.resume();
    return said;
  }
  throw new OperatorError(`${name} did not start. ${output}`);
}

/** Ends a program, by force if it takes too long. */
async function endChild({ process: child }: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await exited;
  clearTimeout(force);
}
