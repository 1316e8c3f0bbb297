/** Posts events to functions elsewhere: with limits of time and size, over connections that are kept, without redirects. */
import type { Agent, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { connect } from "node:net";
import { http, https } from "../../lib/node-http.ts";
import { failed, largestPayload, TemporaryError, tooLarge } from "./driver.ts";
import { FunctionError } from "./functions.ts";

export interface Posted {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Poster {
  /**
   * Posts JSON. Throws FunctionError if there is no whole answer by the deadline.
   * @param headers besides Host, User-Agent, Content-Type and Content-Length
   */
  post(body: string, headers: Readonly<Record<string, string>>, deadline: number): Promise<Posted>;
  /** Makes sure that something accepts connections there. Throws FunctionError with what the system says. */
  reach(): Promise<void>;
  close(): void;
}

/** How long a connection may take that is only tried. */
const connectingMs = 3_000;

export const jsonType = "application/json";

/** @param userAgent what each request says of the program that makes it */
export function createPoster(url: URL, userAgent: string): Poster {
  const agent = new (url.protocol === "https:" ? https() : http).Agent({ keepAlive: true });
  const running = new Set<AbortController>();
  return {
    post: async (body, headers, deadline) => {
      const control = new AbortController();
      running.add(control);
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        control.abort();
      }, deadline - Date.now());
      try {
        return await send({
          url,
          agent,
          headers: { "user-agent": userAgent, ...headers },
          body: Buffer.from(body),
          signal: control.signal,
        });
      } catch (error) {
        throw late ? new FunctionError("late", "There was no answer in time.") : error;
      } finally {
        clearTimeout(timer);
        running.delete(control);
      }
    },
    reach: () => reach(url),
    close: () => {
      for (const control of running) control.abort();
      agent.destroy();
    },
  };
}

function reach({ protocol, hostname, port }: URL): Promise<void> {
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port || (protocol === "https:" ? 443 : 80)) });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new FunctionError("unreachable", reason));
    };
    socket.setTimeout(connectingMs, () =>
      fail(`no answer from ${host} within ${connectingMs / 1000} seconds`),
    );
    socket.once("error", (error) => fail(error.message));
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

interface Sending {
  readonly url: URL;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
}

function send(sending: Sending): Promise<Posted> {
  const { url, agent, headers: given, body, signal } = sending;
  const headers = { "content-type": jsonType, ...given, "content-length": body.length };
  const { request } = url.protocol === "https:" ? https() : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent, signal, headers });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      // The other side had closed the kept connection before it saw the request.
      const unseen = sent.reusedSocket && error.code === "ECONNRESET" && !signal.aborted;
      if (unseen) resolve(send(sending));
      else reject(new TemporaryError("ServiceException", error));
    });
    sent.once("response", (answer) => resolve(receive(answer)));
    sent.end(body);
  });
}

async function receive(answer: IncomingMessage): Promise<Posted> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > largestPayload) throw failed(tooLarge);
    }
  } catch (error) {
    throw error instanceof FunctionError ? error : new TemporaryError("ServiceException", error);
  }
  const { statusCode: status = 0, headers } = answer;
  return { status, headers, body: Buffer.concat(chunks).toString() };
}

/** AWS's names for what a status says, if the answer gives none. */
const reasons: Readonly<Record<number, string>> = {
  401: "AccessDeniedException",
  403: "AccessDeniedException",
  404: "ResourceNotFoundException",
  409: "ResourceConflictException",
  410: "ResourceNotFoundException",
  413: "RequestTooLargeException",
  429: "TooManyRequestsException",
};

/** The error for an answer that says that the function was not run. @param reason AWS's name of it, if it is given */
export function notRun({ status }: Posted, reason?: string): FunctionError {
  const name =
    reason ?? reasons[status] ?? (status >= 500 ? "ServiceException" : "InvalidRequestContentException");
  const cause = new Error(`status ${status}`);
  if (status === 429 || status >= 500) return new TemporaryError(name, cause);
  const error = new FunctionError("unreachable", name);
  error.cause = cause;
  return error;
}

/** The error that a function reports as Lambda's runtimes do: `{"errorMessage": …, "errorType": …}`. */
export function errorOf(document: Readonly<Record<string, unknown>> | undefined): FunctionError {
  const { errorMessage, errorType } = document ?? {};
  const type = typeof errorType === "string" ? errorType : undefined;
  return failed(String(errorMessage ?? errorType ?? "Unhandled"), type);
}

/** A JSON object; undefined if the text is anything else. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
