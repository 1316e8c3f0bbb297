/** What no longer counts: the ID tokens of users whose session has ended, and what a pool had given before it was revoked. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  GetCredentialsForIdentityCommand,
  GetOpenIdTokenCommand,
  SetIdentityPoolRolesCommand,
} from "@aws-sdk/client-cognito-identity";
import {
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminSetUserPasswordCommand,
  AdminUserGlobalSignOutCommand,
  type CognitoIdentityProviderClient,
  DeleteUserCommand,
  GlobalSignOutCommand,
  RevokeTokenCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { revokeCredentials } from "../../src/domain/identity-pools/manage-identity-pools.ts";
import { makeSomebody, password, refused, signIn, type Tokens, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { forClient, makeRole, providerOf, trusting } from "./setup.ts";
import { stsClient } from "./sts-setup.ts";
import { World } from "./world.ts";

interface Somebody extends Tokens {
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly Username: string;
}

type End = (client: CognitoIdentityProviderClient, of: Somebody) => Promise<unknown>;
const named = ({ UserPoolId, Username }: Somebody) => ({ UserPoolId, Username });

/** What becomes of a user, and whether the pool that checks tokens accepts the one from before. */
const ends: readonly (readonly [title: string, end: End, isAccepted: boolean])[] = [
  ["nothing", async () => {}, true],
  ["disabled", (client, of) => client.send(new AdminDisableUserCommand(named(of))), false],
  [
    "disabled and enabled again",
    async (client, of) => {
      await client.send(new AdminDisableUserCommand(named(of)));
      await client.send(new AdminEnableUserCommand(named(of)));
    },
    false,
  ],
  [
    "signed out by an administrator",
    (client, of) => client.send(new AdminUserGlobalSignOutCommand(named(of))),
    false,
  ],
  [
    "signed out everywhere",
    (client, { AccessToken }) => client.send(new GlobalSignOutCommand({ AccessToken })),
    false,
  ],
  [
    "the refresh token revoked",
    (client, { ClientId, RefreshToken }) =>
      client.send(new RevokeTokenCommand({ ClientId, Token: RefreshToken })),
    false,
  ],
  ["deleted", (client, of) => client.send(new AdminDeleteUserCommand(named(of))), false],
  ["gone", (client, { AccessToken }) => client.send(new DeleteUserCommand({ AccessToken })), false],
  [
    "the password set",
    (client, of) =>
      client.send(new AdminSetUserPasswordCommand({ ...named(of), Password: password, Permanent: true })),
    false,
  ],
  [
    "another session signed out",
    async (client, { ClientId, Username }) => {
      const { RefreshToken } = await signIn({ client }, ClientId, Username);
      await client.send(new RevokeTokenCommand({ ClientId, Token: RefreshToken }));
    },
    true,
  ],
];

forEachServer("what no longer counts", (open) => {
  let made: Promise<World> | undefined;
  const world = () => (made ??= World.make(open));
  after(async () => (await made)?.client.destroy());

  test("ServerSideTokenCheck looks at what has become of the user and of the session", async () => {
    const w = await world();
    const { client } = w.server;
    for (const [title, end, isAccepted] of ends) {
      const after = await Promise.all(
        w.userPools.map(async ({ UserPoolId, ClientId }) => {
          const Username = await makeSomebody(w.server, UserPoolId);
          const tokens = await signIn(w.server, ClientId, Username);
          const login = { [providerOf(UserPoolId)]: tokens.IdToken };
          const id = await w.id(login);
          await end(client, { UserPoolId, ClientId, Username, ...tokens });
          return w.use(id, login).then(
            () => "accepted",
            (error: Error) => `${error.name}: ${error.message}`,
          );
        }),
      );
      const revoked = "NotAuthorizedException: Invalid login token. Token has been revoked.";
      // The first pool does not check, and believes the token until it expires.
      assert.deepEqual(after, ["accepted", isAccepted ? "accepted" : revoked], title);
    }
  });

  test("a pool that is revoked refuses the tokens and the credentials that it gave before", async () => {
    const w = await world();
    const { app, clock } = w.server;
    clock.freeze();
    const sts = stsClient(w.server);
    const inStep = () => {
      for (const client of [w.client, sts]) client.config.systemClockOffset = clock.now - Date.now();
    };
    inStep();
    const RoleArn = await makeRole(w.server, trusting(w.poolId, "authenticated"));
    const Roles = { authenticated: RoleArn };
    await w.client.send(new SetIdentityPoolRolesCommand({ IdentityPoolId: w.poolId, Roles }));
    const user = unique("dev");
    /** Whether each of the ways in which a token of the pool, and credentials, count is open. */
    const give = async () => {
      const { id: IdentityId, token } = await w.vouch(user);
      const Logins = { "cognito-identity.amazonaws.com": token };
      const given = new GetCredentialsForIdentityCommand({ IdentityId, Logins });
      const caller = stsClient(w.server, {
        credentials: forClient((await w.client.send(given)).Credentials),
        systemClockOffset: clock.now - Date.now(),
      });
      after(() => caller.destroy());
      return async () => {
        const outcomes = await Promise.allSettled([
          w.client.send(given),
          w.client.send(new GetOpenIdTokenCommand({ IdentityId, Logins })),
          sts.send(
            new AssumeRoleWithWebIdentityCommand({
              RoleArn,
              RoleSessionName: "app",
              WebIdentityToken: token,
            }),
          ),
          caller.send(new GetCallerIdentityCommand({})),
        ]);
        return outcomes.map((one) => (one.status === "rejected" ? one.reason.name : "open"));
      };
    };
    const open = Array(4).fill("open");
    const refusals = [
      "NotAuthorizedException",
      "NotAuthorizedException",
      "InvalidIdentityTokenException",
      "ExpiredToken",
    ];
    const before = await give();
    assert.deepEqual(await before(), open);
    assert.equal(await revokeCredentials(app, w.poolId), true);
    assert.deepEqual(await before(), refusals);
    clock.advance(1000);
    inStep();
    const later = await give();
    assert.deepEqual(await later(), open, "what is given from now on counts");
    assert.deepEqual(await before(), refusals);
    await assert.rejects(w.use((await w.vouch(user)).id), refused("NotAuthorizedException"));
    sts.destroy();
  });
});
