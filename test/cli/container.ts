/**
 * Enough of a container engine to follow our Dockerfile where none is installed: images are layers of overlayfs on this
 * machine (which stands for `node:24-slim`, with the Node.js of this process), containers have a process namespace of
 * their own, in which the command is process 1. Needs root. The network is this machine's.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import { whole } from "../kit/whole.ts";

export interface Image {
  readonly layer: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: string;
  readonly command: readonly string[];
  readonly health: readonly string[];
  readonly stopSignal: string;
  readonly volumes: readonly string[];
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly readOnly?: boolean;
  /** A folder that takes the place of the image's volume. */
  readonly volume?: string;
}

/** What of this machine is missing, or undefined. */
export function whyNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return "containers need root";
  try {
    execFileSync("unshare", ["--mount", "--pid", "--fork", "true"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "this machine has no namespaces (unshare)";
  }
}

const scratch = mkdtempSync(join(tmpdir(), "poolhouse-image-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => {
  const folder = join(scratch, String(++folders));
  mkdirSync(folder);
  return folder;
};

const become = (user: string): string[] =>
  user === "root"
    ? []
    : [
        "setpriv",
        `--reuid=${user}`,
        `--regid=${user}`,
        "--init-groups",
        "--no-new-privs",
        "--bounding-set=-all",
      ];

/** Mounts, then becomes the command. */
const inside = `set -e
root=$1 layer=$2 readonly=$3 volume=$4 place=$5; shift 5
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
if [ -n "$volume" ]; then mount --bind "$volume" "$root$place"; fi
if [ -n "$readonly" ]; then mount -o remount,ro "$root"; fi
exec chroot "$root" "$@"`;
const inFolder = 'cd "$0" && exec "$@"';

/** The command line of a container whose first process is `command`. */
function enter(
  stage: Stage | Image,
  command: readonly string[],
  { readOnly = false, volume }: RunOptions = {},
): string[] {
  const place = volume === undefined ? "" : stage.volumes[0]!;
  const mounts = [newFolder(), dirname(stage.layer), readOnly ? "read-only" : "", volume ?? "", place];
  const argv = [...become(stage.user), "sh", "-c", inFolder, stage.workdir, ...command];
  return ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, "sh", ...mounts, ...argv];
}

const environment = (stage: Stage | Image, more: Readonly<Record<string, string>> = {}) => ({
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  ...stage.env,
  ...more,
});

type Stage = { -readonly [Name in keyof Image]: Image[Name] };

/** What the official image has: Node.js in /usr/local/bin, and the user `node`. */
function fromNode(): Stage {
  const folder = newFolder();
  const layer = join(folder, "upper");
  mkdirSync(join(folder, "work"));
  mkdirSync(join(layer, "usr", "local", "bin"), { recursive: true });
  copyFileSync(process.execPath, join(layer, "usr", "local", "bin", "node"));
  const empty = { env: {}, workdir: "/", user: "root", command: [], health: [], volumes: [] };
  const stage: Stage = { ...empty, layer, stopSignal: "SIGTERM" };
  execute(stage, "id node >/dev/null 2>&1 || useradd --user-group --create-home node");
  return stage;
}

function execute(stage: Stage, script: string): void {
  const argv = enter(stage, ["sh", "-c", script]);
  execFileSync("unshare", argv, { env: environment(stage), stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * What `npm ci` installs, from this clone, in a sixth of the processor's time: `npm prune` leaves the same files of either.
 * With `npm run test:whole` npm installs it.
 */
function installFromClone(stage: Stage, context: string): void {
  const [from, to] = [join(context, "node_modules"), join(stage.layer, stage.workdir, "node_modules")];
  mkdirSync(to);
  // Links are the examples, which the image does not have.
  const installed = readdirSync(from, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== ".cache",
  );
  const argv = ["-a", ...installed.map(({ name }) => join(from, name)), to];
  execFileSync("cp", argv, { stdio: ["ignore", "ignore", "inherit"] });
}

function copy(stage: Stage, stages: ReadonlyMap<string, Stage>, context: string, words: string[]): void {
  const from = words[0]?.startsWith("--from=") ? words.shift()!.slice(7) : undefined;
  const target = words.pop()!;
  const folder = join(stage.layer, isAbsolute(target) ? target : join(stage.workdir, target));
  for (const word of words) {
    const source = from === undefined ? join(context, word) : join(stages.get(from)!.layer, word);
    // A folder is copied by its content, a file into the folder.
    const isFolder = target.endsWith("/") && !/\.\w+$/.test(word);
    const to = isFolder ? folder : join(folder, basename(word));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(source, to, { recursive: true, verbatimSymlinks: true });
  }
}

/** Follows a Dockerfile; the last stage is the image. An instruction it does not know is an error. */
export function buildImage(file: string): Image {
  const context = dirname(file);
  const text = readFileSync(file, "utf8")
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "");
  const stages = new Map<string, Stage>();
  let stage!: Stage;
  let entry: string[] = [];
  const instructions: Readonly<Record<string, (rest: string) => void>> = {
    FROM: (rest) => {
      const [image, , name] = rest.split(" ");
      if (image !== "node:24-slim") throw new Error(`no stand-in for the image ${image}`);
      stage = fromNode();
      stages.set(name ?? "", stage);
    },
    WORKDIR: (rest) => {
      stage.workdir = rest;
      mkdirSync(join(stage.layer, rest), { recursive: true });
    },
    ENV: (rest) => {
      stage.env = { ...stage.env, ...Object.fromEntries(rest.split(" ").map((pair) => pair.split("="))) };
    },
    COPY: (rest) => copy(stage, stages, context, rest.split(" ")),
    RUN: (rest) => {
      if (/^npm ci( --[\w-]+)*$/.test(rest) && !whole) installFromClone(stage, context);
      else execute(stage, rest);
    },
    USER: (rest) => {
      stage.user = rest;
    },
    VOLUME: (rest) => {
      stage.volumes = JSON.parse(rest);
    },
    EXPOSE: () => {},
    STOPSIGNAL: (rest) => {
      stage.stopSignal = rest;
    },
    HEALTHCHECK: (rest) => {
      stage.health = JSON.parse(rest.slice(rest.indexOf("CMD ") + 4));
    },
    ENTRYPOINT: (rest) => {
      entry = JSON.parse(rest);
    },
    CMD: (rest) => {
      stage.command = [...entry, ...JSON.parse(rest)];
    },
  };
  for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
    const [, word = "", rest = ""] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    const follow = instructions[word];
    if (follow === undefined) throw new Error(`an unknown instruction: ${line}`);
    follow(rest);
  }
  return stage;
}

/**
 * Starts a container, one at a time: it writes into the image's own layer. The process is that of `unshare`, which
 * passes no signal on (see stopContainer).
 */
export function runContainer(image: Image, options: RunOptions = {}): ChildProcess {
  const argv = enter(image, options.command ?? image.command, options);
  return spawn("unshare", argv, { env: environment(image, options.env), stdio: ["ignore", "pipe", "pipe"] });
}

/** A further process in a running container, as health checks are. */
export function runInContainer(
  image: Image,
  container: ChildProcess,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const argv = [...become(image.user), "sh", "-c", inFolder, image.workdir, ...command];
  const target = ["--target", String(firstProcess(container)), "--mount", "--pid", "--root"];
  return spawn("nsenter", [...target, ...argv], { env: environment(image, env), stdio: "ignore" });
}

/** The image's stop signal to process 1, as `docker stop` sends it. */
export function stopContainer(image: Image, container: ChildProcess): void {
  process.kill(firstProcess(container), image.stopSignal as NodeJS.Signals);
}

function firstProcess({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}
