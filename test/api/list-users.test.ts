import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  type CognitoIdentityProviderClient,
  ListUsersCommand,
  type ListUsersCommandInput,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { attributesOf, makePool, makeUser, password, refused } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";

async function everyPage(client: CognitoIdentityProviderClient, input: ListUsersCommandInput) {
  const pages: string[][] = [];
  let PaginationToken: string | undefined;
  do {
    const page = await client.send(new ListUsersCommand({ ...input, PaginationToken }));
    pages.push((page.Users ?? []).map((user) => user.Username ?? ""));
    PaginationToken = page.PaginationToken;
  } while (PaginationToken !== undefined);
  return pages;
}

forEachServer("ListUsers", (open) => {
  test("every documented filter", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId, ClientId } = await makePool(server);
    const people = [
      {
        Username: "Ann",
        given_name: "Ann",
        family_name: "O'Neil",
        email: "Ann@one.example",
        phone_number: "+4911",
      },
      { Username: "annika", given_name: "Annika", family_name: 'Qu"ote', email: "annika@one.example" },
      {
        Username: "bob",
        given_name: "Bob",
        name: "Zoë Größe",
        email: "bob@two.example",
        phone_number: "+4922",
      },
    ];
    for (const { Username, ...attributes } of people) {
      const UserAttributes = Object.entries(attributes).map(([Name, Value]) => ({ Name, Value }));
      await client.send(
        new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes, MessageAction: "SUPPRESS" }),
      );
    }
    await makeUser(server, UserPoolId, "carl", [{ Name: "preferred_username", Value: "Star" }]);
    await client.send(new SignUpCommand({ ClientId, Username: "dora", Password: password }));
    await client.send(new AdminDisableUserCommand({ UserPoolId, Username: "dora" }));
    const all = ["Ann", "annika", "bob", "carl", "dora"];
    const found = async (Filter: string) =>
      (await everyPage(client, { UserPoolId, Filter })).flat().toSorted((a, b) => (a < b ? -1 : 1));
    const expected: readonly [filter: string, users: readonly string[]][] = [
      ["", all],
      ['username = "Ann"', ["Ann"]],
      ['username = "ann"', []],
      ['username ^= "ann"', ["annika"]],
      ['username^="A"', ["Ann"]],
      ['given_name ^= "ann"', ["Ann", "annika"]],
      ['given_name = "ANN"', ["Ann"]],
      ['family_name = "qu\\"ote"', ["annika"]],
      ['family_name = "o\'neil"', ["Ann"]],
      ['name ^= "zoë"', ["bob"]],
      ['"email" ^= "ann"', ["Ann", "annika"]],
      ['"family_name"="qu\\"ote"', ["annika"]],
      ['"cognito:user_status" = "CONFIRMED"', ["carl"]],
      ['email = "ann@one.example"', ["Ann"]],
      ['email ^= "ann"', ["Ann", "annika"]],
      ['email ^= ""', ["Ann", "annika", "bob"]],
      ['phone_number ^= "+49"', ["Ann", "bob"]],
      ['phone_number = "+4922"', ["bob"]],
      ['preferred_username = "star"', ["carl"]],
      ['cognito:user_status = "force_change_password"', ["Ann", "annika", "bob"]],
      ['cognito:user_status = "CONFIRMED"', ["carl"]],
      ['cognito:user_status ^= "un"', ["dora"]],
      ['cognito:user_status ^= ""', all],
      ['cognito:user_status = "nonsense"', []],
      ['status = "Disabled"', ["dora"]],
      ['status = "Enabled"', ["Ann", "annika", "bob", "carl"]],
      ['status = "enabled"', []],
    ];
    for (const [filter, users] of expected) assert.deepEqual(await found(filter), users, filter);

    const [carl] =
      (await client.send(new ListUsersCommand({ UserPoolId, Filter: 'username = "carl"' }))).Users ?? [];
    const sub = attributesOf(carl?.Attributes)["sub"] ?? assert.fail("no sub");
    assert.deepEqual(await found(`sub = "${sub}"`), ["carl"]);
    assert.deepEqual(await found(`sub ^= "${sub.slice(0, 20)}"`), ["carl"]);
    assert.equal(carl?.UserStatus, "CONFIRMED");
    assert.equal(carl?.Enabled, true);

    const unsearchable = (name: string) => `Invalid search attribute: ${name}`;
    const malformed = "Error while parsing filter.";
    for (const [Filter, message] of [
      ['nickname = "x"', unsearchable("nickname")],
      ['"nickname" = "x"', unsearchable("nickname")],
      ['custom:foo = "x"', unsearchable("custom:foo")],
      ['"custom:foo" ^= "x"', unsearchable("custom:foo")],
      ['Email = "x"', unsearchable("Email")],
      ['email_verified = "true"', unsearchable("email_verified")],
      ["email", malformed],
      ["email = ann", malformed],
      ["email = 'ann'", malformed],
      ['email = "a', malformed],
      ['"email = "a"', malformed],
      ['email != "a"', malformed],
      ['email = "a" and name = "b"', malformed],
    ] as const) {
      await assert.rejects(
        client.send(new ListUsersCommand({ UserPoolId, Filter })),
        refused("InvalidParameterException", message),
        Filter,
      );
    }
    await assert.rejects(
      client.send(new ListUsersCommand({ UserPoolId, Filter: "x".repeat(257) })),
      refused(
        "InvalidParameterException",
        /at 'filter' .* Member must have length less than or equal to 256/,
      ),
    );
    for (const AttributesToGet of [["custom:foo"], ["email", "nothing"]])
      await assert.rejects(
        client.send(new ListUsersCommand({ UserPoolId, AttributesToGet })),
        refused("InvalidParameterException", "One or more requested attributes do not exist."),
      );
  });

  test("pages hold every user once, also while users come and go", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const names = Array.from({ length: 11 }, (_, index) => `user${index}`);
    const create = (Username: string) =>
      client.send(
        new AdminCreateUserCommand({
          UserPoolId,
          Username,
          MessageAction: "SUPPRESS",
          UserAttributes: [
            { Name: "family_name", Value: Number(Username.slice(4)) < 6 ? "same" : `same ${Username}` },
          ],
        }),
      );
    await Promise.all(names.map(create));
    for (const Filter of [
      undefined,
      'family_name ^= "sa"',
      'username ^= "user"',
      'cognito:user_status ^= "F"',
      'status = "Enabled"',
    ]) {
      const pages = await everyPage(client, { UserPoolId, Limit: 3, Filter });
      assert.deepEqual(
        pages.map((page) => page.length),
        [3, 3, 3, 2],
        Filter,
      );
      assert.deepEqual(pages.flat().toSorted(), names.toSorted(), Filter);
    }
    const first = await client.send(new ListUsersCommand({ UserPoolId, Limit: 5 }));
    const seen = (first.Users ?? []).map((user) => user.Username ?? "");
    await client.send(new AdminDeleteUserCommand({ UserPoolId, Username: seen[4] ?? "" }));
    const rest = await everyPage(client, { UserPoolId, Limit: 5 });
    const second = await client.send(
      new ListUsersCommand({ UserPoolId, PaginationToken: first.PaginationToken }),
    );
    const later = (second.Users ?? []).map((user) => user.Username ?? "");
    assert.deepEqual([...seen, ...later].toSorted(), names.toSorted());
    assert.equal(rest.flat().length, 10);
  });

  test("page tokens are bound to pool and filter, and AttributesToGet chooses", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    for (const name of ["a", "b"]) {
      await makeUser(server, UserPoolId, name, [
        { Name: "email", Value: `${name}@x.example` },
        { Name: "name", Value: name },
      ]);
    }
    const page = await client.send(
      new ListUsersCommand({ UserPoolId, Limit: 1, AttributesToGet: ["email", "nickname"] }),
    );
    assert.deepEqual(
      page.Users?.[0]?.Attributes?.map((attribute) => attribute.Name),
      ["email"],
    );
    const { PaginationToken } = page;
    const other = (await makePool(server)).UserPoolId;
    for (const input of [
      { UserPoolId: other, PaginationToken },
      { UserPoolId, PaginationToken, Filter: 'email ^= "a"' },
      { UserPoolId, PaginationToken: `${PaginationToken}x` },
    ]) {
      await assert.rejects(client.send(new ListUsersCommand(input)), refused("InvalidParameterException"));
    }
    assert.equal((await client.send(new ListUsersCommand({ UserPoolId, Limit: 0 }))).Users?.length, 2);
  });
});
