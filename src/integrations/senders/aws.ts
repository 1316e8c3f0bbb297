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

/** What the SDK makes of a successful answer. */
interface AwsAnswer {
  readonly $metadata: {
    readonly httpStatusCode?: number | undefined;
    readonly requestId?: string | undefined;
  };
}

/**
 * Makes one call of the SDK, which takes any answer with 200 for a success, also that of a proxy or of a page that asks
 * for a sign-in. Throws an Error that has neither address nor content.
 * @param isOwn whether an answer is one that only the service gives
 */
export async function awsCall<T extends AwsAnswer>(
  { service, final, request }: AwsCall,
  tell: SenderMeans["tell"],
  call: () => Promise<T>,
  isOwn: (answer: T) => boolean,
): Promise<void> {
  tell?.(`> ${request}`);
  const answer = await call().catch((error: unknown) => {
    if (error instanceof Late) throw error;
    throw safeError(error, { service, final }, tell);
  });
  const status = answer.$metadata.httpStatusCode ?? "";
  tell?.(`< ${status}`);
  if (!isOwn(answer))
    throw new Error(`${service} answered ${status} without a result: something else may have answered.`);
}

/** Whether the service has taken a message. */
export const hasTaken = ({ MessageId }: { readonly MessageId?: string | undefined }) =>
  MessageId !== undefined && MessageId !== "";

/** Whether an answer to a question is that of AWS, which numbers its requests, or has anything of what was asked for. */
export const isAnswered = ({ $metadata, ...rest }: AwsAnswer) =>
  $metadata.requestId !== undefined || Object.values(rest).some((value) => value !== undefined);

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
