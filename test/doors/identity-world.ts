/** An identity pool in which every operation could have an effect, on objects that no other operation needs. */
import assert from "node:assert/strict";
import { GetIdCommand, GetOpenIdTokenForDeveloperIdentityCommand } from "@aws-sdk/client-cognito-identity";
import {
  allowing,
  giveRoles,
  identityClient,
  makeIdentityPool,
  providerOf,
} from "../identity-pools/setup.ts";
import { makeUser, signIn } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import type { Values } from "./operations.ts";

const developer = "developer.doors";

export async function makeIdentityWorld(
  server: TestServer,
  { UserPoolId, ClientId }: { readonly UserPoolId: string; readonly ClientId: string },
): Promise<{ readonly values: Values; readonly special: Readonly<Record<string, Values>> }> {
  const client = identityClient(server);
  const provider = providerOf(UserPoolId);
  const CognitoIdentityProviders = [{ ProviderName: provider, ClientId }];
  const settings = { AllowUnauthenticatedIdentities: true, AllowClassicFlow: true, CognitoIdentityProviders };
  const IdentityPoolId = await makeIdentityPool(client, { ...settings, DeveloperProviderName: developer });
  const Roles = await giveRoles(server, client, IdentityPoolId, {
    authenticated: allowing("execute-api:Invoke"),
    unauthenticated: allowing("execute-api:Invoke"),
  });
  const loginsOf = async (username: string) => {
    await makeUser(server, UserPoolId, username);
    return { [provider]: (await signIn(server, ClientId, username)).IdToken };
  };
  const identify = async (Logins?: Record<string, string>) =>
    (await client.send(new GetIdCommand({ IdentityPoolId, Logins }))).IdentityId ??
    assert.fail("no identity");
  const vouch = async (name: string) => {
    const command = new GetOpenIdTokenForDeveloperIdentityCommand({
      IdentityPoolId,
      Logins: { [developer]: name },
    });
    return (await client.send(command)).IdentityId ?? assert.fail("no identity");
  };
  const Logins = await loginsOf("ida");
  const unlinking = await loginsOf("una");
  for (const name of ["source", "destination"]) await vouch(name);
  const values: Values = {
    ...settings,
    IdentityPoolId,
    IdentityPoolName: "doors",
    IdentityId: await identify(Logins),
    Logins,
    Roles,
    DeveloperProviderName: developer,
    IdentityProviderName: provider,
    PrincipalTags: { colour: "nickname" },
    ResourceArn: `arn:aws:cognito-identity:us-east-1:000000000000:identitypool/${IdentityPoolId}`,
    SourceUserIdentifier: "source",
    DestinationUserIdentifier: "destination",
    TagKeys: ["colour"],
    Tags: { colour: "blue" },
  };
  const special: Readonly<Record<string, Values>> = {
    DeleteIdentities: { IdentityIdsToDelete: [await identify()] },
    DeleteIdentityPool: { IdentityPoolId: await makeIdentityPool(client) },
    GetOpenIdTokenForDeveloperIdentity: { Logins: { [developer]: "fresh" }, IdentityId: await identify() },
    LookupDeveloperIdentity: { IdentityId: await vouch("looked-up"), DeveloperUserIdentifier: "looked-up" },
    UnlinkDeveloperIdentity: { IdentityId: await vouch("unlinked"), DeveloperUserIdentifier: "unlinked" },
    UnlinkIdentity: { IdentityId: await identify(unlinking), Logins: unlinking, LoginsToRemove: [provider] },
  };
  client.destroy();
  return { values, special };
}
