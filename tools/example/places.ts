/** Where an example keeps its data, and the ports that it uses. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

export function openFolder(name: string, keep: string | undefined): Folder {
  if (keep === undefined) {
    const path = mkdtempSync(join(tmpdir(), `poolhouse-${name}-`));
    return { path, isSetUp: false, remove: () => rmSync(path, { recursive: true, force: true }) };
  }
  const path = resolve(keep);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, isSetUp: existsSync(join(path, noteFile)), remove: () => {} };
}

/** Written when everything is set up: ports, which its pool knows, and what the setup said. */
const noteFile = "example.json";

export interface Note {
  readonly example: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly said: string;
}

export const readNote = (folder: Folder): Note =>
  JSON.parse(readFileSync(join(folder.path, noteFile), "utf8")) as Note;

export const writeNote = (folder: Folder, note: Note): void =>
  writeFileSync(join(folder.path, noteFile), `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });

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
 * The ports of a first run: the wanted ones, or for those that are taken the next free ones, which it says.
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
    while (Object.values(chosen).includes(port) || !(await isFree(port))) port += 1;
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
