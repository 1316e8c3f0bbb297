/**
 * Sign-in, refresh and sign-out for programs that know only this API ("Server-side authentication flow", Amazon Cognito
 * Developer Guide). The API's credentials may call the administrators' operations; the programs have none.
 */
import { createHmac } from "node:crypto";
import {
  AdminInitiateAuthCommand,
  type AuthenticationResultType,
  CognitoIdentityProviderClient,
  GetTokensFromRefreshTokenCommand,
  RevokeTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { setting } from "./settings.ts";

/** Milliseconds that the pool has for an answer; without them a call would wait for one that hangs. */
const requestTimeout = Number(process.env["POOL_TIMEOUT"] ?? 3_000);
const limits = { connectionTimeout: 2_000, requestTimeout, throwOnRequestTimeout: true };
const pool = new CognitoIdentityProviderClient({ maxAttempts: 2, requestHandler: limits });
const client = { ClientId: setting("API_CLIENT_ID"), ClientSecret: setting("API_CLIENT_SECRET") };

/** The keyed hash by which the pool knows that a call is from a client with a secret. */
const secretHash = (username: string) =>
  createHmac("sha256", client.ClientSecret).update(`${username}${client.ClientId}`).digest("base64");

export interface Tokens {
  readonly access_token: string;
  /** Absent after a refresh: the former one stays valid. */
  readonly refresh_token?: string;
  readonly expires_in: number;
}

/** Why the pool did not sign somebody in. */
export type Refusal = "wrong" | "unfinished" | "busy";

/** Tokens for a name and a password, or why there are none. */
export function signIn(username: string, password: string): Promise<Tokens | Refusal> {
  const call = new AdminInitiateAuthCommand({
    UserPoolId: setting("USER_POOL_ID"),
    ClientId: client.ClientId,
    // Today's name is ADMIN_USER_PASSWORD_AUTH; both do the same.
    AuthFlow: "ADMIN_NO_SRP_AUTH",
    AuthParameters: { USERNAME: username, PASSWORD: password, SECRET_HASH: secretHash(username) },
  });
  return answered(pool.send(call));
}

/** A new access token for a refresh token, or why there is none. */
export function refresh(refreshToken: string): Promise<Tokens | Refusal> {
  return answered(pool.send(new GetTokensFromRefreshTokenCommand({ RefreshToken: refreshToken, ...client })));
}

/** Ends a sign-in: its refresh token, and at the pool the access tokens that were issued with it. Or why it goes on. */
export async function signOut(refreshToken: string): Promise<Refusal | undefined> {
  try {
    await pool.send(new RevokeTokenCommand({ Token: refreshToken, ...client }));
    return undefined;
  } catch (error) {
    // What can be no refresh token signs nobody in, either (RFC 7009 section 2.2).
    return noTokens.includes((error as Error).name) ? undefined : refusalIn(error);
  }
}

const noTokens = [
  "NotAuthorizedException",
  "InvalidParameterException",
  "SerializationException",
  "UnsupportedTokenTypeException",
];

interface Answer {
  readonly AuthenticationResult?: AuthenticationResultType | undefined;
}

async function answered(answer: Promise<Answer>): Promise<Tokens | Refusal> {
  try {
    const { AuthenticationResult: tokens } = await answer;
    // A challenge: a second factor, or a password that must be changed. People finish it in the web application.
    return tokens === undefined ? "unfinished" : written(tokens);
  } catch (error) {
    return refusalIn(error);
  }
}

function refusalIn(error: unknown): Refusal {
  const refusal = error instanceof Error && refusals[error.name];
  if (!refusal) throw error;
  return refusal;
}

const refusals: Readonly<Record<string, Refusal>> = {
  NotAuthorizedException: "wrong",
  UserNotFoundException: "wrong",
  // A refresh token of another pool or client, or a client that the pool does not know any more.
  UnauthorizedException: "wrong",
  InvalidParameterException: "wrong",
  // Text that no name can be, such as one with a NUL character.
  SerializationException: "wrong",
  PasswordResetRequiredException: "unfinished",
  UserNotConfirmedException: "unfinished",
  TooManyRequestsException: "busy",
};

const written = ({ AccessToken, RefreshToken, ExpiresIn }: AuthenticationResultType): Tokens => ({
  access_token: AccessToken!,
  ...(RefreshToken !== undefined && { refresh_token: RefreshToken }),
  expires_in: ExpiresIn!,
});
