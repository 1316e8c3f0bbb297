/** What the senders of AWS have in common. The SDK is loaded with the first message, and never tries a call again by itself. */

import { retryAfterMs } from "../../lib/retry-after.ts";
import type { AwsSender } from "../../lib/sender-settings.ts";
import { type SenderMeans, Throttled, Undeliverable } from "./sender.ts";
import { Late, networkError } from "./sendings.ts";

/** The options of a client of the SDK. Without a key, it looks for credentials as the SDK always does. */
export function clientOptions({ region, endpoint, key }: AwsSender) {
  return {
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(key !== undefined && { credentials: key }),
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 5_000 },
  };
}

/** What the SDK's errors have that matters here. */
interface AwsError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

interface AwsCall {
  /** What the service is called in errors. */
  readonly service: string;
  /** The names of errors that no repetition of the message would avoid. */
  readonly final: readonly string[];
  /** The method and URL, to be told. */
  readonly request: string;
}

/** Makes one call of the SDK. Throws an Error that has neither address nor content. */
export async function awsCall<T>(
  { service, final, request }: AwsCall,
  tell: SenderMeans["tell"],
  call: () => Promise<T & { $metadata: { httpStatusCode?: number | undefined } }>,
): Promise<T> {
  tell?.(`> ${request}`);
  try {
    const answer = await call();
    tell?.(`< ${answer.$metadata.httpStatusCode ?? ""}`);
    return answer;
  } catch (error) {
    if (error instanceof Late) throw error;
    throw safeError(error, { service, final }, tell);
  }
}

function safeError(
  error: unknown,
  { service, final }: Pick<AwsCall, "service" | "final">,
  tell: SenderMeans["tell"],
): Error {
  const { name = "", $metadata, $response } = error instanceof Error ? (error as AwsError) : {};
  const status = $metadata?.httpStatusCode;
  if (name === "CredentialsProviderError")
    return new Error(`${service} cannot be used: there are no credentials in the environment.`);
  // The SDK's own checks failed, or the network.
  if (status === undefined) return networkError(service, error);
  const known = isName(name) ? name : "";
  const answer = [status, known].filter(Boolean).join(" ");
  tell?.(`< ${answer}`);
  const hint = known === "" ? " without naming an error: something else may have answered" : hints[known];
  const text = `${service} answered ${answer}${hint ?? ""}.`;
  if (status === 429 || /Throttl|TooManyRequests|SlowDown/.test(known))
    return new Throttled(text, retryAfterMs($response?.headers?.["retry-after"], Date.now()));
  return final.includes(known) ? new Undeliverable(text) : new Error(text);
}

const credentials = ": there is no such access key";
const signature = ": the secret access key, the region, the endpoint or this machine's clock is wrong";
const permission = ": the access key may not do this";

/** What an operator can look at, by the names of the errors ("Common errors", in the API Reference of each service). */
const hints: Readonly<Record<string, string>> = {
  InvalidClientTokenId: credentials,
  UnrecognizedClientException: credentials,
  SignatureDoesNotMatch: signature,
  InvalidSignatureException: signature,
  AccessDenied: permission,
  AccessDeniedException: permission,
  AuthorizationError: permission,
  AuthorizationErrorException: permission,
  ExpiredToken: ": the credentials have expired",
  ExpiredTokenException: ": the credentials have expired",
};

/** Names of the service's errors, rather than words of a proxy in between. */
const isName = (name: string) =>
  /^[A-Z]\w{2,60}$/.test(name) && !["Error", "SyntaxError", "Unknown", "UnknownError"].includes(name);
