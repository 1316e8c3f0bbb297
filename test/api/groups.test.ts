/** Groups through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  CreateGroupCommand,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  DeleteGroupCommand,
  GetGroupCommand,
  ListUsersInGroupCommand,
  paginateAdminListGroupsForUser,
  paginateListGroups,
  paginateListUsersInGroup,
  UpdateGroupCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { groupsOfUser } from "../../src/store/groups.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

const refused = (name: string, message: string | RegExp) => ({ name, message });
const noGroup = refused("ResourceNotFoundException", "Group not found.");
const noUser = refused("UserNotFoundException", "User does not exist.");

async function createPool({ client }: TestServer, given: Partial<CreateUserPoolCommandInput> = {}) {
  const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: "pool", ...given }));
  assert.ok(UserPool?.Id);
  return UserPool.Id;
}

async function createUser({ client }: TestServer, UserPoolId: string, Username: string, email?: string) {
  const { User } = await client.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username,
      MessageAction: "SUPPRESS",
      ...(email !== undefined && {
        UserAttributes: [
          { Name: "email", Value: email },
          { Name: "email_verified", Value: "true" },
        ],
      }),
    }),
  );
  const sub = User?.Attributes?.find(({ Name }) => Name === "sub")?.Value;
  assert.ok(User?.Username && sub);
  return { Username: User.Username, sub };
}

forEachServer("groups", (open) => {
  test("a group is made, read, changed and deleted", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await createPool(server);
    const key = { UserPoolId, GroupName: "Admins" };
    const given = {
      ...key,
      Description: "who may",
      RoleArn: "arn:aws:iam::123456789012:role/admin",
      Precedence: 0,
    };
    const { Group: created } = await client.send(new CreateGroupCommand(given));
    const { CreationDate, LastModifiedDate, ...rest } = created ?? {};
    assert.deepEqual(rest, given);
    assert.ok(CreationDate instanceof Date && LastModifiedDate instanceof Date);
    await assert.rejects(
      client.send(new CreateGroupCommand(key)),
      refused("GroupExistsException", "A group with the name already exists."),
    );
    assert.deepEqual((await client.send(new GetGroupCommand(key))).Group, created);

    server.clock.advance(1000);
    const { Group: changed } = await client.send(
      new UpdateGroupCommand({ ...key, Description: "who may not" }),
    );
    assert.equal(changed?.Description, "who may not");
    assert.equal(changed?.RoleArn, given.RoleArn);
    assert.equal(changed?.Precedence, 0);
    assert.deepEqual(changed?.CreationDate, CreationDate);
    assert.ok(Number(changed?.LastModifiedDate) > Number(CreationDate));

    await client.send(new DeleteGroupCommand(key));
    await assert.rejects(client.send(new GetGroupCommand(key)), noGroup);
    await assert.rejects(client.send(new UpdateGroupCommand(key)), noGroup);
    await assert.rejects(client.send(new DeleteGroupCommand(key)), noGroup);
    await assert.rejects(client.send(new ListUsersInGroupCommand(key)), noGroup);
  });

  test("groups have names of one pool, and bounds", async () => {
    const server = await open();
    const { client } = server;
    const [one, two] = [await createPool(server), await createPool(server)];
    await client.send(new CreateGroupCommand({ UserPoolId: one, GroupName: "g" }));
    await client.send(new CreateGroupCommand({ UserPoolId: two, GroupName: "g" }));
    await client.send(new CreateGroupCommand({ UserPoolId: one, GroupName: "G" }));
    const bad = (given: object) =>
      assert.rejects(client.send(new CreateGroupCommand({ UserPoolId: one, GroupName: "x", ...given })), {
        name: "InvalidParameterException",
      });
    await bad({ GroupName: "x".repeat(129) });
    await bad({ GroupName: "with space" });
    await bad({ Precedence: -1 });
    await bad({ RoleArn: "not an arn, and long enough" });
    const most = await client.send(
      new CreateGroupCommand({ UserPoolId: one, GroupName: "last", Precedence: 2 ** 31 - 1 }),
    );
    assert.equal(most.Group?.Precedence, 2 ** 31 - 1);
    const parallel = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        client.send(new CreateGroupCommand({ UserPoolId: one, GroupName: "parallel" })),
      ),
    );
    assert.equal(parallel.filter(({ status }) => status === "fulfilled").length, 1);
  });

  test("groups are listed page by page", async () => {
    const server = await open();
    const UserPoolId = await createPool(server);
    const names = ["a", "B", "ä", "z", "c"];
    for (const GroupName of names)
      await server.client.send(new CreateGroupCommand({ UserPoolId, GroupName }));
    const listed = [];
    for await (const page of paginateListGroups({ client: server.client, pageSize: 2 }, { UserPoolId }))
      listed.push(...(page.Groups ?? []).map(({ GroupName }) => GroupName));
    assert.deepEqual(listed, ["B", "a", "c", "z", "ä"]);
  });

  test("users join and leave, and joining twice is once", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await createPool(server);
    const ann = await createUser(server, UserPoolId, "ann");
    const member = { UserPoolId, Username: "ann", GroupName: "g" };
    await assert.rejects(client.send(new AdminAddUserToGroupCommand(member)), noGroup);
    await client.send(new CreateGroupCommand({ UserPoolId, GroupName: "g" }));
    await assert.rejects(client.send(new AdminAddUserToGroupCommand({ ...member, Username: "bob" })), noUser);
    await Promise.all([1, 2, 3].map(() => client.send(new AdminAddUserToGroupCommand(member))));
    const users = async () =>
      (await client.send(new ListUsersInGroupCommand({ UserPoolId, GroupName: "g" }))).Users ?? [];
    const [user, ...others] = await users();
    assert.deepEqual(others, []);
    assert.equal(user?.Username, "ann");
    assert.equal(user?.Enabled, true);
    assert.equal(user?.UserStatus, "FORCE_CHANGE_PASSWORD");
    assert.deepEqual(user?.Attributes, [{ Name: "sub", Value: ann.sub }]);
    await client.send(new AdminRemoveUserFromGroupCommand(member));
    await client.send(new AdminRemoveUserFromGroupCommand(member));
    assert.deepEqual(await users(), []);
  });

  test("a user is found by alias and by sub", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await createPool(server, { UsernameAttributes: ["email"] });
    const ann = await createUser(server, UserPoolId, "ann@example.com");
    await client.send(new CreateGroupCommand({ UserPoolId, GroupName: "g" }));
    await client.send(
      new AdminAddUserToGroupCommand({ UserPoolId, Username: "ann@example.com", GroupName: "g" }),
    );
    const { Groups } = await client.send(
      new AdminListGroupsForUserCommand({ UserPoolId, Username: ann.sub }),
    );
    assert.deepEqual(
      Groups?.map(({ GroupName }) => GroupName),
      ["g"],
    );
  });

  test("a deleted user is in no group, and a new group is empty", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await createPool(server);
    await createUser(server, UserPoolId, "ann");
    await createUser(server, UserPoolId, "bob");
    const group = { UserPoolId, GroupName: "g" };
    await client.send(new CreateGroupCommand(group));
    for (const Username of ["ann", "bob"])
      await client.send(new AdminAddUserToGroupCommand({ ...group, Username }));
    await client.send(new AdminDeleteUserCommand({ UserPoolId, Username: "ann" }));
    const users = async () =>
      (await client.send(new ListUsersInGroupCommand(group))).Users?.map(({ Username }) => Username);
    assert.deepEqual(await users(), ["bob"]);
    await client.send(new DeleteGroupCommand(group));
    await client.send(new CreateGroupCommand(group));
    assert.deepEqual(await users(), []);
  });

  test("members and memberships are listed page by page; tokens get groups by precedence", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await createPool(server);
    const { sub } = await createUser(server, UserPoolId, "ann");
    const groups: [string, number | undefined, string | undefined][] = [
      ["none", undefined, undefined],
      ["second", 10, "arn:aws:iam::123456789012:role/second"],
      ["first", 0, "arn:aws:iam::123456789012:role/first"],
      ["also-none", undefined, undefined],
      ["also-second", 10, undefined],
    ];
    for (const [GroupName, Precedence, RoleArn] of groups) {
      await client.send(new CreateGroupCommand({ UserPoolId, GroupName, Precedence, RoleArn }));
      await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: "ann", GroupName }));
    }
    const listed = [];
    const request = { UserPoolId, Username: "ann" };
    for await (const page of paginateAdminListGroupsForUser({ client, pageSize: 2 }, request))
      listed.push(...(page.Groups ?? []).map(({ GroupName }) => GroupName));
    assert.deepEqual(listed, ["also-none", "also-second", "first", "none", "second"]);

    assert.deepEqual(await groupsOfUser(server.app.db, UserPoolId, sub), [
      { name: "first", roleArn: "arn:aws:iam::123456789012:role/first", precedence: 0 },
      { name: "also-second", roleArn: null, precedence: 10 },
      { name: "second", roleArn: "arn:aws:iam::123456789012:role/second", precedence: 10 },
      { name: "also-none", roleArn: null, precedence: null },
      { name: "none", roleArn: null, precedence: null },
    ]);

    for (const Username of ["bob", "cid", "dan", "eve"]) {
      await createUser(server, UserPoolId, Username);
      await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: "first" }));
    }
    const members = [];
    const first = { UserPoolId, GroupName: "first" };
    for await (const page of paginateListUsersInGroup({ client, pageSize: 2 }, first))
      members.push(...(page.Users ?? []).map(({ Username }) => Username));
    assert.deepEqual(members.sort(), ["ann", "bob", "cid", "dan", "eve"]);
  });

  test("everything says which thing is missing", async () => {
    const server = await open();
    const { client } = server;
    const UserPoolId = await createPool(server);
    await assert.rejects(
      client.send(new AdminListGroupsForUserCommand({ UserPoolId, Username: "nobody" })),
      noUser,
    );
    const noPool = refused("ResourceNotFoundException", "User pool us-east-1_nothing00 does not exist.");
    const key = { UserPoolId: "us-east-1_nothing00", GroupName: "g" };
    await assert.rejects(client.send(new CreateGroupCommand(key)), noPool);
    await assert.rejects(client.send(new GetGroupCommand(key)), noPool);
    await assert.rejects(client.send(new UpdateGroupCommand(key)), noPool);
    await assert.rejects(client.send(new DeleteGroupCommand(key)), noPool);
    await assert.rejects(client.send(new ListUsersInGroupCommand(key)), noPool);
  });
});
