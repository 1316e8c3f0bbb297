/**
 * What a client is told if a provider fails ("Managing user pool identity provider endpoints and error responses",
 * Amazon Cognito Developer Guide). A description says what failed at which provider, and nothing that was sent or
 * answered; the log gets the codes and the names of claims.
 */
import { OutboundError, type OutboundProblem } from "../../integrations/outbound.ts";
import { refuseOAuth } from "../grants/oauth-error.ts";
import type { Provider } from "./provider.ts";

/** What a request to a provider was for. */
export type ProviderStep = "discovery" | "token" | "keys" | "user info";

const notAnswered: Readonly<Record<OutboundProblem, (step: ProviderStep, name: string) => string>> = {
  late: (step) => {
    if (step === "token") return "Timeout occurred in calling IdP token endpoint";
    return step === "keys" ? "Timeout in calling jwks uri" : "Read timed out";
  },
  unreachable: () => "Connection reset",
  forbidden: (step, name) => `${name} Error - the address of the ${endpointOf[step]} is not allowed`,
  "too large": (step, name) => `${name} Error - the answer of the ${endpointOf[step]} is too large`,
  redirects: (step, name) => `${name} Error - too many redirects by the ${endpointOf[step]}`,
};

const endpointOf: Readonly<Record<ProviderStep, string>> = {
  discovery: "discovery document",
  token: "token endpoint",
  keys: "jwks uri",
  "user info": "userInfo endpoint",
};

const gettingWhat: Readonly<Record<ProviderStep, string>> = {
  discovery: "getting discovery document",
  token: "getting token",
  keys: "getting jwks",
  "user info": "getting user info",
};

/** Something that a provider said, or signed, does not hold. The message is shown to the client. */
export class ProviderMismatch extends Error {}

/** Refuses since a step failed. Errors that have nothing to do with the provider are thrown as they are. */
export function refuseProvider(provider: Provider, step: ProviderStep, error: unknown): never {
  const described = describe(provider, step, error);
  if (described === undefined) throw error;
  return refuseOAuth("invalid_request", described.text, `${provider.name}: ${step}: ${described.detail}`);
}

/** Runs one step; its errors are those of `refuseProvider`. */
export async function atProvider<T>(
  provider: Provider,
  step: ProviderStep,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    return refuseProvider(provider, step, error);
  }
}

interface Described {
  readonly text: string;
  readonly detail: string;
}

function describe({ name, type }: Provider, step: ProviderStep, error: unknown): Described | undefined {
  const outbound = outboundErrorOf(error);
  if (outbound !== undefined) {
    const { problem, message } = outbound;
    return { text: notAnswered[problem](step, name), detail: `${problem}: ${message}` };
  }
  const wrong = [...causes(error)].find((one) => one instanceof ProviderMismatch);
  if (wrong !== undefined) return { text: `${name} Error - ${wrong.message}`, detail: wrong.message };
  const code = textOf(error, "error");
  const status = statusOf(error);
  if (status !== undefined) {
    const detail = `${status} ${code ?? ""}`.trim();
    if (type === "Google" && step === "token") return { text: `Google Error - ${detail}`, detail };
    return { text: `${name} Error - ${status} error ${gettingWhat[step]}`, detail };
  }
  if (!(error instanceof Error) || !isOfProtocol(error)) return undefined;
  const { code: kind = "" } = error as { readonly code?: string };
  const claim = claimOf(error);
  const ofClaim = claim === undefined ? `unexpected answer of the ${endpointOf[step]}` : `wrong ${claim}`;
  const what = signatureProblems[kind] ?? ofClaim;
  return {
    text: `${name} Error - ${what}`,
    detail: [...causes(error)].flatMap(shownMessage).join(": "),
  };
}

/** An error and its causes; few, since a chain may be a ring. */
function* causes(error: unknown): Generator<unknown> {
  let one = error;
  for (let depth = 0; depth < 5 && one instanceof Error; depth++) {
    yield one;
    one = one.cause;
  }
}

/** Why a server was not asked, or did not answer, if that is the error or one of its causes. */
export const outboundErrorOf = (error: unknown): OutboundError | undefined =>
  [...causes(error)].find((one) => one instanceof OutboundError);

/** An error's message for the log. Those of JSON.parse quote the text, which may be a token. */
function shownMessage(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  return [error instanceof SyntaxError ? "it is no JSON" : error.message];
}

/** A short member of an error that consists of the characters of RFC 6749 section 5.2. */
function textOf(error: unknown, name: string): string | undefined {
  const value = (error as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof value === "string" && /^[\w.-]{1,64}$/.test(value) ? value : undefined;
}

/** The status of the answer that an error is about. */
export function statusOf(error: unknown): number | undefined {
  for (const one of causes(error)) {
    const { status, cause } = one as { readonly status?: unknown; readonly cause?: unknown };
    if (typeof status === "number") return status;
    const ofAnswer = (cause as { readonly status?: unknown } | null | undefined)?.status;
    if (typeof ofAnswer === "number" && ofAnswer !== 200) return ofAnswer;
  }
  return undefined;
}

/** The claim or parameter that an error of the library or of jose names. */
function claimOf(error: Error): string | undefined {
  for (const one of causes(error)) {
    const { claim, message, cause } = one as Error & { readonly claim?: unknown };
    const named = claim ?? (cause as { readonly claim?: unknown } | null | undefined)?.claim;
    if (typeof named === "string" && named !== "unspecified") return named;
    const [, quoted] = /"(iss|state|alg|nonce|aud|azp|exp|iat|nbf|sub|typ)"/.exec(message) ?? [];
    if (quoted !== undefined) return quoted;
  }
  return undefined;
}

/** What is wrong with a signature, by the codes of jose. */
const signatureProblems: Readonly<Record<string, string>> = {
  ERR_JOSE_ALG_NOT_ALLOWED: "wrong alg",
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: "the signature names none of several keys",
  ERR_JWKS_NO_MATCHING_KEY: "unknown key of the signature",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "wrong signature",
};

/** Whether an error was thrown by openid-client, oauth4webapi or jose about what a provider answered. */
export function isOfProtocol(error: Error): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return typeof code === "string" && /^(?:OAUTH_|ERR_J|ERR_INVALID_)/.test(code);
}
