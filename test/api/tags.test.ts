/** Tags of user pools through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateUserPoolCommand,
  DescribeUserPoolCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { forOneServer } from "../kit/server.ts";

forOneServer("postgres", "tags", (open) => {
  test("tags come and go", async () => {
    const { client } = await open();
    const { UserPool } = await client.send(
      new CreateUserPoolCommand({ PoolName: "tagged", UserPoolTags: { a: "1", b: "2" } }),
    );
    const ResourceArn = UserPool?.Arn;
    const list = async () => (await client.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags;
    assert.deepEqual(await list(), { a: "1", b: "2" });
    await client.send(new TagResourceCommand({ ResourceArn, Tags: { b: "3", c: "" } }));
    assert.deepEqual(await list(), { a: "1", b: "3", c: "" });
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["a", "nothing"] }));
    assert.deepEqual(await list(), { b: "3", c: "" });
    const described = await client.send(new DescribeUserPoolCommand({ UserPoolId: UserPool?.Id }));
    assert.deepEqual(described.UserPool?.UserPoolTags, { b: "3", c: "" });
  });

  test("bad tags and unknown resources are refused", async () => {
    const { client } = await open();
    const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: "tagged" }));
    const ResourceArn = UserPool?.Arn;
    const tag = (Tags: Record<string, string>, arn = ResourceArn) =>
      client.send(new TagResourceCommand({ ResourceArn: arn, Tags }));
    const invalid = { name: "InvalidParameterException" };
    await assert.rejects(tag({ "poolhouse:issuer": "other" }), invalid);
    await assert.rejects(tag({ "aws:x": "y" }), invalid);
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, "x"]));
    await assert.rejects(tag(many), invalid);
    await tag({ "poolhouse:issuer": "aws" });
    await assert.rejects(
      tag({ a: "b" }, "arn:aws:cognito-idp:us-east-1:000000000000:identitypool/x"),
      invalid,
    );
    const missing = { name: "ResourceNotFoundException" };
    await assert.rejects(tag({ a: "b" }, `${ResourceArn}x`), missing);
    await assert.rejects(tag({ a: "b" }, ResourceArn?.replace("000000000000", "111111111111")), missing);
  });
});
