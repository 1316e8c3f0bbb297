/** Resource servers and custom scopes through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateResourceServerCommand,
  type CreateResourceServerCommandInput,
  DeleteResourceServerCommand,
  DeleteUserPoolCommand,
  DescribeResourceServerCommand,
  DescribeUserPoolClientCommand,
  ListResourceServersCommand,
  paginateListResourceServers,
  UpdateResourceServerCommand,
  UpdateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { loadPool } from "../../src/domain/user-pools/load-pool.ts";
import { existingScopes } from "../../src/domain/user-pools/resource-servers.ts";
import { createCtx } from "../../src/http/context.ts";
import { readResourceServers } from "../../src/store/resource-servers.ts";
import { makeClient, makePool, refused } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const scope = (ScopeName: string) => ({ ScopeName, ScopeDescription: `May ${ScopeName}` });
const url = "https://api.example.com/v1";

const create = (
  { client }: TestServer,
  UserPoolId: string,
  given: Partial<CreateResourceServerCommandInput> = {},
) =>
  client.send(
    new CreateResourceServerCommand({
      UserPoolId,
      Identifier: url,
      Name: "The API",
      Scopes: [scope("read"), scope("write.all")],
      ...given,
    }),
  );

const grant = (server: TestServer, UserPoolId: string, ...AllowedOAuthScopes: string[]) =>
  makeClient(server, UserPoolId, {
    GenerateSecret: true,
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["client_credentials"],
    AllowedOAuthScopes,
  });

async function existing({ app }: TestServer, id: string, ...scopes: string[]): Promise<string[]> {
  const ctx = createCtx(app, { requestId: "test", address: "127.0.0.1", userAgent: undefined });
  return existingScopes(ctx, await loadPool(ctx, id), scopes);
}

forOneServer("postgres", "resource servers", (open) => {
  test("a resource server is made, described, replaced and deleted", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const { ResourceServer: made } = await create(server, UserPoolId);
    assert.deepEqual(made, {
      UserPoolId,
      Identifier: url,
      Name: "The API",
      Scopes: [scope("read"), scope("write.all")],
    });
    const key = { UserPoolId, Identifier: url };
    const describe = async () => (await client.send(new DescribeResourceServerCommand(key))).ResourceServer;
    assert.deepEqual(await describe(), made);
    const { ResourceServer: replaced } = await client.send(
      new UpdateResourceServerCommand({ ...key, Name: "Renamed" }),
    );
    assert.deepEqual(replaced, { UserPoolId, Identifier: url, Name: "Renamed", Scopes: [] });
    assert.deepEqual(await describe(), replaced);
    await client.send(new DeleteResourceServerCommand(key));
    const missing = refused("ResourceNotFoundException", `Resource server ${url} does not exist.`);
    await assert.rejects(describe(), missing);
    await assert.rejects(client.send(new DeleteResourceServerCommand(key)), missing);
    await assert.rejects(client.send(new UpdateResourceServerCommand({ ...key, Name: "x" })), missing);
  });

  test("an identifier stands once in a pool, also when ten ask at once", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => create(server, UserPoolId, { Identifier: "api" })),
    );
    assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(
      create(server, UserPoolId, { Identifier: "api" }),
      refused("InvalidParameterException", `api already exists in user pool ${UserPoolId}.`),
    );
    const other = await makePool(server);
    await create(server, other.UserPoolId, { Identifier: "api" });
  });

  test("what does not fit is refused", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const rows: [Partial<CreateResourceServerCommandInput>, RegExp][] = [
      [{ Identifier: "an api" }, /'identifier' failed to satisfy constraint/],
      [{ Scopes: [scope("a/b")] }, /'scopes.1.member.scopeName' failed to satisfy constraint/],
      [{ Scopes: [scope("read"), scope("read")] }, /The scope read is given more than once/],
      [
        { Scopes: Array.from({ length: 101 }, (_, index) => scope(`s${index}`)) },
        /'scopes' failed to satisfy constraint/,
      ],
    ];
    for (const [given, message] of rows)
      await assert.rejects(create(server, UserPoolId, given), refused("InvalidParameterException", message));
    await create(server, UserPoolId, {
      Scopes: Array.from({ length: 100 }, (_, index) => scope(`s${index}`)),
    });
    await assert.rejects(
      create(server, "us-east-1_Nowhere"),
      refused("ResourceNotFoundException", "User pool us-east-1_Nowhere does not exist."),
    );
  });

  test("they are listed page by page, in the order of their identifiers", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const identifiers = ["b", "A", "https://z.example/", "a", "c"];
    for (const Identifier of identifiers) await create(server, UserPoolId, { Identifier });
    const listed: (string | undefined)[] = [];
    const sizes: number[] = [];
    for await (const page of paginateListResourceServers({ client, pageSize: 2 }, { UserPoolId })) {
      sizes.push(page.ResourceServers?.length ?? 0);
      listed.push(...(page.ResourceServers ?? []).map(({ Identifier }) => Identifier));
    }
    assert.deepEqual(listed, identifiers.toSorted());
    assert.deepEqual(sizes, [2, 2, 1]);
    const { NextToken } = await client.send(new ListResourceServersCommand({ UserPoolId, MaxResults: 2 }));
    const other = (await makePool(server)).UserPoolId;
    await assert.rejects(
      client.send(new ListResourceServersCommand({ UserPoolId: other, MaxResults: 2, NextToken })),
      refused("InvalidParameterException", "Invalid pagination token given."),
    );
    await assert.rejects(
      client.send(new ListResourceServersCommand({ UserPoolId, MaxResults: 51 })),
      refused("InvalidParameterException", /'maxResults' failed to satisfy constraint/),
    );
    assert.deepEqual(
      (await client.send(new ListResourceServersCommand({ UserPoolId: other }))).ResourceServers,
      [],
    );
  });

  test("a client gets scopes that exist, and keeps those that are deleted without being granted them", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const noScope = (scope: string) =>
      refused("ScopeDoesNotExistException", `Invalid scope requested: ${scope}`);
    await assert.rejects(grant(server, UserPoolId, `${url}/read`), noScope(`${url}/read`));
    await create(server, UserPoolId);
    for (const unknown of [`${url}/delete`, `${url}//read`, url, "read", "/read", `${url}/`])
      await assert.rejects(grant(server, UserPoolId, `${url}/read`, unknown), noScope(unknown));
    const scopes = [`${url}/write.all`, `${url}/read`];
    const { ClientId } = await grant(server, UserPoolId, ...scopes);
    const ofClient = async () =>
      (await client.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }))).UserPoolClient
        ?.AllowedOAuthScopes;
    assert.deepEqual(await ofClient(), scopes.toSorted());
    assert.deepEqual(await existing(server, UserPoolId, "openid", ...scopes), ["openid", ...scopes]);

    const key = { UserPoolId, Identifier: url };
    await client.send(new UpdateResourceServerCommand({ ...key, Name: "Less", Scopes: [scope("read")] }));
    assert.deepEqual(await existing(server, UserPoolId, "openid", ...scopes), ["openid", `${url}/read`]);
    await client.send(new DeleteResourceServerCommand(key));
    assert.deepEqual(await existing(server, UserPoolId, "openid", ...scopes), ["openid"]);
    assert.deepEqual(await ofClient(), scopes.toSorted());
    const update = () =>
      client.send(
        new UpdateUserPoolClientCommand({
          UserPoolId,
          ClientId,
          AllowedOAuthFlows: ["client_credentials"],
          AllowedOAuthScopes: scopes,
        }),
      );
    await assert.rejects(update(), noScope(scopes[0]!));
    await create(server, UserPoolId);
    assert.deepEqual(await existing(server, UserPoolId, ...scopes), scopes);
    await update();
    // One pool's scopes are none of another's.
    const other = (await makePool(server)).UserPoolId;
    assert.deepEqual(await existing(server, other, ...scopes), []);
    await assert.rejects(grant(server, other, ...scopes), noScope(scopes[0]!));
  });

  test("a pool that is made again under its pinned id knows nothing of the one before", async () => {
    const server = await open();
    const id = `us-east-1_Again${Math.random().toString(36).slice(2, 8)}`;
    const pinned = { UserPoolTags: { _custom_id_: id } };
    for (const Scopes of [[scope("read")], [scope("write.all")]]) {
      const { UserPoolId } = await makePool(server, pinned);
      await create(server, UserPoolId, { Scopes });
      const known = Scopes.map(({ ScopeName }) => `${url}/${ScopeName}`);
      assert.deepEqual(await existing(server, UserPoolId, `${url}/read`, `${url}/write.all`), known);
      server.clock.advance(1_000);
      await server.client.send(new DeleteUserPoolCommand({ UserPoolId }));
    }
  });

  test("they go with their pool", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    await create(server, UserPoolId);
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId }));
    assert.deepEqual(await readResourceServers(server.app.db, UserPoolId, [url]), []);
    await assert.rejects(create(server, UserPoolId), refused("ResourceNotFoundException"));
  });
});
