/** Phone numbers as people type them at the pages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminGetUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { smsConfiguration } from "../kit/factors.ts";
import { attributesOf, password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { codeIn, makeApp, newVisitor, queryOf } from "./visitor.ts";

forOneServer("postgres", "phone numbers at the pages", (open) => {
  test("are understood as written in the page's country, at sign-up and at sign-in", async () => {
    const server = await open();
    for (const [languages, typed, number] of [
      ["de", "0151 123-45678", "+4915112345678"],
      ["de-AT,de;q=0.9", "0664 1234567", "+436641234567"],
      ["en-US,en", "(202) 555.0123", "+12025550123"],
      ["ja", "090-1234-5678", "+819012345678"],
      ["en", "+1 (555) 555-0100", "+15555550100"],
      ["de", "+1 555 555-0100", "+15555550100"],
    ] as const) {
      const app = await makeApp(server, {
        UsernameAttributes: ["phone_number"],
        AutoVerifiedAttributes: ["phone_number"],
        ...smsConfiguration,
      });
      const headers = { "accept-language": languages };
      const visitor = newVisitor(server, app);
      const form = await visitor.get(`/signup?${queryOf(app)}`, headers);
      const asked = await visitor.submit(form, "/signup", { username: typed, password }, headers);
      await visitor.submit(asked, "/confirmUser", { code: await server.code(number) }, headers);
      const { UserAttributes } = await server.client.send(
        new AdminGetUserCommand({ UserPoolId: app.UserPoolId, Username: number }),
      );
      assert.equal(attributesOf(UserAttributes)["phone_number"], number);
      const other = newVisitor(server, app);
      const login = await other.get(`/login?${queryOf(app)}`, headers);
      codeIn(await other.submit(login, "/login", { username: typed, password }, headers));
    }
  });

  test("are refused where nobody knows the country, and where the country has no such numbers", async () => {
    const server = await open();
    const Schema = [{ Name: "phone_number", Required: true }];
    const app = await makeApp(server, { Schema });
    for (const [languages, typed] of [
      ["en", "(202) 555-0123"],
      ["de", "12"],
      ["en-US", "07911 123456"],
    ] as const) {
      const headers = { "accept-language": languages };
      const visitor = newVisitor(server, app);
      const form = await visitor.get(`/signup?${queryOf(app)}`, headers);
      const fields = { username: "ann", phone_number: typed, password };
      const told = await visitor.submit(form, "/signup", fields, headers);
      assert.match(told.text, /id="phone_number-error"/, `${languages} ${typed}`);
      assert.equal(told.forms[0]!.fields["phone_number"], typed);
    }
  });
});
