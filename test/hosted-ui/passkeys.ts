/** Shared by the tests of passkeys at the pages: a pool that accepts them, and people who have some. */
import {
  CompleteWebAuthnRegistrationCommand,
  StartWebAuthnRegistrationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { Authenticator } from "../kit/authenticator.ts";
import { makeUser, signIn } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { type App, makeApp } from "./visitor.ts";

export const takesPasskeys = {
  Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "WEB_AUTHN"] } },
} satisfies Parameters<typeof makeApp>[1];

export function makePasskeyApp(
  server: TestServer,
  client: Parameters<typeof makeApp>[2] = {},
  pool: Parameters<typeof makeApp>[1] = {},
): Promise<App> {
  const ExplicitAuthFlows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"] as const;
  return makeApp(
    server,
    { ...takesPasskeys, ...pool },
    { ExplicitAuthFlows: [...ExplicitAuthFlows], ...client },
  );
}

export interface Owner {
  readonly AccessToken: string;
  readonly authenticator: Authenticator;
}

/** A user with a password and a synchronized passkey. */
export async function makeOwner(
  server: TestServer,
  app: App,
  name: string,
  authenticator = new Authenticator(new URL(server.endpoint).origin, { counts: false }),
  attributes: Parameters<typeof makeUser>[3] = [],
): Promise<Owner> {
  await makeUser(server, app.UserPoolId, name, attributes);
  const { AccessToken } = await signIn(server, app.ClientId, name);
  const begun = await server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken }));
  const Credential = authenticator.create(begun.CredentialCreationOptions) as never;
  await server.client.send(new CompleteWebAuthnRegistrationCommand({ AccessToken, Credential }));
  return { AccessToken, authenticator };
}
