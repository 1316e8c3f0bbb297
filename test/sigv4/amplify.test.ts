/** Amplify: a guest, and then a member of a group, call an API that only the group's role may use. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { SetIdentityPoolRolesCommand } from "@aws-sdk/client-cognito-identity";
import { AdminAddUserToGroupCommand, CreateGroupCommand } from "@aws-sdk/client-cognito-identity-provider";
import { Amplify } from "aws-amplify";
import { get, isCancelError, post } from "aws-amplify/api";
import { fetchAuthSession, signIn, signOut } from "aws-amplify/auth";
import express from "express";
import { callerOf, forExpress, keepRawBody } from "../../src/sigv4/index.ts";
import {
  allowing,
  identityClient,
  makeIdentityPool,
  makeRole,
  providerOf,
  trusting,
} from "../identity-pools/setup.ts";
import { makePool, makeSomebody, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { newVerifier, serve } from "./setup.ts";

const arn = "arn:aws:execute-api:us-east-1:000000000000:orders/prod";

/** What an answer of Amplify's client says: its body, or the status and the message of what was refused. */
async function told(operation: ReturnType<typeof get | typeof post>): Promise<unknown> {
  try {
    return await (await operation.response).body.json();
  } catch (error) {
    assert.ok(!isCancelError(error));
    const { response } = error as { response?: { statusCode: number; body?: string } };
    if (response === undefined) throw error;
    return { status: response.statusCode, ...JSON.parse(response.body ?? "{}") };
  }
}

forOneServer("sqlite", "Amplify and an API behind the verifier", (open) => {
  test("a guest may read what is public; a member of admins does what the role of the group allows", async (t) => {
    const server = await open();
    const { verifier } = await newVerifier(server);
    const app = express();
    app.use(express.json({ verify: keepRawBody }), forExpress(verifier).requireInvoke());
    app.use((request, response) => {
      const { cognitoIdentityId, cognitoAuthenticationType } = callerOf(request).requestContext.identity;
      response.json({ cognitoIdentityId, cognitoAuthenticationType, body: request.body ?? null });
    });
    const { host, close } = await serve(app);
    t.after(close);
    const client = identityClient(server);
    after(() => client.destroy());
    const { UserPoolId, ClientId } = await makePool(server);
    const IdentityPoolId = await makeIdentityPool(client, {
      AllowUnauthenticatedIdentities: true,
      CognitoIdentityProviders: [{ ProviderName: providerOf(UserPoolId), ClientId }],
    });
    const role = (kind: "authenticated" | "unauthenticated", resource: string) =>
      makeRole(server, trusting(IdentityPoolId, kind), {
        permissions: allowing("execute-api:Invoke", `${arn}/${resource}`),
      });
    const RoleArn = await role("authenticated", "*/orders");
    const guests = await role("unauthenticated", "GET/public/*");
    await client.send(
      new SetIdentityPoolRolesCommand({
        IdentityPoolId,
        Roles: { authenticated: await role("authenticated", "GET/public/*"), unauthenticated: guests },
        RoleMappings: {
          [`${providerOf(UserPoolId)}:${ClientId}`]: {
            Type: "Token",
            AmbiguousRoleResolution: "AuthenticatedRole",
          },
        },
      }),
    );
    await server.client.send(new CreateGroupCommand({ UserPoolId, GroupName: "admins", RoleArn }));
    const [member, admin] = [await makeSomebody(server, UserPoolId), await makeSomebody(server, UserPoolId)];
    await server.client.send(
      new AdminAddUserToGroupCommand({ UserPoolId, GroupName: "admins", Username: admin }),
    );
    Amplify.configure({
      Auth: {
        Cognito: {
          ...{ userPoolId: UserPoolId, userPoolClientId: ClientId, userPoolEndpoint: server.endpoint },
          ...{
            identityPoolId: IdentityPoolId,
            identityPoolEndpoint: server.endpoint,
            allowGuestAccess: true,
          },
        },
      },
      API: { REST: { orders: { endpoint: `http://${host}`, region: "us-east-1", service: "execute-api" } } },
    });
    const read = (path: string) => told(get({ apiName: "orders", path }));
    const order = () => told(post({ apiName: "orders", path: "/orders", options: { body: { item: 1 } } }));
    const denied =
      /^User: arn:aws:sts::000000000000:assumed-role\/role\d+\/CognitoIdentityCredentials is not authorized/;
    const assertDenied = async (answer: Promise<unknown>) => {
      const { status, message } = (await answer) as { status: number; message: string };
      assert.equal(status, 403);
      assert.match(message, denied);
    };
    const as = async () => ({
      cognitoIdentityId: (await fetchAuthSession()).identityId,
      cognitoAuthenticationType:
        (await fetchAuthSession()).tokens === undefined ? "unauthenticated" : "authenticated",
    });
    assert.deepEqual(await read("/public/a%20b"), { ...(await as()), body: null });
    await assertDenied(order());
    for (const [username, isAdmin] of [
      [member, false],
      [admin, true],
    ] as const) {
      const { isSignedIn } = await signIn({
        username,
        password,
        options: { authFlowType: "USER_PASSWORD_AUTH" },
      });
      assert.ok(isSignedIn);
      if (isAdmin) assert.deepEqual(await order(), { ...(await as()), body: { item: 1 } });
      else await assertDenied(order());
      assert.equal((await as()).cognitoAuthenticationType, "authenticated");
      await signOut();
    }
  });
});
