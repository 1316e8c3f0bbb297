/**
 * `npm run bench -- [name …] [--database sqlite|postgres|both] [--users 1000,1000000] [--rounds N] [--seconds S] [--connections C]`
 * `npm run bench -- [name …] --against FOLDER`: another version's repository, measured by turns with this one
 * `npm run bench -- enumeration [--database …] [--samples N] [--operations ForgotPassword,SignUp]`
 *
 * Each figure is compared with the limit measured in the same rounds. This process generates the load, and the server is
 * another one; compared is the server's CPU time per operation, which the load generator does not affect. Those of
 * `benches` are separate benches that only run when named.
 */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import * as enumeration from "./enumeration.ts";
import * as gateway from "./gateway.ts";
import * as growth from "./growth.ts";
import * as identities from "./identities.ts";
import { databaseKinds } from "./lib/database.ts";
import { profileInto } from "./lib/server.ts";
import * as messages from "./messages.ts";
import * as operations from "./operations.ts";
import * as overload from "./overload.ts";
import * as pageLatency from "./page-latency.ts";
import * as peers from "./peers.ts";
import * as policy from "./policy.ts";
import * as removals from "./removals.ts";
import * as sigv4 from "./sigv4.ts";
import * as start from "./start.ts";
import * as sweep from "./sweep.ts";
import * as triggers from "./triggers.ts";
import * as workers from "./workers.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    database: { type: "string", default: "both" },
    users: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    /** How long a sample is: 2 by default, 5 in the separate benches. */
    seconds: { type: "string" },
    connections: { type: "string", default: "16" },
    against: { type: "string" },
    /** A folder for V8's profiles of the server. */
    profile: { type: "string" },
    /** For enumeration: samples per kind of name, and the operations. */
    samples: { type: "string", default: "10000" },
    operations: { type: "string" },
    /** For growth: what grows. */
    only: { type: "string" },
  },
});
const kinds = databaseKinds(values.database);
const seconds = Number(values.seconds ?? 5);
const sizes = values.users.split(",").map(Number);

/** The separate benches. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  [overload.name]: () => overload.run(),
  [enumeration.name]: () =>
    enumeration.run({ kinds, samples: Number(values.samples), names: values.operations?.split(",") }),
  [pageLatency.name]: () => pageLatency.run({ kinds, seconds }),
  [start.name]: () => start.run({ kinds, rounds: Number(values.rounds), idle: true }),
  [sweep.name]: () => sweep.run({ kinds }),
  [messages.name]: () => messages.run({ kinds, seconds }),
  [gateway.name]: () => gateway.run({ seconds }),
  [growth.name]: () =>
    growth.run({
      ...{ kinds, rounds: Number(values.rounds), only: values.only?.split(",") },
      samples: Math.min(Number(values.samples), 100),
    }),
  [identities.name]: () => identities.run({ kinds, sizes, seconds }),
  [peers.name]: () => peers.run({ rounds: Number(values.rounds), seconds: Number(values.seconds ?? 2) }),
  [policy.name]: () => policy.run({ seconds }),
  [removals.name]: () => removals.run({ kinds }),
  [sigv4.name]: () => sigv4.run({ seconds }),
  [triggers.name]: () => triggers.run({ kinds, seconds }),
  [workers.name]: () => workers.run({ seconds }),
};

async function main(): Promise<void> {
  if (values.profile !== undefined) profileInto(values.profile);
  const model = cpus()[0]?.model ?? "unknown";
  console.log(
    `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
  );
  for (const [name, bench] of Object.entries(benches)) if (positionals.includes(name)) await bench();
  const names = positionals.filter((name) => !(name in benches));
  if (names.length === 0 && positionals.length > 0) return;
  await operations.run({
    ...{ kinds, names, sizes, rounds: Number(values.rounds), seconds: Number(values.seconds ?? 2) },
    ...{ connections: Number(values.connections), against: values.against },
  });
}

await main();
process.exit(0);
