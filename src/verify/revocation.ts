/** Whether a token has been revoked, as its issuer says. */
import { BoundedMap } from "../lib/bounded-map.ts";
import { ask, type Fetch, findEndpoint, readText } from "./issuer.ts";
import { requestsShareAnswers } from "./runtime.ts";
import type { VerifiedToken, VerifierOptions } from "./verifier.ts";

export interface RevokedAtUserInfoOptions {
  /** How long an answer counts, in seconds: 5 by default. A token that is revoked may pass for that long. */
  readonly seconds?: number;
  /** Where to ask, if not where the issuer's metadata say. Only for a verifier with one issuer. */
  readonly userInfoUrl?: string;
  readonly fetch?: Fetch;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

interface Answer {
  readonly isRevoked: Promise<boolean>;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** How many answers are kept. */
const capacity = 10_000;

/**
 * A look-up for `isRevoked`: asks the userinfo endpoint of the token's issuer with the token, which refuses it with 401 once
 * it was revoked, its user signed out everywhere, or was disabled or deleted (OpenID Connect Core 1.0 section 5.3; "The
 * userInfo endpoint", Amazon Cognito Developer Guide). It takes access tokens with the scope `openid`; those without it, and
 * any while the issuer does not answer, are refused as `unavailable`.
 */
export function revokedAtUserInfo(
  options: RevokedAtUserInfoOptions = {},
): NonNullable<VerifierOptions["isRevoked"]> {
  const { seconds = 5, userInfoUrl, fetch = globalThis.fetch as Fetch, now = Date.now } = options;
  const endpoints = new Map<string, string>();
  const answers = new BoundedMap<string, Answer>(capacity);
  const endpointOf = async (issuer: string): Promise<string> => {
    const url =
      userInfoUrl ?? endpoints.get(issuer) ?? (await findEndpoint(fetch, issuer, "userinfo_endpoint"));
    endpoints.set(issuer, url);
    return url;
  };
  const lookUp = async ({ token, issuer, subject }: VerifiedToken): Promise<boolean> => {
    const response = await ask(fetch, await endpointOf(issuer), { authorization: `Bearer ${token}` });
    const text = await readText(response);
    if (response.status === 401) return true;
    if (response.status !== 200) throw new Error(`The userinfo endpoint answered ${response.status}.`);
    if ((JSON.parse(text) as { sub?: unknown } | null)?.sub !== subject)
      throw new Error("The userinfo endpoint told of somebody else.");
    return false;
  };
  return (token) => {
    if (token.use !== "access" || !token.scopes.includes("openid"))
      throw new Error("Only access tokens with the scope openid can be asked about.");
    const known = answers.get(token.token);
    if (known !== undefined && now() < known.until) return known.isRevoked;
    const isRevoked = lookUp(token);
    const answer = { isRevoked, until: now() + seconds * 1000 };
    const keep = () => answers.set(token.token, answer);
    const forget = () => answers.get(token.token) === answer && answers.delete(token.token);
    if (requestsShareAnswers()) keep();
    // A failure is not kept: the next one asks again.
    isRevoked.then(keep, forget);
    return isRevoked;
  };
}
