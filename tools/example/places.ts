/** Where an example keeps its data, and the ports that it uses. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { OperatorError } from "../../src/lib/operator-error.ts";

export interface Folder {
  readonly path: string;
  /** Whether an earlier run has set the example up there. */
  readonly isSetUp: boolean;
  /** Removes it, unless it is kept. */
  remove(): void;
}

/**
 * The folder to keep the data in, or one for this run alone. Throws an OperatorError if it has files, but not those of an
 * earlier run.
 */
export function openFolder(name: string, keep: string | undefined): Folder {
  if (keep === undefined) {
    const path = mkdtempSync(join(tmpdir(), `poolhouse-${name}-`));
    return { path, isSetUp: false, remove: () => rmSync(path, { recursive: true, force: true }) };
  }
  if (keep === "") throw new OperatorError("--keep needs the name of a folder.");
  const path = resolve(keep);
  const files = filesIn(path).filter((file) => file !== ignoreFile);
  const isSetUp = files.includes(noteFile);
  if (!isSetUp && files.length > 0)
    throw new OperatorError(
      `${path} is not empty, and does not have the complete data of an example. Give another folder, or remove this one if you need nothing in it.`,
    );
  // It has secrets, and may be in a clone.
  if (!isSetUp) writeFileSync(join(path, ignoreFile), "*\n");
  return { path, isSetUp, remove: () => {} };
}

/** The names in a folder, which is made if there is none. Throws an OperatorError if that fails. */
function filesIn(path: string): string[] {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return readdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new OperatorError(
      `${path} is not a folder, or cannot be made or read as one (${code}). Give another folder.`,
    );
  }
}

/** Written when everything is set up and has started. */
const noteFile = "example.json";

const ignoreFile = ".gitignore";

/** The access key of an example's programs. The next start makes another one if it is missing. */
export const keyFile = "access-key.env";

const highestPort = 65_535;

export interface Note {
  readonly example: string;
  /** The pool knows them. */
  readonly ports: Readonly<Record<string, number>>;
  /** What the setup said. */
  readonly said: string;
  /** The files in the folder and below that are not empty and must be there, beside the note. */
  readonly files: readonly string[];
}

/** What an earlier run has written. Throws an OperatorError if it is damaged. */
export function readNote(folder: Folder): Note {
  const file = join(folder.path, noteFile);
  try {
    const { example, ports, said, files } = JSON.parse(readFileSync(file, "utf8")) as Note;
    const arePorts = [ports["poolhouse"], ...Object.values(ports)].every(
      (port) => Number.isInteger(port) && port! >= 1 && port! <= highestPort,
    );
    const areThere = files.every((name) => hasContent(join(folder.path, name)));
    if (typeof example === "string" && typeof said === "string" && arePorts && areThere)
      return { example, ports, said, files };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof SyntaxError || error instanceof TypeError || code === "EISDIR")) throw error;
  }
  throw new OperatorError(
    `${file} is damaged, or files that it names are missing: ${folder.path} cannot be used. Remove it, or give another folder.`,
  );
}

/** Whether there is a file that is not empty. */
const hasContent = (file: string) => {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size > 0;
};

/** Files beside a database that come and go with the programs that use it. */
const passing = /(?:-wal|-shm|-journal|\.lock)$/;

export function writeNote(folder: Folder, setUp: Omit<Note, "files">): void {
  const files = readdirSync(folder.path, { recursive: true, encoding: "utf8" })
    .filter(
      (name) =>
        name !== keyFile && name !== ignoreFile && !passing.test(name) && hasContent(join(folder.path, name)),
    )
    .sort();
  const note = { ...setUp, files } satisfies Note;
  writeFileSync(join(folder.path, noteFile), `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
}

/** Whether nobody listens on a port of this machine, by either of its addresses. */
async function isFree(port: number): Promise<boolean> {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    const outcome = await new Promise<string>((done) => {
      server.once("error", (error: NodeJS.ErrnoException) => done(error.code ?? "failed"));
      server.listen(port, host, () => server.close(() => done("free")));
    });
    if (outcome !== "free" && outcome !== "EADDRNOTAVAIL") return false;
  }
  return true;
}

/**
 * The ports of a first run: the wanted ones, or for those that are taken the next free ones, which it says. Throws an
 * OperatorError if there are too few.
 * @param from the first port to use in their place
 */
export async function choosePorts(
  wanted: Readonly<Record<string, number>>,
  from: number | undefined,
  say: (text: string) => void,
): Promise<Record<string, number>> {
  const chosen: Record<string, number> = {};
  for (const [name, first] of Object.entries(wanted)) {
    let port = from ?? first;
    while (Object.values(chosen).includes(port) || (port <= highestPort && !(await isFree(port)))) port += 1;
    if (port > highestPort)
      throw new OperatorError(
        `From port ${from ?? first} on, there are fewer free ports than the ${Object.keys(wanted).length} that are needed. Give a lower one: --port N.`,
      );
    if (from === undefined && port !== first) say(`Port ${first} is taken; this uses ${port}.`);
    chosen[name] = port;
  }
  return chosen;
}

/** The ports of an earlier run must be free again: the URLs in the pool have them. Throws an OperatorError if not. */
export async function requirePorts(ports: Readonly<Record<string, number>>): Promise<void> {
  for (const port of Object.values(ports))
    if (!(await isFree(port)))
      throw new OperatorError(
        `Port ${port} is taken. The kept data belongs to it: stop what uses it, or keep the data of a new run elsewhere.`,
      );
}
