/**
 * The policy that a team writes for its trigger, as in their documentation, attached to a key and used over the wire.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { evaluate, parsePolicy } from "../../src/policy/policy.ts";
import { forOneServer } from "../kit/server.ts";
import { everyRow } from "./database.ts";
import { authorizedBy, type KnownOperation } from "./operations.ts";
import { inBatches, post, signedCall } from "./wire.ts";
import { makeWorld } from "./world.ts";

const printed = `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents"
            ],
            "Resource": "arn:aws:logs:*:*:*"
        },
        {
            "Effect": "Allow",
            "Action": [
                "cognito-idp:AdminUpdateUserAttributes"
            ],
            "Resource": "arn:aws:cognito-idp:us-east-1:{aws_account_id}:userpool/{user_pool_id}"
        }
    ]
}`;

const policyFor = (account: string, pool: string) =>
  printed.replace("{aws_account_id}", account).replace("{user_pool_id}", pool);

test("the policy of a trigger's role allows what it names and nothing else", () => {
  const policy = parsePolicy(policyFor("123456789012", "us-east-1_AbCdEfGhI"));
  const pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_AbCdEfGhI";
  const log = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/trigger";
  const decisions: [string, string, string][] = [
    ["cognito-idp:AdminUpdateUserAttributes", pool, "allow"],
    ["COGNITO-IDP:adminupdateuserattributes", pool, "allow"],
    ["logs:CreateLogGroup", log, "allow"],
    ["logs:CreateLogStream", log, "allow"],
    ["logs:PutLogEvents", log, "allow"],
    ["logs:DeleteLogGroup", log, "implicit-deny"],
    ["logs:PutLogEvents", pool, "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttributes", log, "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttributes", `${pool}x`, "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttributes", pool.toLowerCase(), "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttributes", pool.replace("us-east-1:", "us-east-2:"), "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttributes", pool.replace("123456789012", "123456789013"), "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttributes", "*", "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttribute", pool, "implicit-deny"],
    ["cognito-idp:AdminUpdateUserAttributesX", pool, "implicit-deny"],
    ["cognito-idp:AdminDeleteUserAttributes", pool, "implicit-deny"],
    ["cognito-idp:*", pool, "implicit-deny"],
    ["cognito-identity:AdminUpdateUserAttributes", pool, "implicit-deny"],
  ];
  for (const [action, resource, expected] of decisions) {
    assert.equal(evaluate([policy], { action, resource, context: {} }), expected, `${action} on ${resource}`);
  }
  // If they forget to fill it in, the key has no access here.
  const unfilled = parsePolicy(printed);
  const action = "cognito-idp:AdminUpdateUserAttributes";
  assert.equal(evaluate([unfilled], { action, resource: pool, context: {} }), "implicit-deny");
});

forOneServer("sqlite", "the policy of a trigger's role", (open) => {
  test("on the wire: one operation on one pool", async () => {
    const server = await open();
    const { endpoint, clock } = server;
    const [mine, other] = [await makeWorld(server), await makeWorld(server)];
    const key = await createAccessKey(server.app, "trigger", policyFor("000000000000", mine.UserPoolId));
    const call = (operation: KnownOperation, input: object) =>
      post(endpoint, signedCall(endpoint, operation, JSON.stringify(input), { now: clock.now, ...key }));
    const all = authorizedBy("iam");
    const update = all.find(({ name }) => name === "AdminUpdateUserAttributes") ?? assert.fail();
    const before = await everyRow(server.app);
    await inBatches(all, async (operation) => {
      for (const world of operation === update ? [other] : [mine, other]) {
        const { status, type, message } = await call(operation, world.input(operation));
        assert.deepEqual([status, type], [400, "AccessDeniedException"], operation.name);
        assert.match(
          message,
          /^User: arn:aws:iam::000000000000:user\/trigger is not authorized to perform: cognito-id.* because no identity-based policy allows/,
        );
      }
    });
    assert.deepEqual(await everyRow(server.app), before, "nothing changed");
    assert.equal((await call(update, mine.input(update))).status, 200);
    assert.notDeepEqual(await everyRow(server.app), before);
  });
});
