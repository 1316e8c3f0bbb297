/** What this server does in the pool, as an administrator of it. The SDK finds its key in the environment. */
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  AdminRespondToAuthChallengeCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  UserNotFoundException,
} from "@aws-sdk/client-cognito-identity-provider";
import { setting } from "./settings.ts";

/** Milliseconds that the pool has for an answer. */
const patience = Number(process.env["POOL_TIMEOUT"] ?? 2_000);

/** A pool that hangs is given up; the SDK would only warn. It repeats a call whose answer is lost, up to AWS_MAX_ATTEMPTS (3) times. */
const idp = new CognitoIdentityProviderClient({
  requestHandler: { connectionTimeout: patience, requestTimeout: patience, throwOnRequestTimeout: true },
});
const UserPoolId = setting("USER_POOL_ID");
const ClientId = setting("CLIENT_ID");

export interface PoolUser {
  /** In lower case, as in our records: the page changes it at the pool, which keeps it as its owner typed it. */
  readonly email: string;
  readonly isEnabled: boolean;
  /** Whether the password is only the temporary one. */
  readonly mustChangePassword: boolean;
}

export async function findUser(Username: string): Promise<PoolUser | undefined> {
  try {
    const user = await idp.send(new AdminGetUserCommand({ UserPoolId, Username }));
    return {
      email: user.UserAttributes?.find(({ Name }) => Name === "email")?.Value?.toLowerCase() ?? "",
      isEnabled: user.Enabled === true,
      mustChangePassword: user.UserStatus === "FORCE_CHANGE_PASSWORD",
    };
  } catch (error) {
    if (error instanceof UserNotFoundException) return undefined;
    throw error;
  }
}

/** Sends no invitation. Addresses count as verified without a code: the page signs in right away. */
export async function createUser(Username: string, email: string, password: string): Promise<void> {
  await idp.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username,
      MessageAction: "SUPPRESS",
      TemporaryPassword: password,
      UserAttributes: [
        { Name: "email", Value: email },
        { Name: "email_verified", Value: "true" },
      ],
    }),
  );
}

export async function setTemporaryPassword(Username: string, Password: string): Promise<void> {
  await idp.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: false }));
}

/** Signs in: the answer is the session in which the password can be made permanent, or undefined if it is. */
export async function signIn(USERNAME: string, PASSWORD: string): Promise<string | undefined> {
  const answer = await idp.send(
    new AdminInitiateAuthCommand({
      UserPoolId,
      ClientId,
      // Formerly named ADMIN_NO_SRP_AUTH.
      AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD },
    }),
  );
  return answer.ChallengeName === "NEW_PASSWORD_REQUIRED" ? answer.Session : undefined;
}

/** We do not need the tokens that it answers with. */
export async function makePermanent(USERNAME: string, NEW_PASSWORD: string, Session: string): Promise<void> {
  await idp.send(
    new AdminRespondToAuthChallengeCommand({
      UserPoolId,
      ClientId,
      ChallengeName: "NEW_PASSWORD_REQUIRED",
      ChallengeResponses: { USERNAME, NEW_PASSWORD },
      Session,
    }),
  );
}
