/** App clients through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AddUserPoolClientSecretCommand,
  CreateUserPoolClientCommand,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  DeleteUserPoolClientCommand,
  DeleteUserPoolClientSecretCommand,
  DescribeUserPoolClientCommand,
  ListUserPoolClientSecretsCommand,
  ListUserPoolClientsCommand,
  paginateListUserPoolClients,
  UpdateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forEachServer, type TestServer } from "../kit/server.ts";

const refused = (name: string, message: string | RegExp) => ({ name, message });

async function createPool({ client }: TestServer): Promise<string> {
  const { UserPool } = await client.send(
    new CreateUserPoolCommand({
      PoolName: "pool",
      Schema: [
        { Name: "email", Required: true },
        { Name: "color", AttributeDataType: "String" },
      ],
    }),
  );
  assert.ok(UserPool?.Id);
  return UserPool.Id;
}

async function createClient(
  { client }: TestServer,
  UserPoolId: string,
  given: Partial<CreateUserPoolClientCommandInput> = {},
) {
  const { UserPoolClient } = await client.send(
    new CreateUserPoolClientCommand({ UserPoolId, ClientName: "app", ...given }),
  );
  assert.ok(UserPoolClient?.ClientId);
  return { ...UserPoolClient, UserPoolId, ClientId: UserPoolClient.ClientId };
}

async function describeClient({ client }: TestServer, key: { UserPoolId: string; ClientId: string }) {
  const { UserPoolId, ClientId } = key;
  const { UserPoolClient } = await client.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
  assert.ok(UserPoolClient);
  return UserPoolClient;
}

forEachServer("clients", (open) => {
  test("a client has Cognito's defaults, and no secret unless asked", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const created = await createClient(server, UserPoolId);
    const { ClientId, CreationDate, LastModifiedDate, ...rest } = created;
    assert.match(ClientId, /^[a-z0-9]{26}$/);
    assert.ok(CreationDate instanceof Date);
    assert.deepEqual(LastModifiedDate, CreationDate);
    assert.deepEqual(rest, {
      UserPoolId,
      ClientName: "app",
      RefreshTokenValidity: 30,
      AllowedOAuthFlowsUserPoolClient: false,
      EnableTokenRevocation: true,
      EnablePropagateAdditionalUserContextData: false,
      AuthSessionValidity: 3,
      ClientType: "REGULAR",
    });
    assert.deepEqual(await describeClient(server, created), created);
  });

  test("secrets are made or brought", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const made = await createClient(server, UserPoolId, { GenerateSecret: true });
    assert.match(made.ClientSecret ?? "", /^[a-z0-9]{51}$/);
    const ClientSecret = "my_own_secret+0123456789";
    const brought = await createClient(server, UserPoolId, { ClientSecret });
    assert.equal(brought.ClientSecret, ClientSecret);
    assert.equal((await describeClient(server, brought)).ClientSecret, ClientSecret);
    await assert.rejects(
      createClient(server, UserPoolId, { ClientSecret, GenerateSecret: true }),
      refused("InvalidParameterException", /GenerateSecret/),
    );
    await assert.rejects(
      createClient(server, UserPoolId, { ClientSecret: "short" }),
      refused("InvalidParameterException", /clientSecret/),
    );
  });

  test("UpdateUserPoolClient changes what it names, takes permissions away and keeps the rest", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const before = await createClient(server, UserPoolId, {
      GenerateSecret: true,
      AccessTokenValidity: 10,
      TokenValidityUnits: { AccessToken: "minutes" },
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      ReadAttributes: ["email"],
      WriteAttributes: ["email", "custom:color"],
      PreventUserExistenceErrors: "ENABLED",
      EnableTokenRevocation: false,
      AuthSessionValidity: 15,
      CallbackURLs: ["https://example.com", "myapp://example"],
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 10 },
    });
    assert.deepEqual(before.TokenValidityUnits, { AccessToken: "minutes" });
    assert.deepEqual(before.RefreshTokenRotation, { Feature: "ENABLED", RetryGracePeriodSeconds: 10 });
    const { ClientId } = before;
    const { UserPoolClient: after } = await server.client.send(
      new UpdateUserPoolClientCommand({ UserPoolId, ClientId, IdTokenValidity: 2 }),
    );
    assert.equal(after?.ClientName, "app");
    assert.equal(after?.ClientSecret, before.ClientSecret);
    assert.equal(after?.IdTokenValidity, 2);
    assert.equal(after?.CallbackURLs, undefined);
    for (const name of [
      "AccessTokenValidity",
      "TokenValidityUnits",
      "ExplicitAuthFlows",
      "ReadAttributes",
      "WriteAttributes",
      "PreventUserExistenceErrors",
      "EnableTokenRevocation",
      "AuthSessionValidity",
      "RefreshTokenRotation",
    ] as const)
      assert.deepEqual(after?.[name], before[name], name);
    assert.deepEqual(await describeClient(server, before), after);
  });

  test("settings that do not fit are refused", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const rows: [Partial<CreateUserPoolClientCommandInput>, string, string | RegExp][] = [
      [
        { WriteAttributes: ["custom:nothing", "email"] },
        "InvalidParameterException",
        "Invalid write attributes specified while creating a client",
      ],
      [{ AccessTokenValidity: 25 }, "InvalidParameterException", "Invalid range for token validity."],
      [{ AuthSessionValidity: 2 }, "InvalidParameterException", /authSessionValidity/],
      [{ AllowedOAuthFlows: ["client_credentials"] }, "InvalidOAuthFlowException", /client secret/],
      [{ AllowedOAuthScopes: ["unknown/scope"] }, "ScopeDoesNotExistException", /unknown\/scope/],
      [{ CallbackURLs: ["http://example.com"] }, "InvalidParameterException", /HTTP protocol/],
    ];
    for (const [given, name, message] of rows)
      await assert.rejects(createClient(server, UserPoolId, given), refused(name, message));
  });

  test("clients are listed page by page", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const created = await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        createClient(server, UserPoolId, { ClientName: `app ${index}` }),
      ),
    );
    const listed = [];
    for await (const page of paginateListUserPoolClients(
      { client: server.client, pageSize: 2 },
      { UserPoolId },
    ))
      listed.push(...(page.UserPoolClients ?? []));
    const expected = created
      .map(({ ClientId, ClientName }) => ({ ClientId, UserPoolId, ClientName }))
      .sort((a, b) => (a.ClientId < b.ClientId ? -1 : 1));
    assert.deepEqual(listed, expected);
    const dcr = await server.client.send(new ListUserPoolClientsCommand({ UserPoolId, ClientType: "DCR" }));
    assert.deepEqual(dcr.UserPoolClients, []);
    // A token of one pool is none of another.
    const first = await server.client.send(new ListUserPoolClientsCommand({ UserPoolId, MaxResults: 2 }));
    const other = { UserPoolId: await createPool(server), MaxResults: 2, NextToken: first.NextToken };
    await assert.rejects(
      server.client.send(new ListUserPoolClientsCommand(other)),
      refused("InvalidParameterException", "Invalid pagination token given."),
    );
  });

  test("a client has two secrets at most and keeps the last", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const { ClientId, ClientSecret: first } = await createClient(server, UserPoolId, {
      GenerateSecret: true,
    });
    const key = { UserPoolId, ClientId };
    const add = async (ClientSecret?: string) =>
      (await server.client.send(new AddUserPoolClientSecretCommand({ ...key, ClientSecret })))
        .ClientSecretDescriptor;
    const remove = (ClientSecretId: string | undefined) =>
      server.client.send(new DeleteUserPoolClientSecretCommand({ ...key, ClientSecretId }));
    const list = async () =>
      (await server.client.send(new ListUserPoolClientSecretsCommand(key))).ClientSecrets ?? [];

    const [original] = await list();
    assert.match(original?.ClientSecretId ?? "", new RegExp(`^${ClientId}--\\d{13}$`));
    assert.equal(original?.ClientSecretValue, undefined);
    await assert.rejects(remove(original?.ClientSecretId), refused("InvalidParameterException", /last/));

    const second = await add();
    assert.match(second?.ClientSecretValue ?? "", /^[a-z0-9]{51}$/);
    assert.notEqual(second?.ClientSecretValue, first);
    assert.equal((await list()).length, 2);
    // Every cache has learned of it.
    assert.equal((await describeClient(server, key)).ClientSecret, second?.ClientSecretValue);
    await assert.rejects(
      add(),
      refused("LimitExceededException", "Client secrets cannot exceed limit of 2 secrets."),
    );
    await assert.rejects(remove(`${ClientId}--1`), refused("ResourceNotFoundException", /does not exist/));
    await remove(original?.ClientSecretId);
    assert.deepEqual(
      (await list()).map(({ ClientSecretId }) => ClientSecretId),
      [second?.ClientSecretId],
    );
    const own = await add("a_secret_of_my_own_0123456789");
    assert.equal(own?.ClientSecretValue, undefined);
  });

  test("of ten parallel secrets one is added", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const { ClientId } = await createClient(server, UserPoolId, { GenerateSecret: true });
    const add = () => server.client.send(new AddUserPoolClientSecretCommand({ UserPoolId, ClientId }));
    const results = await Promise.allSettled(Array.from({ length: 10 }, add));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  });

  test("a public client gets no secret", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const { ClientId } = await createClient(server, UserPoolId);
    await assert.rejects(
      server.client.send(new AddUserPoolClientSecretCommand({ UserPoolId, ClientId })),
      refused("InvalidParameterException", /secret/),
    );
  });

  test("a name can fix the id", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const id = `pinned${Date.now()}${server.database}`;
    const ClientName = `_custom_id_:${id}`;
    const pinned = await createClient(server, UserPoolId, { ClientName });
    assert.equal(pinned.ClientId, id);
    assert.equal(pinned.ClientName, ClientName);
    await assert.rejects(
      createClient(server, await createPool(server), { ClientName }),
      refused("InvalidParameterException", `User pool client ${id} already exists.`),
    );
  });

  test("a client that does not exist is told, also when it is another pool's", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const mine = await createClient(server, UserPoolId);
    const other = { UserPoolId: await createPool(server), ClientId: mine.ClientId };
    const missing = refused("ResourceNotFoundException", `User pool client ${mine.ClientId} does not exist.`);
    await assert.rejects(describeClient(server, other), missing);
    await assert.rejects(server.client.send(new UpdateUserPoolClientCommand(other)), missing);
    await assert.rejects(server.client.send(new DeleteUserPoolClientCommand(other)), missing);
    await server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId: mine.ClientId }));
    await assert.rejects(describeClient(server, mine), missing);
  });
});
