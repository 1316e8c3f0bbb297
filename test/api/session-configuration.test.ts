/** Whether pools track sessions: how they are told to, and that nothing costs more where they do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminListUserSessionsCommand,
  AdminRevokeUserSessionCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  GetUserPoolClientSessionConfigurationCommand,
  GetUserPoolSessionConfigurationCommand,
  ListUserSessionsCommand,
  RevokeUserSessionCommand,
  SetUserPoolClientSessionConfigurationCommand,
  UpdateUserPoolClientCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePool, makeUser, refused, signIn } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { disabled, track, untrack } from "./tracking.ts";
import { watchWork } from "./work.ts";

forOneServer("postgres", "session configuration", (open) => {
  test("a pool and its clients are configured; the defaults, what others leave alone, and what is refused", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId, ClientId } = await makePool(server);
    const read = () => client.send(new GetUserPoolSessionConfigurationCommand({ UserPoolId }));
    const readClient = async () => {
      const command = new GetUserPoolClientSessionConfigurationCommand({ UserPoolId, ClientId });
      return (await client.send(command)).SSOSession;
    };
    const { $metadata: _, ...before } = await read();
    const TokenSession = { MaxPerUser: 20 };
    assert.deepEqual(before, { UserPoolId, UserSessionTracking: "DISABLED", TokenSession });
    assert.deepEqual(await readClient(), { MaxValidityMinutes: 60 });
    const setClient = (MaxValidityMinutes: number, id = ClientId) =>
      client.send(
        new SetUserPoolClientSessionConfigurationCommand({
          UserPoolId,
          ClientId: id,
          SSOSession: { MaxValidityMinutes },
        }),
      );
    await assert.rejects(setClient(5), disabled);
    for (const wrong of [0, 101, -1])
      await assert.rejects(track(server, UserPoolId, wrong), refused("InvalidParameterException"));
    await track(server, UserPoolId, 7);
    for (const wrong of [-1, 129_601])
      await assert.rejects(setClient(wrong), refused("InvalidParameterException"));
    await assert.rejects(setClient(5, "nobody"), refused("ResourceNotFoundException"));
    const { $metadata: __, ...answer } = await setClient(129_600);
    assert.deepEqual(answer, { UserPoolId, ClientId, SSOSession: { MaxValidityMinutes: 129_600 } });
    // Other settings are replaced as a whole, and these are none of theirs.
    await client.send(new UpdateUserPoolCommand({ UserPoolId }));
    await client.send(new UpdateUserPoolClientCommand({ UserPoolId, ClientId, ClientName: "renamed" }));
    const { UserSessionTracking, TokenSession: kept } = await read();
    assert.deepEqual([UserSessionTracking, kept], ["ENABLED", { MaxPerUser: 7 }]);
    const described = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
    const app = await client.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    assert.ok(!/Session(?:Tracking|":)|SSOSession/.test(JSON.stringify([described, app])));
    // Dormant while tracking is off.
    await untrack(server, UserPoolId);
    assert.deepEqual(await readClient(), { MaxValidityMinutes: 129_600 });
  });

  test("without tracking there are no sessions to see, and no call costs a statement more", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId, ClientId } = await makePool(server);
    await makeUser(server, UserPoolId, "ann");
    const { AccessToken, RefreshToken } = await signIn(server, ClientId, "ann");
    const named = { UserPoolId, Username: "ann" };
    const SessionId = `tkn${"a".repeat(25)}`;
    for (const command of [
      new ListUserSessionsCommand({ AccessToken }),
      new RevokeUserSessionCommand({ AccessToken, SessionId }),
      new AdminListUserSessionsCommand(named),
      new AdminRevokeUserSessionCommand({ ...named, SessionId }),
    ])
      await assert.rejects(client.send(command as ListUserSessionsCommand), disabled);
    const watched = watchWork(server.app);
    const cost = async (request: () => Promise<unknown>) => (await watched.during(request)).work.statements;
    const refresh = () => client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken }));
    const all = [
      await cost(() => signIn(server, ClientId, "ann")),
      await cost(refresh),
      await cost(() => client.send(new GetUserCommand({ AccessToken }))),
    ];
    assert.deepEqual(
      all.map((statements) => statements.length),
      [6, 3, 1],
    );
    assert.ok(!/token_sessions|browser_sessions|for update/.test(JSON.stringify(all)));
    await track(server, UserPoolId);
    assert.match(
      (await cost(() => signIn(server, ClientId, "ann"))).join("\n"),
      /insert into "token_sessions"/,
    );
    assert.match((await cost(refresh)).join("\n"), /update "token_sessions"/);
  });
});
