/** What a sign-in may wait for, how it is withdrawn in the meantime, and how the right answer is then refused. */
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { forceMfaOn, smsConfiguration, totp, turnMfa } from "../kit/factors.ts";
import { newAddress } from "../kit/people.ts";
import {
  app,
  at,
  byPassword,
  everySecond,
  newPhone,
  openPool,
  type Person,
  type Pools,
  prefer,
} from "./waits.ts";

interface Withdrawal {
  /** Its name in the table of waits. */
  readonly wait: string;
  readonly lose: (person: Person, pools: Pools) => Promise<unknown>;
  readonly type: string;
  /** Restores the pools; people are not shared. */
  readonly restore?: (person: Person, pools: Pools) => Promise<unknown>;
}

export const user = ({ UserPoolId, Username }: Person) => ({ UserPoolId, Username });

/** Sets a pool's factors to these only. */
const only =
  (which: keyof Pools, mode: "ON" | "OPTIONAL", factors: Parameters<typeof turnMfa>[3]) =>
  ({ server }: Person, pools: Pools) =>
    which === "open" && mode === "ON"
      ? forceMfaOn(server, pools[which], factors)
      : turnMfa(server, pools[which], mode, factors);
const restoreMfa = (person: Person, pools: Pools) =>
  Promise.all([
    only("open", "OPTIONAL", everySecond)(person, pools),
    only("strict", "ON", everySecond)(person, pools),
  ]);
const sms = { SmsMfaConfiguration: smsConfiguration };
const email = { EmailMfaConfiguration: {} };

export const updatePool = (person: Person, settings: Partial<sdk.UpdateUserPoolCommandInput>) =>
  person.server.client.send(
    new sdk.UpdateUserPoolCommand({
      UserPoolId: person.UserPoolId,
      ...openPool,
      MfaConfiguration: "OPTIONAL",
      ...settings,
    }),
  );
export const firstFactors = (...AllowedFirstAuthFactors: sdk.AuthFactorType[]) => ({
  lose: (person: Person) => updatePool(person, { Policies: { SignInPolicy: { AllowedFirstAuthFactors } } }),
  restore: (person: Person) => updatePool(person, {}),
  type: "NotAuthorizedException",
});

const setAttributes = (attributes: Record<string, string>) => (person: Person) =>
  person.server.client.send(
    new sdk.AdminUpdateUserAttributesCommand({
      ...user(person),
      UserAttributes: Object.entries(attributes).map(([Name, Value]) => ({ Name, Value })),
    }),
  );
const deleteToken = (person: Person) =>
  person.server.client.send(new sdk.AdminDeleteSoftwareTokenCommand(user(person)));

/** Replaced by the user, who is still signed in elsewhere. */
export async function replaceToken({ server: { client, clock }, AccessToken }: Person): Promise<string> {
  const { SecretCode } = await client.send(new sdk.AssociateSoftwareTokenCommand({ AccessToken }));
  const UserCode = totp(SecretCode!, clock.now, -1);
  await client.send(new sdk.VerifySoftwareTokenCommand({ AccessToken, UserCode }));
  return SecretCode!;
}

/** The owner, or anybody else who knows the password, sets up a token in a separate sign-in. */
async function setUpToken(person: Person): Promise<void> {
  const { session } = at("MFA_SETUP", await byPassword(person));
  const { SecretCode, Session } = await person.server.client.send(
    new sdk.AssociateSoftwareTokenCommand({ Session: session }),
  );
  const UserCode = totp(SecretCode!, person.server.clock.now);
  await person.server.client.send(new sdk.VerifySoftwareTokenCommand({ Session, UserCode }));
}

/** What the person's client may write. */
const mayWrite =
  (...WriteAttributes: string[]) =>
  ({ server, UserPoolId, ClientId }: Person) =>
    server.client.send(
      new sdk.UpdateUserPoolClientCommand({
        UserPoolId,
        ClientId,
        ExplicitAuthFlows: [...app.ExplicitAuthFlows],
        WriteAttributes,
      }),
    );

const noFactor = "MFAMethodNotFoundException";
const noToken = "SoftwareTokenMFANotFoundException";
const noSession = "NotAuthorizedException";
const otherAddress = { email: newAddress(), email_verified: "true" };
const otherPhone = () => setAttributes({ phone_number: newPhone(), phone_number_verified: "true" });

/** From then on the user only signs in with identities at providers (AdminDisableProviderForUser). */
function endedOwnSignIn(...names: readonly string[]): Readonly<Record<string, Withdrawal>> {
  const lose = ({ server, UserPoolId, Username }: Person) =>
    server.client.send(
      new sdk.AdminDisableProviderForUserCommand({
        UserPoolId,
        User: {
          ...{ ProviderName: "Cognito", ProviderAttributeName: "Cognito_Subject" },
          ProviderAttributeValue: Username,
        },
      }),
    );
  return Object.fromEntries(
    names.map((wait) => [`the user's own sign-in, at ${wait}`, { wait, lose, type: noSession }]),
  );
}

export const withdrawals: Readonly<Record<string, Withdrawal>> = {
  ...endedOwnSignIn("PASSWORD", "PASSWORD_VERIFIER", "SELECT_CHALLENGE", "EMAIL_OTP", "WEB_AUTHN"),
  "a software token that an administrator deletes": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: deleteToken,
    type: noToken,
  },
  "a software token that the user replaces": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: replaceToken,
    type: "CodeMismatchException",
  },
  "a software token that is preferred no more": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: (person) => prefer(person, { SoftwareTokenMfaSettings: { Enabled: false } }),
    type: noToken,
  },
  "software tokens, in a pool": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: only("open", "OPTIONAL", { ...sms, ...email }),
    restore: restoreMfa,
    type: noToken,
  },
  "software tokens, in a pool that begins to demand another factor": {
    wait: "SOFTWARE_TOKEN_MFA",
    lose: only("open", "ON", { ...sms, ...email }),
    restore: restoreMfa,
    type: noToken,
  },
  "codes by SMS, in a pool": {
    wait: "SMS_MFA",
    lose: only("open", "OPTIONAL", email),
    restore: restoreMfa,
    type: noFactor,
  },
  "codes by SMS, in a pool that begins to demand another factor": {
    wait: "SMS_MFA",
    lose: only("open", "ON", email),
    restore: restoreMfa,
    type: noFactor,
  },
  "codes by e-mail, in a pool": {
    wait: "EMAIL_OTP after a password",
    lose: only("open", "OPTIONAL", sms),
    restore: restoreMfa,
    type: noFactor,
  },
  "codes by SMS, for a user": {
    wait: "SMS_MFA",
    lose: (person) => prefer(person, { SMSMfaSettings: { Enabled: false } }),
    type: noFactor,
  },
  "the factor that is about to be chosen": {
    wait: "SELECT_MFA_TYPE",
    lose: only("open", "OPTIONAL", sms),
    restore: restoreMfa,
    type: "InvalidParameterException",
  },
  "a phone that is another's now": { wait: "SMS_MFA", lose: otherPhone(), type: "CodeMismatchException" },
  "a mailbox that is another's now": {
    wait: "EMAIL_OTP after a password",
    lose: setAttributes(otherAddress),
    type: "CodeMismatchException",
  },
  "a mailbox that was signed in by": {
    wait: "EMAIL_OTP",
    lose: setAttributes(otherAddress),
    type: "CodeMismatchException",
  },
  "a mailbox that is not verified any more": {
    wait: "EMAIL_OTP",
    lose: setAttributes({ email_verified: "false" }),
    type: "CodeMismatchException",
  },
  "a phone that was signed in by": { wait: "SMS_OTP", lose: otherPhone(), type: "CodeMismatchException" },
  "e-mail as a first factor": { wait: "EMAIL_OTP", ...firstFactors("PASSWORD", "SMS_OTP", "WEB_AUTHN") },
  "SMS as a first factor": { wait: "SMS_OTP", ...firstFactors("PASSWORD", "EMAIL_OTP", "WEB_AUTHN") },
  "passkeys as a first factor": { wait: "WEB_AUTHN", ...firstFactors("PASSWORD", "EMAIL_OTP") },
  "a passkey that the user deletes": {
    wait: "WEB_AUTHN",
    lose: ({ server, AccessToken, passkey }) => {
      const CredentialId = passkey!.id.toString("base64url");
      return server.client.send(new sdk.DeleteWebAuthnCredentialCommand({ AccessToken, CredentialId }));
    },
    type: noSession,
  },
  "passkeys of another relying party": {
    wait: "WEB_AUTHN",
    lose: only("open", "OPTIONAL", { ...everySecond, WebAuthnConfiguration: { RelyingPartyId: "example" } }),
    restore: restoreMfa,
    type: noSession,
  },
  "an address to set up, where the pool takes none": {
    wait: "MFA_SETUP, of an address",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: "InvalidParameterException",
  },
  "an address whose code has come, where the pool takes none": {
    wait: "the code of MFA_SETUP",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noFactor,
  },
  "an address to set up, which the client may write no more": {
    wait: "MFA_SETUP, of an address",
    lose: mayWrite("nickname"),
    restore: mayWrite("email", "phone_number"),
    type: noSession,
  },
  "an address whose code has come, which the client may write no more": {
    wait: "the code of MFA_SETUP",
    lose: mayWrite("nickname"),
    restore: mayWrite("email", "phone_number"),
    type: noSession,
  },
  "software tokens, before one is associated": {
    wait: "AssociateSoftwareToken",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noToken,
  },
  "software tokens, before one is verified": {
    wait: "VerifySoftwareToken",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noToken,
  },
  "software tokens, after one was verified": {
    wait: "MFA_SETUP, of a software token",
    lose: only("strict", "ON", sms),
    restore: restoreMfa,
    type: noToken,
  },
  "the software token that was just set up": {
    wait: "MFA_SETUP, of a software token",
    lose: deleteToken,
    type: noToken,
  },
  "the software token that was just set up, which another takes the place of": {
    wait: "MFA_SETUP, of a software token",
    lose: async (person) => {
      await deleteToken(person);
      person.server.clock.advance(61_000);
      await setUpToken(person);
    },
    type: noToken,
  },
  "the right to set up an address, of a user who has a factor meanwhile": {
    wait: "MFA_SETUP, of an address",
    lose: setUpToken,
    type: noSession,
  },
  "the right to confirm an address, of a user who has a factor meanwhile": {
    wait: "the code of MFA_SETUP",
    lose: setUpToken,
    type: noSession,
  },
  "the right to set up a token, of a user who has a factor meanwhile": {
    wait: "AssociateSoftwareToken",
    lose: setUpToken,
    type: noSession,
  },
  "the right to verify a token, of a user who has a factor meanwhile": {
    wait: "VerifySoftwareToken",
    lose: setUpToken,
    type: noSession,
  },
  "a device that is forgotten before it is asked for its proof": {
    wait: "DEVICE_SRP_AUTH",
    lose: (person) => forget(person),
    type: "ResourceNotFoundException",
  },
  "a device that is forgotten before its proof comes": {
    wait: "DEVICE_PASSWORD_VERIFIER",
    lose: (person) => forget(person),
    type: "ResourceNotFoundException",
  },
};

export const forget = (person: Person, DeviceKey = person.device!.key) =>
  person.server.client.send(new sdk.AdminForgetDeviceCommand({ ...user(person), DeviceKey }));
