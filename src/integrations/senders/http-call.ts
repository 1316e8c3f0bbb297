/** Calls of an HTTP API: without redirects, with a bounded answer, and errors that quote neither address nor content. */
import { retryAfterMs } from "../../lib/retry-after.ts";
import { networkError } from "./sendings.ts";

export interface HttpAnswer {
  readonly status: number;
  /** At most `largestAnswer` bytes. */
  readonly body: string;
  /** Milliseconds, as Retry-After says. */
  readonly retryAfterMs: number | undefined;
}

/** What one call is made of. */
export interface HttpCall {
  readonly method: "GET" | "POST" | "HEAD";
  readonly userAgent: string;
  /** Besides User-Agent. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** What the service is called in errors. */
  readonly service: string;
  readonly tell?: ((line: string) => void) | undefined;
}

/** Bytes; services answer with a line or two. */
const largestAnswer = 64 * 1024;

/** Makes one call. Throws an Error without address and content if there is no whole answer. */
export async function httpCall(url: string, call: HttpCall): Promise<HttpAnswer> {
  const { method, userAgent, headers, body, signal, service, tell } = call;
  tell?.(`> ${method} ${withoutQuery(url)}`);
  try {
    const init = {
      method,
      headers: { "user-agent": userAgent, ...headers },
      redirect: "manual",
      signal,
      ...(body !== undefined && { body }),
    } as const;
    const response = await fetch(url, init);
    const { status } = response;
    return {
      status,
      body: await bounded(response),
      retryAfterMs: retryAfterMs(response.headers.get("retry-after") ?? undefined, Date.now()),
    };
  } catch (error) {
    throw networkError(service, error);
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > largestAnswer) break;
  }
  return Buffer.concat(chunks).toString();
}

/** A query may be a secret. */
const withoutQuery = (url: string) => url.replace(/\?.*$/s, "?…");
