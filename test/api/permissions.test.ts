/** Permissions besides an operation's own: tags that mean something, ids that are chosen, senders of mail. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  type CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  DeleteUserPoolCommand,
  DescribeUserPoolCommand,
  ListUserPoolsCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateUserPoolCommand,
  type UpdateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import type { permissions } from "../../src/domain/iam/actions.ts";
import { makePool, refused } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const arnOf = (pool: string) => `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${pool}`;
const newPoolId = () => `us-east-1_${randomBytes(6).toString("hex")}`;
const poolsOnly = { Effect: "Allow", Action: "cognito-idp:*", Resource: "*" };

const clients: CognitoIdentityProviderClient[] = [];
after(() => {
  for (const client of clients) client.destroy();
});

/** A client whose key may do what the statements say. */
async function clientWith(server: TestServer, ...Statement: object[]) {
  const policy = JSON.stringify({ Version: "2012-10-17", Statement });
  const credentials = await createAccessKey(server.app, "team", policy);
  const { endpoint } = server;
  const client = newSdk(endpoint, {
    credentials,
    systemClockOffset: server.clock.now - Date.now(),
    maxAttempts: 1,
  });
  clients.push(client);
  return client;
}

const lacks = (permission: keyof typeof permissions, resource: string) =>
  refused(
    "AccessDeniedException",
    `User: arn:aws:iam::000000000000:user/team is not authorized to perform: poolhouse:${permission} on resource: ` +
      `${resource} because no identity-based policy allows the poolhouse:${permission} action`,
  );

async function settings({ client }: TestServer, UserPoolId: string) {
  const { UserPool = assert.fail("no pool") } = await client.send(
    new DescribeUserPoolCommand({ UserPoolId }),
  );
  return UserPool;
}

const specialTags: readonly Record<string, string>[] = [
  { "poolhouse:issuer": "aws" },
  { "poolhouse:oidc": "*" },
  { "poolhouse:silent-renewal": "*" },
  { "poolhouse:anything-later": "x" },
  { _custom_id_: "us-east-1_other" },
  { "ms-custom-id": "us-east-1_other" },
  { "floci:override-id": "us-east-1_other" },
];

const from = (From: string): Partial<UpdateUserPoolCommandInput> => ({ EmailConfiguration: { From } });

forOneServer(
  "postgres",
  "permissions of their own",
  (open) => {
    test("tags that mean something are set, changed and removed by whom a policy gives that, on no way without", async () => {
      const server = await open();
      const team = await clientWith(server, poolsOnly);
      for (const special of specialTags) {
        const [name = assert.fail()] = Object.keys(special);
        const { UserPoolId } = await makePool(server, { UserPoolTags: { plain: "1" } });
        const ResourceArn = arnOf(UserPoolId);
        const denied = lacks("SetSpecialTags", ResourceArn);
        const refuses = async (Tags: Record<string, string>) => {
          const update = (UserPoolTags: Record<string, string>) =>
            team.send(new UpdateUserPoolCommand({ UserPoolId, UserPoolTags }));
          await assert.rejects(team.send(new TagResourceCommand({ ResourceArn, Tags })), denied, name);
          await assert.rejects(update({ plain: "2", ...Tags }), denied, name);
        };
        await refuses(special);
        assert.deepEqual((await settings(server, UserPoolId)).UserPoolTags, { plain: "1" });
        await server.client.send(new TagResourceCommand({ ResourceArn, Tags: special }));
        await refuses({ [name]: name === "poolhouse:issuer" ? "own" : "us-east-1_another" });
        await assert.rejects(
          team.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["plain", name] })),
          denied,
        );
        await assert.rejects(team.send(new UpdateUserPoolCommand({ UserPoolId, UserPoolTags: {} })), denied);
        // What leaves them as they are needs no more than the operation's own permission.
        await team.send(new UpdateUserPoolCommand({ UserPoolId }));
        await team.send(new UpdateUserPoolCommand({ UserPoolId, UserPoolTags: { ...special, a: "b" } }));
        await team.send(new TagResourceCommand({ ResourceArn, Tags: { ...special, plain: "3" } }));
        await team.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["plain"] }));
        assert.deepEqual((await settings(server, UserPoolId)).UserPoolTags, { ...special, a: "b" });
        await server.client.send(new UntagResourceCommand({ ResourceArn, TagKeys: [name] }));
      }
    });

    test("such tags cannot be given to a new pool either; a chosen id is asked for by its own ARN", async () => {
      const server = await open();
      const team = await clientWith(server, poolsOnly);
      const create = (client: CognitoIdentityProviderClient, UserPoolTags: Record<string, string>) =>
        client.send(new CreateUserPoolCommand({ PoolName: "new", UserPoolTags }));
      await create(team, { plain: "1" });
      await assert.rejects(create(team, { "poolhouse:issuer": "aws" }), lacks("SetSpecialTags", "*"));
      const [mine, other] = [newPoolId(), newPoolId()];
      await assert.rejects(create(team, { _custom_id_: mine }), lacks("SetSpecialTags", arnOf(mine)));
      const special = { Effect: "Allow", Action: "poolhouse:SetSpecialTags", Resource: arnOf(mine) };
      const chosen = await clientWith(server, poolsOnly, special);
      await create(chosen, { "ms-custom-id": mine });
      await assert.rejects(create(chosen, { _custom_id_: other }), lacks("SetSpecialTags", arnOf(other)));
    });

    test("a policy can give some of those tags, by the keys of those that change", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const ResourceArn = arnOf(UserPoolId);
      const Condition = { "ForAllValues:StringEquals": { "aws:TagKeys": ["poolhouse:oidc", "plain"] } };
      const special = { Effect: "Allow", Action: "poolhouse:SetSpecialTags", Resource: "*", Condition };
      const team = await clientWith(server, poolsOnly, special);
      await team.send(
        new TagResourceCommand({ ResourceArn, Tags: { "poolhouse:oidc": "*", color: "blue" } }),
      );
      await server.client.send(new TagResourceCommand({ ResourceArn, Tags: { "poolhouse:issuer": "aws" } }));
      // Taken away without being named.
      const without = new UpdateUserPoolCommand({ UserPoolId, UserPoolTags: { plain: "1" } });
      await assert.rejects(team.send(without), lacks("SetSpecialTags", ResourceArn));
    });
    test("an app client whose id is chosen is made by whom a policy gives that", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const ClientName = `_custom_id_:chosen${randomBytes(6).toString("hex")}`;
      const make = (client: CognitoIdentityProviderClient, name = ClientName) =>
        client.send(new CreateUserPoolClientCommand({ UserPoolId, ClientName: name }));
      const team = await clientWith(server, poolsOnly);
      await make(team, "plain");
      await assert.rejects(make(team), lacks("PinClientId", arnOf(UserPoolId)));
      const pin = { Effect: "Allow", Action: "poolhouse:PinClientId", Resource: arnOf(UserPoolId) };
      const made = await make(await clientWith(server, poolsOnly, pin));
      assert.equal(made.UserPoolClient?.ClientId, ClientName.slice("_custom_id_:".length));
      await make(await clientWith(server, { ...poolsOnly, Action: "*" }), `${ClientName}2`);
    });
    test("the sender of a pool's mail has the server's own domain, or one that the key's policy lists", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      const update = (client: CognitoIdentityProviderClient, change: Partial<UpdateUserPoolCommandInput>) =>
        client.send(new UpdateUserPoolCommand({ UserPoolId, ...change }));
      const team = await clientWith(server, poolsOnly);
      const denied = lacks("SetEmailSender", arnOf(UserPoolId));
      await update(team, from("Team <team@HOUSE.example>"));
      for (const address of ["a@bank.example", "a@x.house.example", "house.example <a@bank.example>"])
        await assert.rejects(update(team, from(address)), denied, address);
      await assert.rejects(
        team.send(new CreateUserPoolCommand({ PoolName: "x", ...from("a@bank.example") })),
        lacks("SetEmailSender", "*"),
      );
      const Condition = { StringLike: { "poolhouse:EmailFromDomain": ["team.example", "*.team.example"] } };
      const listed = { Effect: "Allow", Action: "poolhouse:SetEmailSender", Resource: "*", Condition };
      const allowed = await clientWith(server, poolsOnly, listed);
      await update(allowed, from("a@Team.Example"));
      await update(allowed, from("a@mail.team.example"));
      for (const address of ["a@bank.example", "a@myteam.example", "a@team.example.bank.example"])
        await assert.rejects(update(allowed, from(address)), denied, address);
      assert.equal((await settings(server, UserPoolId)).EmailConfiguration?.From, "a@mail.team.example");
      // What stays needs nothing, nor does Reply-To.
      const kept = { From: "a@mail.team.example", ReplyToEmailAddress: "help@other.example" };
      await update(team, { EmailConfiguration: kept });
      await update(team, {});
      await update(server.client, from("a@bank.example"));
    });
    test("a pool id that was deleted is given again only by whom a policy gives that", async () => {
      const server = await open();
      const [id, plain] = [newPoolId(), (await makePool(server)).UserPoolId];
      const create = (client: CognitoIdentityProviderClient, pinned = id) =>
        client.send(new CreateUserPoolCommand({ PoolName: "again", UserPoolTags: { _custom_id_: pinned } }));
      const special = { Effect: "Allow", Action: "poolhouse:SetSpecialTags", Resource: "*" };
      const team = await clientWith(server, poolsOnly, special);
      await create(team);
      for (const UserPoolId of [id, plain]) {
        await server.client.send(new DeleteUserPoolCommand({ UserPoolId }));
        await assert.rejects(create(team, UserPoolId), lacks("ReuseUserPoolId", arnOf(UserPoolId)));
      }
      await create(server.client);
      await server.client.send(new DeleteUserPoolCommand({ UserPoolId: id }));
      const reuse = { ...special, Action: "poolhouse:ReuseUserPoolId", Resource: arnOf(id) };
      await create(await clientWith(server, poolsOnly, special, reuse));
      await server.client.send(new DeleteUserPoolCommand({ UserPoolId: id }));
      server.clock.advance(366 * 86_400_000);
      await create(await clientWith(server, poolsOnly, special));
    });

    test("the policy of docs/operating.md lets a team do what the text says", async () => {
      const server = await open();
      const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "operating.md"), "utf8");
      const [, example = assert.fail()] = /```json\n(\{ "Version[\s\S]+?)```/.exec(text) ?? [];
      const { Statement } = JSON.parse(example) as { Statement: object[] };
      const team = await clientWith(server, ...Statement);
      const { UserPool } = await server.client.send(
        new CreateUserPoolCommand({ PoolName: "shop", UserPoolTags: { team: "shop", stage: "a" } }),
      );
      const UserPoolId = UserPool!.Id!;
      const update = (settings: Partial<UpdateUserPoolCommandInput>) =>
        team.send(new UpdateUserPoolCommand({ UserPoolId, ...settings }));
      await update({ PoolName: "our shop" });
      const ResourceArn = arnOf(UserPoolId);
      await team.send(new TagResourceCommand({ ResourceArn, Tags: { stage: "b" } }));
      await team.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["stage"] }));
      for (const refusedCall of [
        () => update({ UserPoolTags: { team: "shop", stage: "c" } }),
        () => update({ UserPoolTags: {} }),
        () => team.send(new TagResourceCommand({ ResourceArn, Tags: { team: "other" } })),
        () => team.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["team"] })),
        () => team.send(new CreateUserPoolCommand({ PoolName: "x", UserPoolTags: { team: "shop" } })),
        () => team.send(new ListUserPoolsCommand({ MaxResults: 1 })),
      ])
        await assert.rejects(refusedCall(), { name: "AccessDeniedException" });
      assert.deepEqual((await settings(server, UserPoolId)).UserPoolTags, { team: "shop" });
    });
  },
  { POOLHOUSE_SMTP_URL: "smtp://127.0.0.1:9", POOLHOUSE_SMTP_FROM: "Poolhouse <no-reply@house.example>" },
);
