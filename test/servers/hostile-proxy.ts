/**
 * A network between the servers and PostgreSQL that cuts connections, delays statements, and answers some of them with
 * a serialization failure, as a busy database does. It speaks the wire protocol as far as that takes
 * (https://www.postgresql.org/docs/current/protocol-flow.html): a statement is what ends with Query or Sync, its answer
 * what ends with ReadyForQuery.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * What a statement meets. `after`: it is done, but its answer never comes. `silence` closes nothing: this connection
 * passes nothing on any more, in either direction.
 */
export type Harm =
  | "refuse"
  | "delay"
  | "hold"
  | "cut before"
  | "cut after"
  | "silence before"
  | "silence after";

/** What a statement (in small letters) is to meet, in a transaction or alone; undefined: nothing. */
export type Plan = (statement: string, inTransaction: boolean) => Harm | undefined;

export interface Counts {
  /** Connections that were begun, refused ones too, and those that the server's side has ended. */
  connections: number;
  ended: number;
  statements: number;
  refused: number;
  delayed: number;
  cut: number;
  /** Cuts after which the server cannot know whether it has written. */
  inDoubt: number;
}

export interface HostileProxy {
  readonly port: number;
  readonly counts: Counts;
  /** Undefined: an honest network. */
  plan: Plan | undefined;
  /** Lets each statement go that met `hold`, in the order in which they came. */
  readonly held: (() => void)[];
  /** Milliseconds that every statement takes on its way. */
  latencyMs: number;
  /** While true, connections are refused. */
  down: boolean;
  /** While true, new connections are taken and never answered. */
  mute: boolean;
  /** Breaks all connections, whatever goes on. */
  cutAll(): void;
  close(): void;
}

export async function startHostileProxy(target: { host: string; port: number }): Promise<HostileProxy> {
  const sockets = new Set<Socket>();
  const counts: Counts = {
    connections: 0,
    ended: 0,
    statements: 0,
    refused: 0,
    delayed: 0,
    cut: 0,
    inDoubt: 0,
  };
  const held: (() => void)[] = [];
  const proxy = { plan: undefined as Plan | undefined, held, latencyMs: 0, down: false, mute: false, counts };
  const server: Server = createServer((client) => {
    counts.connections++;
    client.once("close", () => counts.ended++);
    if (proxy.down) {
      client.destroy();
      return;
    }
    if (proxy.mute) {
      sockets.add(client);
      client.on("error", () => {}).resume();
      return;
    }
    const database = connect(target.port, target.host);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
    }
    const session = new Session(client, database, proxy);
    client.once("close", () => session.silent || database.destroy());
    database.once("close", () => session.silent || client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const close = () => {
    server.close();
    cutAll();
  };
  return Object.assign(proxy, { port: (server.address() as AddressInfo).port, cutAll, close });
}

type Net = Pick<HostileProxy, "plan" | "counts" | "held" | "latencyMs">;

const syncMessage = "S".charCodeAt(0);
const queryMessage = "Q".charCodeAt(0);
const parseMessage = "P".charCodeAt(0);
const bindMessage = "B".charCodeAt(0);
const readyMessage = "Z".charCodeAt(0);

class Session {
  readonly #client: Socket;
  readonly #database: Socket;
  readonly #proxy: Net;
  #fromClient: Buffer = Buffer.alloc(0);
  #fromDatabase: Buffer = Buffer.alloc(0);
  #silent = false;
  #greeted = false;
  #statement: Buffer[] = [];
  /** Statements that came before the one ahead of them was answered: each meets its fate in its turn. */
  readonly #waiting: Buffer[][] = [];
  #isAsking = false;
  readonly #names = new Map<string, string>();
  /** I: outside a transaction, T: in one, E: in one that failed. As the client was told. */
  #state = "I";
  /** We told of a failure of which the database knows nothing. */
  #pretending = false;
  /** What is to be done with the answer when it is complete; undefined: it is passed on as it comes. */
  #onAnswer: (() => void) | undefined;

  constructor(client: Socket, database: Socket, proxy: Net) {
    this.#client = client;
    this.#database = database;
    this.#proxy = proxy;
    client.on("data", (chunk) => this.#silent || this.#ask(chunk));
    database.on("data", (chunk) => this.#silent || this.#answer(chunk));
  }

  get silent(): boolean {
    return this.#silent;
  }

  #ask(chunk: Buffer): void {
    this.#fromClient = Buffer.concat([this.#fromClient, chunk]);
    // The first message has a length and no type.
    const header = () => (this.#greeted ? 1 : 0);
    for (;;) {
      const rest = this.#fromClient;
      if (rest.length < header() + 4) return;
      const length = header() + rest.readUInt32BE(header());
      if (rest.length < length) return;
      this.#fromClient = rest.subarray(length);
      const message = rest.subarray(0, length);
      if (!this.#greeted) {
        this.#greeted = true;
        this.#database.write(message);
        continue;
      }
      const type = message[0]!;
      const partial = type === parseMessage || "BDECH".includes(String.fromCharCode(type));
      if (partial || type === syncMessage || type === queryMessage) this.#statement.push(message);
      else this.#database.write(message);
      if (type !== syncMessage && type !== queryMessage) continue;
      this.#waiting.push(this.#statement);
      this.#statement = [];
      this.#next();
    }
  }

  #next(): void {
    if (this.#isAsking) return;
    const messages = this.#waiting.shift();
    if (messages === undefined) return;
    this.#isAsking = true;
    this.#meet(messages);
  }

  /** The client has been told the end of an answer. */
  #answered(): void {
    this.#isAsking = false;
    this.#next();
  }

  /** The turn of a whole statement has come. */
  #meet(messages: readonly Buffer[]): void {
    const text = textOf(messages, this.#names);
    const { plan, counts, held, latencyMs } = this.#proxy;
    const pass = () => {
      if (latencyMs === 0) this.#database.write(Buffer.concat(messages));
      else setTimeout(() => this.#database.write(Buffer.concat(messages)), latencyMs);
    };
    if (this.#pretending) this.#keepPretending(text, pass);
    else if (plan === undefined) pass();
    else {
      counts.statements++;
      const harm = plan(text, this.#state !== "I");
      if (harm === "refuse") this.#refuse(text);
      else if (harm === "delay") this.#delay(pass);
      else if (harm === "hold") held.push(pass);
      else if (harm === "silence before" || harm === "silence after") {
        this.#silent = true;
        if (harm === "silence after") pass();
      } else if (harm !== undefined) this.#cut(text, harm, pass);
      else pass();
    }
  }

  #delay(pass: () => void): void {
    this.#proxy.counts.delayed++;
    setTimeout(pass, 1 + Math.random() * 20);
  }

  #refuse(text: string): void {
    this.#proxy.counts.refused++;
    const code = Math.random() < 0.8 ? "40001" : "40P01";
    if (text === "commit") {
      // A commit that fails has rolled back.
      this.#onAnswer = () => this.#tell(code, "I");
      this.#database.write(query("rollback"));
      return;
    }
    const inside = this.#state !== "I";
    this.#pretending = inside;
    this.#tell(code, inside ? "E" : "I");
  }

  #keepPretending(text: string, pass: () => void): void {
    const ends = text === "rollback" || text === "commit";
    if (ends) this.#pretending = false;
    if (!ends) this.#tell("25P02", "E");
    else if (text === "commit") this.#database.write(query("rollback"));
    else pass();
  }

  #cut(text: string, harm: "cut before" | "cut after", pass: () => void): void {
    const { counts } = this.#proxy;
    counts.cut++;
    const alone = this.#state === "I" && !/^(?:select|start transaction)\b/.test(text);
    if (alone || text === "commit") counts.inDoubt++;
    if (harm === "cut before") this.#end();
    else {
      // Done, but nobody will hear of it.
      this.#onAnswer = () => this.#end();
      pass();
    }
  }

  #end(): void {
    if (Math.random() < 0.5) this.#client.resetAndDestroy();
    else this.#client.destroy();
    this.#database.destroy();
  }

  #answer(chunk: Buffer): void {
    this.#fromDatabase = Buffer.concat([this.#fromDatabase, chunk]);
    let at = 0;
    let complete = false;
    while (this.#fromDatabase.length >= at + 5) {
      const length = 1 + this.#fromDatabase.readUInt32BE(at + 1);
      if (this.#fromDatabase.length < at + length) break;
      if (this.#fromDatabase[at] === readyMessage) {
        complete = true;
        this.#state = String.fromCharCode(this.#fromDatabase[at + 5]!);
      }
      at += length;
    }
    const messages = this.#fromDatabase.subarray(0, at);
    this.#fromDatabase = this.#fromDatabase.subarray(at);
    if (this.#onAnswer === undefined) {
      this.#client.write(messages);
      if (complete) this.#answered();
    } else if (complete) {
      const then = this.#onAnswer;
      this.#onAnswer = undefined;
      then();
    }
  }

  #tell(code: string, state: "I" | "E"): void {
    this.#state = state;
    const fields = `SERROR\0VERROR\0C${code}\0Mby order of the test\0\0`;
    this.#client.write(Buffer.concat([message("E", Buffer.from(fields)), message("Z", Buffer.from(state))]));
    this.#answered();
  }
}

/** Reads a text that ends with a zero byte. */
const textAt = (body: Buffer, from: number) => body.subarray(from, body.indexOf(0, from)).toString();

/**
 * The text of a statement, in small letters. Parse has the statement's name and text; if it was parsed before, Bind has
 * the portal's name and the statement's.
 * @param names texts of the connection's statements by their names
 */
function textOf(messages: readonly Buffer[], names: Map<string, string>): string {
  const of = (type: number) => messages.find((one) => one[0] === type)?.subarray(5);
  const [asked, parsed, bound] = [of(queryMessage), of(parseMessage), of(bindMessage)];
  if (asked !== undefined) return textAt(asked, 0).trim().toLowerCase();
  if (parsed !== undefined) {
    const name = textAt(parsed, 0);
    const text = textAt(parsed, Buffer.byteLength(name) + 1)
      .trim()
      .toLowerCase();
    names.set(name, text);
    return text;
  }
  if (bound === undefined) return "";
  const portal = textAt(bound, 0);
  return names.get(textAt(bound, Buffer.byteLength(portal) + 1)) ?? "";
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const query = (text: string) => message("Q", Buffer.from(`${text}\0`));
