/** What the application asks of the user pool: all of it may be asked without an access key. */
import { randomBytes } from "node:crypto";
import {
  CognitoIdentityProviderClient,
  CognitoIdentityProviderServiceException,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  RevokeTokenCommand,
  SignUpCommand,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { createVerifier } from "poolhouse/verify";
import { setting } from "../settings.ts";

const idp = new CognitoIdentityProviderClient();
const ClientId = setting("CLIENT_ID");
const known = { issuer: setting("ISSUER"), clientId: ClientId };
const idTokens = createVerifier({ ...known, use: "id" });
const accessTokens = createVerifier(known);

/** A refusal that the user is told, in the pool's words or ours. */
export class Refusal extends Error {}

/** Refusals of the pool as Refusal. What a function throws is meant for the user, without the name of the trigger. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof CognitoIdentityProviderServiceException) || error.$fault !== "client") return error;
  const [, thrown] = /^\w+ failed with error (.*)\.$/.exec(error.message) ?? [];
  return new Refusal(thrown ?? "This link cannot be used (any more). Please ask for another one.");
}

/** A sign-in that waits for the link. */
export interface Waiting {
  readonly username: string;
  readonly session: string;
}

/** Makes a user of who is none yet; nobody ever learns the password. Throws a Refusal if the address is not admitted. */
export async function signUp(email: string): Promise<void> {
  const Password = `Aa1-${randomBytes(24).toString("base64url")}`;
  const UserAttributes = [{ Name: "email", Value: email }];
  try {
    await idp.send(new SignUpCommand({ ClientId, Username: email, Password, UserAttributes }));
  } catch (error) {
    if (!(error instanceof UsernameExistsException)) throw refusalOf(error);
  }
}

/** Begins a sign-in: the link is sent. Throws a Refusal if the pool refuses. */
export async function begin(email: string): Promise<Waiting> {
  try {
    const AuthParameters = { USERNAME: email };
    const answer = await idp.send(
      new InitiateAuthCommand({ ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters }),
    );
    return { username: answer.ChallengeParameters!["USERNAME"]!, session: answer.Session! };
  } catch (error) {
    throw refusalOf(error);
  }
}

export interface SignedIn {
  readonly email: string;
  readonly plan: string;
  readonly scope: string;
  readonly refreshToken: string;
}

/** Ends it with what the link has. Throws a Refusal if the pool refuses. */
export async function finish({ username, session: Session }: Waiting, secret: string): Promise<SignedIn> {
  const ChallengeResponses = { USERNAME: username, ANSWER: secret };
  const command = new RespondToAuthChallengeCommand({
    ...{ ClientId, Session, ChallengeResponses },
    ChallengeName: "CUSTOM_CHALLENGE",
  });
  const { AuthenticationResult } = await idp.send(command).catch((error: unknown) => {
    throw refusalOf(error);
  });
  const { IdToken, AccessToken, RefreshToken } = AuthenticationResult!;
  const { claims } = await idTokens.verify(IdToken);
  const { scopes } = await accessTokens.verify(AccessToken);
  return {
    email: String(claims["email"]),
    plan: String(claims["plan"]),
    scope: scopes.join(" "),
    refreshToken: RefreshToken!,
  };
}

export const revoke = (Token: string) => idp.send(new RevokeTokenCommand({ ClientId, Token }));
