/** Terms through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateTermsCommand,
  type CreateTermsCommandInput,
  DeleteTermsCommand,
  DeleteUserPoolClientCommand,
  DescribeTermsByClientCommand,
  DescribeTermsCommand,
  ListTermsCommand,
  UpdateTermsCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient, makePool, refused } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const Links = { "cognito:default": "https://example.com/terms", "cognito:french": "https://example.com/fr" };

const create = async (
  { client }: TestServer,
  key: { UserPoolId: string; ClientId: string },
  given: Partial<CreateTermsCommandInput> = {},
) => {
  const { UserPoolId, ClientId } = key;
  const { Terms } = await client.send(
    new CreateTermsCommand({
      UserPoolId,
      ClientId,
      TermsName: "terms-of-use",
      TermsSource: "LINK",
      Enforcement: "NONE",
      Links,
      ...given,
    }),
  );
  return { ...Terms, UserPoolId, TermsId: Terms?.TermsId ?? assert.fail("no terms id") };
};
const describe = async (
  { client }: TestServer,
  { UserPoolId, TermsId }: Record<"UserPoolId" | "TermsId", string>,
) => (await client.send(new DescribeTermsCommand({ UserPoolId, TermsId }))).Terms;

const missing = refused("ResourceNotFoundException", "Terms do not exist.");

forOneServer("sqlite", "terms", (open) => {
  test("terms are made, described, changed and deleted", async () => {
    const server = await open();
    server.clock.freeze();
    const { client } = server;
    const pool = await makePool(server);
    const made = await create(server, pool);
    const { TermsId, CreationDate, LastModifiedDate, ...rest } = made;
    const { UserPoolId, ClientId } = pool;
    const said = {
      UserPoolId,
      ClientId,
      TermsName: "terms-of-use",
      TermsSource: "LINK",
      Enforcement: "NONE",
      Links,
    };
    assert.deepEqual(rest, said);
    assert.match(TermsId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(LastModifiedDate, CreationDate);
    assert.deepEqual(await describe(server, made), made);
    assert.deepEqual(await describe(server, { UserPoolId, TermsId: TermsId.toUpperCase() }), made);
    const byClient = async (TermsName: string) =>
      (await client.send(new DescribeTermsByClientCommand({ UserPoolId, ClientId, TermsName }))).Terms;
    assert.deepEqual(await byClient("terms-of-use"), made);
    await assert.rejects(byClient("privacy-policy"), missing);

    server.clock.advance(1000);
    const next = { "cognito:default": "https://example.com/new" };
    const { Terms: changed } = await client.send(
      new UpdateTermsCommand({ UserPoolId, TermsId, Links: next }),
    );
    assert.deepEqual(changed, { ...made, Links: next, LastModifiedDate: new Date(server.clock.now) });
    const renamed = new UpdateTermsCommand({ UserPoolId, TermsId, TermsName: "privacy-policy" });
    assert.deepEqual((await client.send(renamed)).Terms, { ...changed, TermsName: "privacy-policy" });
    await client.send(new DeleteTermsCommand({ UserPoolId, TermsId }));
    await assert.rejects(describe(server, made), missing);
    await assert.rejects(client.send(new DeleteTermsCommand({ UserPoolId, TermsId })), missing);
    await assert.rejects(client.send(renamed), missing);
  });

  test("a client has one of each name, also when ten ask at once", async () => {
    const server = await open();
    const pool = await makePool(server);
    const { UserPoolId } = pool;
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => create(server, pool)));
    assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
    const exists = refused("TermsExistsException", /already has terms of the name terms-of-use/);
    await assert.rejects(create(server, pool), exists);
    const { TermsId } = await create(server, pool, { TermsName: "privacy-policy" });
    await assert.rejects(
      server.client.send(new UpdateTermsCommand({ UserPoolId, TermsId, TermsName: "terms-of-use" })),
      exists,
    );
    await create(server, { UserPoolId, ...(await makeClient(server, UserPoolId)) });
  });

  test("links lead to the web and nowhere else", async () => {
    const server = await open();
    const pool = await makePool(server);
    const bad = [
      "javascript:alert(1)",
      "data:text/html,x",
      "//example.com",
      "https:",
      "https://",
      "terms.html",
      "http://[",
    ];
    for (const url of bad)
      await assert.rejects(
        create(server, pool, { Links: { "cognito:english": url } }),
        refused("InvalidParameterException", `${url} is not a valid URL.`),
      );
    const made = await create(server, pool, { Links: undefined });
    assert.deepEqual(made.Links, {});
    const { UserPoolId, TermsId } = made;
    await assert.rejects(
      server.client.send(
        new UpdateTermsCommand({ UserPoolId, TermsId, Links: { "cognito:english": bad[0]! } }),
      ),
      refused("InvalidParameterException", `${bad[0]} is not a valid URL.`),
    );
    await assert.rejects(
      create(server, pool, { TermsName: "rules" }),
      refused("InvalidParameterException", /'termsName' failed to satisfy constraint/),
    );
  });

  test("they are listed page by page, and go with their client", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId, ClientId } = await makePool(server);
    const made = [];
    for (const client of [{ ClientId }, await makeClient(server, UserPoolId)])
      for (const TermsName of ["terms-of-use", "privacy-policy"])
        made.push(await create(server, { UserPoolId, ClientId: client.ClientId }, { TermsName }));
    const page = (MaxResults: number | undefined, NextToken?: string) =>
      client.send(new ListTermsCommand({ UserPoolId, MaxResults, NextToken }));
    const first = await page(3);
    const second = await page(3, first.NextToken);
    assert.deepEqual([first.Terms?.length, second.Terms?.length, second.NextToken], [3, 1, undefined]);
    const expected = made
      .map(({ TermsId, TermsName, Enforcement, CreationDate, LastModifiedDate }) => ({
        TermsId,
        TermsName,
        Enforcement,
        CreationDate,
        LastModifiedDate,
      }))
      .toSorted((a, b) => (a.TermsId < b.TermsId ? -1 : 1));
    assert.deepEqual([...(first.Terms ?? []), ...(second.Terms ?? [])], expected);
    await assert.rejects(page(2, first.NextToken), refused("InvalidParameterException", /pagination token/));
    await client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId }));
    assert.equal((await page(undefined)).Terms?.length, 2);
    await assert.rejects(describe(server, made[0]!), missing);
    const other = await makePool(server);
    await assert.rejects(describe(server, { ...made[3]!, UserPoolId: other.UserPoolId }), missing);
    await assert.rejects(
      create(server, { UserPoolId: other.UserPoolId, ClientId }),
      refused("ResourceNotFoundException", `User pool client ${ClientId} does not exist.`),
    );
  });
});
