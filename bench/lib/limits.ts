/**
 * The cost of what an operation cannot do without, measured in the same rounds as the operations, each in a process of
 * its own: CPU time in milliseconds, of the bare computation or of a server that only answers.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { measure } from "./load.ts";
import { type BenchServer, startProgram } from "./server.ts";

/** Computations, by limit-works.ts. */
const workNames = {
  hash: "argon2id",
  signature: "RS256",
  check: "RS256 verified",
  exponentiation: "exponentiation",
  verification: "ES256 verified",
  seal: "HMAC and AES",
} as const;
export type WorkName = keyof typeof workNames;

/** Servers that read a request of 1,000 characters and answer 600, by bare.ts. */
const serverNames = {
  http: "bare node:http",
  hono: "bare Hono",
  net: "bare node:net",
} as const;
type ServerName = keyof typeof serverNames;

export type LimitName = WorkName | ServerName;

/**
 * What each limit is called in tables. argon2id has 19 MiB, 2 passes and 1 lane; RS256 2048 bits; an exponentiation is
 * OpenSSL's over 3072 bits with a 256-bit exponent and includes the import of its keys, as an ES256 verification does;
 * AES-256-GCM is of 600 bytes under a key of its own, derived by the HMAC.
 */
export const limitTitles: Readonly<Record<LimitName, string>> = { ...workNames, ...serverNames };

/** Milliseconds of CPU per computation or answer. */
export type Limits = Readonly<Record<LimitName, number>>;

/** A question to limit-works.ts. */
export interface Question {
  readonly name: WorkName;
  readonly seconds: number;
}

/** How a limit is measured. */
export interface LimitOptions {
  readonly seconds: number;
  /** To a server. */
  readonly connections: number;
}

const isServer = (name: LimitName): name is ServerName => name in serverNames;

/** Measures limits; their processes start when first needed, and end with `close`. */
export class LimitBench {
  #works: ChildProcess | undefined;
  readonly #servers = new Map<ServerName, BenchServer>();

  /** @returns CPU in milliseconds of each of the named limits */
  async measure<Name extends LimitName>(
    names: readonly Name[],
    options: LimitOptions,
  ): Promise<Readonly<Record<Name, number>>> {
    const measured: Partial<Record<LimitName, number>> = {};
    for (const name of names)
      measured[name] = isServer(name)
        ? await this.#answer(name, options)
        : await this.#compute({ name, seconds: options.seconds });
    return measured as Record<Name, number>;
  }

  async close(): Promise<void> {
    this.#works?.disconnect();
    for (const server of this.#servers.values()) await server.close();
  }

  async #compute(question: Question): Promise<number> {
    this.#works ??= fork(join(import.meta.dirname, "limit-works.ts"));
    const answer = once(this.#works, "message");
    this.#works.send(question);
    const [ms] = (await answer) as [number];
    return ms;
  }

  async #answer(name: ServerName, { seconds, connections }: LimitOptions): Promise<number> {
    const known = this.#servers.get(name);
    const server = known ?? (await startProgram("bench/lib/bare.ts", [name, "600"]));
    this.#servers.set(name, server);
    const body = JSON.stringify({ AccessToken: "x".repeat(1000) });
    const warmUp =
      known === undefined ? { operations: 10_000, seconds: 20 } : { operations: 1_000, seconds: 1 };
    const { cpu } = await measure(server, (connection) => connection.post(body, { "x-amz-target": "bare" }), {
      connections,
      seconds,
      warmUp,
    });
    return cpu;
  }
}
