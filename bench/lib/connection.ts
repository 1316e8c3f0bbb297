/** A cheap kept-alive HTTP/1.1 connection: one request at a time, answers with content-length. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  /** The status line and the headers. */
  readonly head: string;
  readonly body: string;
}

export interface Headers {
  readonly [name: string]: string;
}

export class Connection {
  readonly port: number;
  readonly #localAddress: string | undefined;
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;

  /** @param localAddress the client address that the server sees; all of 127.0.0.0/8 is this machine */
  constructor(port: number, localAddress?: string) {
    this.port = port;
    this.#localAddress = localAddress;
  }

  /** Calls an operation. Rejects if the connection breaks. */
  async call(operation: string, input: unknown, headers: Headers = {}): Promise<Answer> {
    return this.post(typeof input === "string" ? input : JSON.stringify(input), {
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
      ...headers,
    });
  }

  post(body: string, headers: Headers): Promise<Answer> {
    return this.request("POST", "/", { "content-type": "application/x-amz-json-1.1", ...headers }, body);
  }

  async request(method: string, path: string, headers: Headers = {}, body = ""): Promise<Answer> {
    const socket = await this.#open();
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: localhost:${this.port}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n${lines.join("")}\r\n${body}`,
    );
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== undefined && !this.#socket.destroyed) return this.#socket;
    const socket = connect({
      port: this.port,
      host: "127.0.0.1",
      ...(this.#localAddress !== undefined && { localAddress: this.#localAddress }),
    }).setNoDelay(true);
    this.#socket = socket;
    this.#received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {});
    socket.on("close", () => this.#end({ reject: new Error("the connection broke") }));
    await once(socket, "connect");
    return socket;
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    const body = this.#received.toString("utf8", end + 4, end + 4 + length);
    this.#received = Buffer.alloc(0);
    this.#end({ answer: { status: Number(head.slice(9, 12)), head, body } });
  }

  #end(how: { answer: Answer } | { reject: Error }): void {
    const settle = this.#settle;
    this.#settle = undefined;
    if ("answer" in how) settle?.resolve(how.answer);
    else settle?.reject(how.reject);
  }
}

/** A connection that asks again while the server, which other work on the machine holds up, turns callers away. */
export class PatientConnection extends Connection {
  /** How often it was turned away. */
  refusals = 0;

  override async request(...asked: Parameters<Connection["request"]>): Promise<Answer> {
    for (;;) {
      const answer = await super.request(...asked);
      if (answer.status !== 429 && !answer.body.includes("TooManyRequestsException")) return answer;
      this.refusals++;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The document of an answer that must be a success. */
export function document(answer: Answer): Record<string, unknown> {
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  return JSON.parse(answer.body);
}
