/** What the tests of factors share: an authenticator app, and sign-ins step by step. */
import assert from "node:assert/strict";
import {
  AssociateSoftwareTokenCommand,
  InitiateAuthCommand,
  type InitiateAuthCommandOutput,
  RespondToAuthChallengeCommand,
  SetUserMFAPreferenceCommand,
  SetUserPoolMfaConfigCommand,
  type SetUserPoolMfaConfigCommandInput,
  VerifySoftwareTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { Secret, TOTP } from "otpauth";
import { readPool, updatePool } from "../../src/store/user-pools.ts";
import { password } from "./people.ts";
import type { TestServer } from "./server.ts";

export interface Place {
  readonly UserPoolId: string;
  readonly ClientId: string;
}

/** What an authenticator app shows at this time; `steps` later or earlier. */
export function totp(secretCode: string, now: number, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secretCode) }).generate({ timestamp: now + steps * 30_000 });
}

/** A code of the right form that is not any of those near. */
export function wrongTotp(secretCode: string, now: number): string {
  const near = [-2, -1, 0, 1, 2].map((steps) => totp(secretCode, now, steps));
  return ["000000", "111111", "222222", "333333", "444444", "555555"].find((code) => !near.includes(code))!;
}

export const smsConfiguration = {
  SmsConfiguration: { SnsCallerArn: "arn:aws:iam::000000000000:role/sms" },
};

/** All three second factors. */
export async function turnMfa(
  server: Pick<TestServer, "client">,
  { UserPoolId }: Pick<Place, "UserPoolId">,
  MfaConfiguration: "ON" | "OPTIONAL",
  only: Partial<SetUserPoolMfaConfigCommandInput> = {
    SmsMfaConfiguration: smsConfiguration,
    SoftwareTokenMfaConfiguration: { Enabled: true },
    EmailMfaConfiguration: {},
  },
): Promise<void> {
  await server.client.send(new SetUserPoolMfaConfigCommand({ UserPoolId, MfaConfiguration, ...only }));
}

/**
 * Demands MFA of a pool whose first factors do not go with that, as pools of before this rule may do: the stored document
 * says so, since no operation can.
 */
export async function forceMfaOn(
  server: Pick<TestServer, "client" | "app">,
  place: Pick<Place, "UserPoolId">,
  only?: Parameters<typeof turnMfa>[3],
): Promise<void> {
  await turnMfa(server, place, "OPTIONAL", only);
  const pool = (await readPool(server.app.db, place.UserPoolId))!;
  const document = { ...(pool.document as object), MfaConfiguration: "ON" };
  assert.ok(await updatePool(server.app.db, { ...pool, document, now: pool.updatedAt }));
}

export function start(
  { client }: Pick<TestServer, "client">,
  { ClientId }: Pick<Place, "ClientId">,
  USERNAME: string,
  AuthFlow: "USER_PASSWORD_AUTH" | "USER_AUTH" = "USER_PASSWORD_AUTH",
  parameters: Record<string, string> = AuthFlow === "USER_AUTH" ? {} : { PASSWORD: password },
): Promise<InitiateAuthCommandOutput> {
  return client.send(
    new InitiateAuthCommand({ ClientId, AuthFlow, AuthParameters: { USERNAME, ...parameters } }),
  );
}

export type Challenge = Pick<InitiateAuthCommandOutput, "ChallengeName" | "Session">;

export function respond(
  { client }: Pick<TestServer, "client">,
  { ClientId }: Pick<Place, "ClientId">,
  challenge: Challenge,
  responses: Record<string, string>,
) {
  return client.send(
    new RespondToAuthChallengeCommand({
      ClientId,
      ChallengeName: challenge.ChallengeName,
      Session: challenge.Session,
      ChallengeResponses: responses,
    }),
  );
}

/** Gives a signed-in user a software token and turns it on. Returns its SecretCode. */
export async function giveSoftwareToken(server: TestServer, AccessToken: string): Promise<string> {
  const { client, clock } = server;
  const { SecretCode } = await client.send(new AssociateSoftwareTokenCommand({ AccessToken }));
  const secret = SecretCode ?? assert.fail("no SecretCode");
  const verified = await client.send(
    new VerifySoftwareTokenCommand({ AccessToken, UserCode: totp(secret, clock.now) }),
  );
  assert.equal(verified.Status, "SUCCESS");
  await client.send(
    new SetUserMFAPreferenceCommand({
      AccessToken,
      SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: true },
    }),
  );
  return secret;
}
