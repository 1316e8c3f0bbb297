/** Policies that AWS, its tools and its samples publish are taken as they are. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkPolicy } from "../../src/domain/iam/policy-check.ts";

const published = JSON.parse(readFileSync(join(import.meta.dirname, "published-policies.json"), "utf8"));
const home = { accountId: "000000000000", region: "us-east-1" };

for (const [name, policy] of Object.entries(published))
  test(`${name} is accepted`, () => checkPolicy(JSON.stringify(policy), home));
