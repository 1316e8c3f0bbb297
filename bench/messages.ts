/**
 * `npm run bench -- messages`: what a message costs the server by each sender, against a service in another process. A code is
 * asked for again (ResendConfirmationCode): by a user who does not exist, for whom all is done but sending, and by one who
 * does. Then sign-ups are measured while the sender's service hangs.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Answer, Connection, document } from "./lib/connection.ts";
import { newDatabase } from "./lib/database.ts";
import { type Measured, measure, median, type Operation } from "./lib/load.ts";
import { type BenchServer, startPoolhouse, startProgram, temporaryFolder } from "./lib/server.ts";
import { makePool } from "./lib/stage.ts";
import { table } from "./lib/table.ts";

export const name = "messages";

/** Each is measured so often, by turns, so that other load of the machine meets them all. */
const rounds = 3;
const connections = 4;
const key = { region: "eu-west-1", "access-key-id": "AKIA", "secret-access-key": "bench" };
const from = "no-reply@house.example";

/** The settings of each sender. @param port the service's */
const senders = {
  smtp: (port: number) => ({ type: "smtp", url: `smtp://127.0.0.1:${port}`, from }),
  ses: (port: number) => ({ type: "ses", endpoint: `http://127.0.0.1:${port}`, ...key, from }),
  sns: (port: number) => ({ type: "sns", endpoint: `http://127.0.0.1:${port}`, ...key }),
  twilio: (port: number) => ({
    ...{ type: "twilio", url: `http://127.0.0.1:${port}`, "account-sid": "AC1" },
    ...{ "auth-token": "bench", from: "+15550100" },
  }),
  http: (port: number) => ({
    ...{ type: "http", url: `http://127.0.0.1:${port}`, from },
    secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
  }),
};
type Type = keyof typeof senders;
const isSms = (type: Type) => type === "sns" || type === "twilio";

interface Place {
  readonly server: BenchServer;
  readonly attribute: "email" | "phone_number";
  close(): Promise<void>;
}

export async function run(options: { kinds: readonly string[]; seconds: number }): Promise<void> {
  for (const kind of options.kinds) {
    const rows: string[][] = [];
    for (const type of Object.keys(senders) as Type[]) rows.push(await costOf(kind, type, options.seconds));
    const head = ["sender", "CPU ms without sending", "with it", "added", "p50 ms", "p99 ms"];
    console.log(`\n${kind}\n\n${table(head, rows)}\n`);
    console.log(await besideHanging(kind, options.seconds));
  }
}

async function open(database: string, type: Type, hangs: boolean): Promise<Place> {
  const service = await startProgram("bench/lib/mail-sink.ts", [type, ...(hangs ? ["hangs"] : [])]);
  const config = join(temporaryFolder(), "messages.yaml");
  const medium = isSms(type) ? "sms" : "email";
  writeFileSync(
    config,
    stringify({ senders: { one: senders[type](service.port) }, messages: { [medium]: "one" } }),
  );
  const server = await startPoolhouse(database, { POOLHOUSE_CONFIG: config });
  const close = async () => {
    await server.close();
    await service.close();
  };
  return { server, attribute: isSms(type) ? "phone_number" : "email", close };
}

/** Asks for a code again: as nobody, who gets none, and as a user, who gets one. */
async function resends({ server, attribute }: Place): Promise<{ silent: Operation; sending: Operation }> {
  const pool = { AutoVerifiedAttributes: [attribute] };
  const [hiding, telling] = [
    await makePool(server, { pool, client: { PreventUserExistenceErrors: "ENABLED" } }),
    await makePool(server, { pool, client: { PreventUserExistenceErrors: "LEGACY" } }),
  ];
  const connection = new Connection(server.port);
  await signUp(connection, telling.clientId, attribute, 0);
  connection.close();
  const resend =
    (ClientId: string, Username: string): Operation =>
    (by) =>
      patiently(() => by.call("ResendConfirmationCode", { ClientId, Username }));
  return { silent: resend(hiding.clientId, "nobody"), sending: resend(telling.clientId, "a0") };
}

const signUp = (by: Connection, ClientId: string, attribute: string, number: number) => {
  const Value = attribute === "email" ? `a${number}@mail.example` : `+4930${10_000_000 + number}`;
  const input = { ClientId, Username: `a${number}`, Password: "Correct-Horse-7" };
  return patiently(() => by.call("SignUp", { ...input, UserAttributes: [{ Name: attribute, Value }] }));
};

/** Signs up somebody new, each time, whose address is verified by a message or not at all. */
async function signUps({ server, attribute }: Place, verified: boolean): Promise<Operation> {
  const AutoVerifiedAttributes = verified ? [attribute] : [];
  const { clientId } = await makePool(server, { pool: { AutoVerifiedAttributes } });
  return (by, turn) => signUp(by, clientId, attribute, turn);
}

async function patiently(call: () => Promise<Answer>): Promise<unknown> {
  for (;;) {
    try {
      return document(await call());
    } catch (error) {
      // A server that other work on the machine holds up turns callers away.
      if (!/Rate exceeded|TooManyRequests/.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function costOf(kind: string, type: Type, seconds: number): Promise<string[]> {
  const database = await newDatabase(kind);
  const place = await open(database.url, type, false);
  const operations = await resends(place);
  const told = { silent: [] as Measured[], sending: [] as Measured[] };
  for (let round = 0; round < rounds; round++) {
    const warmUp = round === 0 ? { operations: 500, seconds: 10 } : { operations: 50, seconds: 2 };
    for (const way of ["silent", "sending"] as const)
      told[way].push(await measure(place.server, operations[way], { connections, seconds, warmUp }));
  }
  await place.close();
  await database.remove();
  const of = (way: keyof typeof told, value: "cpu" | "p50" | "p99") =>
    median(told[way].map((one) => one[value]));
  const [without, with_] = [of("silent", "cpu"), of("sending", "cpu")];
  const times = [of("sending", "p50").toFixed(1), of("sending", "p99").toFixed(1)];
  return [type, without.toFixed(2), with_.toFixed(2), (with_ - without).toFixed(2), ...times];
}

async function besideHanging(kind: string, seconds: number): Promise<string> {
  const database = await newDatabase(kind);
  const place = await open(database.url, "http", true);
  const row = async (title: string, operation: Operation) => {
    const warmUp = { operations: 100, seconds: 10 };
    const { p50, p99, perSecond } = await measure(place.server, operation, { connections, seconds, warmUp });
    return [title, p50.toFixed(1), p99.toFixed(1), perSecond.toFixed(0)];
  };
  const rows = [
    await row("without messages", await signUps(place, false)),
    await row("whose message leaves by a sender that hangs", await signUps(place, true)),
  ];
  await place.close();
  await database.remove();
  return table(["sign-ups", "p50 ms", "p99 ms", "per second"], rows);
}
