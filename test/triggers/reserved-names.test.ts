/** Every way to a name, with one that begins as those of an identity provider's users do: nobody gets it, and its user comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { addProvider, arrive, identity, newSubject, offer } from "../federation/people.ts";
import { makePool, makeUser, newAddress, password, signIn } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { forOneServerWithFunctions, script, scripted } from "./functions.ts";

interface Place {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
}

/** A user who has a name of their own already. */
async function somebody({ server, UserPoolId, ClientId }: Place) {
  const Username = await makeUser(server, UserPoolId, `native-${newSubject()}`);
  return { Username, AccessToken: (await signIn(server, ClientId, Username)).AccessToken };
}

const preferred = (Value: string) => [{ Name: "preferred_username", Value }];

const found = (attributes: object = {}) => ({
  response: {
    userAttributes: { email: newAddress(), email_verified: "true", ...attributes },
    finalUserStatus: "CONFIRMED",
    messageAction: "SUPPRESS",
  },
});

const byPassword = ({ server: { client }, ClientId }: Place, USERNAME: string) =>
  client.send(
    new sdk.InitiateAuthCommand({
      ...{ ClientId, AuthFlow: "USER_PASSWORD_AUTH" },
      AuthParameters: { USERNAME, PASSWORD: password },
    }),
  );

/** THE table of ways to a name. What a function of the pool says is refused as if it knew nobody. */
const ways: Readonly<
  Record<string, { readonly error: string; readonly take: (place: Place, name: string) => Promise<unknown> }>
> = {
  AdminCreateUser: {
    error: "InvalidParameterException",
    take: ({ server: { client }, UserPoolId }, Username) =>
      client.send(new sdk.AdminCreateUserCommand({ UserPoolId, Username, ForceAliasCreation: true })),
  },
  "AdminCreateUser, preferred_username": {
    error: "InvalidParameterException",
    take: ({ server: { client }, UserPoolId }, name) =>
      client.send(
        new sdk.AdminCreateUserCommand({
          ...{ UserPoolId, Username: `native-${newSubject()}`, ForceAliasCreation: true },
          UserAttributes: preferred(name),
        }),
      ),
  },
  "SignUp, which PreSignUp confirms": {
    error: "InvalidParameterException",
    take: ({ server: { client }, UserPoolId, ClientId }, Username) => {
      const response = { autoConfirmUser: true, autoVerifyEmail: true, userName: Username };
      script(UserPoolId, "PreSignUp_SignUp", { response });
      const UserAttributes = [{ Name: "email", Value: newAddress() }];
      return client.send(new sdk.SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
    },
  },
  "UserMigration at a sign-in": {
    error: "UserNotFoundException",
    take: (place, name) => {
      script(place.UserPoolId, "UserMigration_Authentication", found());
      return byPassword(place, name);
    },
  },
  "UserMigration, which states the name": {
    error: "UserNotFoundException",
    take: (place, username) => {
      const email = newAddress();
      script(place.UserPoolId, "UserMigration_Authentication", found({ email, username }));
      return byPassword(place, email);
    },
  },
  "UserMigration, preferred_username": {
    error: "UserNotFoundException",
    take: (place, preferred_username) => {
      script(place.UserPoolId, "UserMigration_Authentication", found({ preferred_username }));
      return byPassword(place, `native-${newSubject()}`);
    },
  },
  "UserMigration of a forgotten password": {
    error: "UserNotFoundException",
    take: ({ server: { client }, UserPoolId, ClientId }, Username) => {
      script(UserPoolId, "UserMigration_ForgotPassword", found());
      return client.send(new sdk.ForgotPasswordCommand({ ClientId, Username }));
    },
  },
  AdminUpdateUserAttributes: {
    error: "InvalidParameterException",
    take: async (place, name) => {
      const { Username } = await somebody(place);
      const { server, UserPoolId } = place;
      const UserAttributes = preferred(name);
      return server.client.send(
        new sdk.AdminUpdateUserAttributesCommand({ UserPoolId, Username, UserAttributes }),
      );
    },
  },
  UpdateUserAttributes: {
    error: "InvalidParameterException",
    take: async (place, name) => {
      const { AccessToken } = await somebody(place);
      const UserAttributes = preferred(name);
      return place.server.client.send(new sdk.UpdateUserAttributesCommand({ AccessToken, UserAttributes }));
    },
  },
};

forOneServerWithFunctions("sqlite", "names of identity providers' users", (open) => {
  const settings = (CaseSensitive: boolean) => ({
    AliasAttributes: ["preferred_username", "email"] as sdk.AliasAttributeType[],
    AutoVerifiedAttributes: ["email"] as sdk.VerifiedAttributeType[],
    UsernameConfiguration: { CaseSensitive },
    LambdaConfig: { UserMigration: scripted, PreSignUp: scripted },
  });

  for (const CaseSensitive of [true, false])
    test(`nobody takes one, where case ${CaseSensitive ? "matters" : "does not matter"}`, async () => {
      const server = await open();
      const made = await makePool(server, settings(CaseSensitive), {
        PreventUserExistenceErrors: "LEGACY",
      });
      const place = { server, ...made, base: "" };
      await addProvider(place, "Okta");
      await offer(place, "COGNITO", "Okta");
      for (const [way, { error, take }] of Object.entries(ways)) {
        for (const prefix of ["Okta", "oKTA"]) {
          const subject = newSubject();
          const taken = take(place, `${prefix}_${subject}`).then(
            () => "taken",
            ({ name }: Error) => name,
          );
          assert.equal(await taken, error, `${way}, ${prefix}`);
          const { user } = await arrive(place, identity(subject), "Okta");
          assert.equal(user.status, "EXTERNAL_PROVIDER", `${way}, ${prefix}`);
        }
        // The control: what only looks like it is free.
        script(place.UserPoolId, "PreSignUp_SignUp", { response: {} });
        await take(place, `Oktas_${newSubject()}`);
      }
    });
});
