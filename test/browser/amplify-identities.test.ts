/** Amplify, unmodified, in Chromium: credentials of a guest, who then signs in. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { DescribeUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import {
  allowing,
  giveRoles,
  identityClient,
  makeIdentityPool,
  providerOf,
} from "../identity-pools/setup.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeSomebody, password, refused } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { Application } from "./amplify.ts";

/** An identity pool with guests whose users may describe user pools. */
async function makePlace(server: TestServer) {
  const place = await makePool(server);
  const client = identityClient(server);
  const IdentityPoolId = await makeIdentityPool(client, {
    AllowUnauthenticatedIdentities: true,
    CognitoIdentityProviders: [{ ProviderName: providerOf(place.UserPoolId), ClientId: place.ClientId }],
  });
  const describing = allowing("cognito-idp:DescribeUserPool");
  await giveRoles(server, client, IdentityPoolId, { authenticated: describing, unauthenticated: describing });
  client.destroy();
  return { ...place, IdentityPoolId };
}

describe("identities by Amplify in Chromium", needs("chromium"), () => {
  forOneServer("sqlite", "fetchAuthSession", (open) => {
    let app: Application | undefined;
    after(() => app?.close());

    test("a guest who signs in stays the same identity, whose credentials then sign calls", async () => {
      const server = await open();
      const place = await makePlace(server);
      const { UserPoolId } = place;
      app = await Application.open();
      await app.visit(server, place);
      const describePool = async (credentials: object | undefined) => {
        assert.ok(credentials, "no credentials");
        const sdk = newSdk(server.endpoint, { credentials: credentials as never });
        try {
          return (await sdk.send(new DescribeUserPoolCommand({ UserPoolId }))).UserPool?.Id;
        } finally {
          sdk.destroy();
        }
      };
      const guest = await app.call("fetchAuthSession");
      assert.equal(guest.tokens, undefined);
      await assert.rejects(describePool(guest.credentials), refused("AccessDeniedException"));
      const username = await makeSomebody(server, UserPoolId);
      await app.call("signIn", { username, password, options: { authFlowType: "USER_PASSWORD_AUTH" } });
      const user = await app.call("fetchAuthSession");
      assert.equal(user.identityId, guest.identityId);
      assert.equal(await describePool(user.credentials), UserPoolId);
      await app.call("signOut");
      const next = await app.call("fetchAuthSession");
      assert.notEqual(next.identityId, guest.identityId);
    });
  });
});
