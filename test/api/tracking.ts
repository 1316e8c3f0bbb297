/** What the tests of sessions share: a pool that tracks them, and how they are seen. */
import assert from "node:assert/strict";
import {
  AdminListUserSessionsCommand,
  GetUserCommand,
  ListUserSessionsCommand,
  type SessionDescriptionType,
  SetUserPoolSessionConfigurationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePool, makeUser, refused } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";

export const disabled = refused(
  "OperationNotEnabledException",
  "Session tracking is not enabled for this user pool.",
);
export const gone = refused("ResourceNotFoundException", "Session does not exist.");
export const revoked = refused("NotAuthorizedException", "Access Token has been revoked");

export async function track({ client }: TestServer, UserPoolId: string, MaxPerUser = 20): Promise<void> {
  const TokenSession = { MaxPerUser };
  await client.send(
    new SetUserPoolSessionConfigurationCommand({ UserPoolId, UserSessionTracking: "ENABLED", TokenSession }),
  );
}

export async function untrack({ client }: TestServer, UserPoolId: string): Promise<void> {
  const TokenSession = { MaxPerUser: 20 };
  await client.send(
    new SetUserPoolSessionConfigurationCommand({ UserPoolId, UserSessionTracking: "DISABLED", TokenSession }),
  );
}

/** A pool that tracks sessions, with Ann in it. */
export async function setUpSessions(
  server: TestServer,
  MaxPerUser = 20,
  app: Parameters<typeof makePool>[2] = {},
) {
  const place = await makePool(server, {}, app);
  await track(server, place.UserPoolId, MaxPerUser);
  await makeUser(server, place.UserPoolId, "ann");
  const { client } = server;
  const named = { UserPoolId: place.UserPoolId, Username: "ann" };
  const list = async (): Promise<SessionDescriptionType[]> =>
    (await client.send(new AdminListUserSessionsCommand(named))).Sessions ?? [];
  const own = async (AccessToken: string): Promise<SessionDescriptionType[]> =>
    (await client.send(new ListUserSessionsCommand({ AccessToken }))).Sessions ?? [];
  const currentId = async (AccessToken: string): Promise<string> =>
    (await own(AccessToken)).find(({ IsCurrentSession }) => IsCurrentSession)?.SessionId ?? assert.fail();
  const use = (AccessToken: string) => client.send(new GetUserCommand({ AccessToken }));
  return { ...place, client, named, list, own, currentId, use };
}
