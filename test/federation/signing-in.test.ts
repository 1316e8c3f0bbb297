/** A sign-in with an identity provider beside all others: who may, what it leaves behind, and what tokens can do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { sql } from "kysely";
import { ask } from "../kit/ask.ts";
import { turnMfa } from "../kit/factors.ts";
import { makeUser, newAddress, password, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import {
  addProvider,
  arrive,
  attributesOf,
  contextOf,
  cookieOf,
  type FederatedPlace,
  federatedPlace,
  identity,
  known,
  newSubject,
  offer,
  tokensOf,
  turnedAway,
} from "./people.ts";

const link = ({ server, UserPoolId }: FederatedPlace, Username: string, subject: string) =>
  server.client.send(
    new sdk.AdminLinkProviderForUserCommand({
      UserPoolId,
      DestinationUser: { ProviderName: "Cognito", ProviderAttributeValue: Username },
      SourceUser: {
        ...{ ProviderName: "Corporate", ProviderAttributeName: "Cognito_Subject" },
        ProviderAttributeValue: subject,
      },
    }),
  );

const api = "openid aws.cognito.signin.user.admin";

forEachServer("sign-ins with identity providers", (open) => {
  test("a link lets nobody in who could not sign in with the password", async () => {
    const place = await federatedPlace(await open(), { AutoVerifiedAttributes: ["email"] });
    const { server, UserPoolId, ClientId } = place;
    const verified = [
      { Name: "email", Value: newAddress() },
      { Name: "email_verified", Value: "true" },
    ];
    const makes: Readonly<Record<string, (Username: string) => Promise<unknown>>> = {
      "User is not confirmed.": (Username) =>
        server.client.send(new sdk.SignUpCommand({ ClientId, Username, Password: password })),
      "Password reset required for the user": async (Username) => {
        await makeUser(server, UserPoolId, Username, verified);
        await server.client.send(new sdk.AdminResetUserPasswordCommand({ UserPoolId, Username }));
      },
      "Password reset required for the user ": (Username) =>
        server.client.send(
          new sdk.AdminCreateUserCommand({ UserPoolId, Username, MessageAction: "SUPPRESS" }),
        ),
      "User is disabled.": async (Username) => {
        await makeUser(server, UserPoolId, Username);
        await server.client.send(new sdk.AdminDisableUserCommand({ UserPoolId, Username }));
      },
    };
    for (const [refusal, make] of Object.entries(makes)) {
      const [Username, subject] = [unique("native"), newSubject()];
      await make(Username);
      await link(place, Username, subject);
      await assert.rejects(arrive(place, identity(subject, { name: "Eve" })), turnedAway(refusal.trim()));
      assert.equal((await known(place, Username)).attributes["name"], undefined);
    }
  });

  test("what cannot be written makes the sign-in fail, and changes nothing", async () => {
    const server = await open();
    const Schema = [{ Name: "email", Required: true, Mutable: true }];
    const mapping = { email: "email", name: "name", "custom:fixed": "fixed" };
    const place = await federatedPlace(server, { Schema }, { mapping });
    const { UserPoolId } = place;
    const CustomAttributes = [{ Name: "fixed", AttributeDataType: "String" as const, Mutable: false }];
    await server.client.send(new sdk.AddCustomAttributesCommand({ UserPoolId, CustomAttributes }));
    const subject = newSubject();
    await assert.rejects(arrive(place, identity(subject)), turnedAway("attributes required: [email]"));
    const email = newAddress();
    const { user } = await arrive(place, identity(subject, { email, fixed: "1", name: "Ann" }));
    await assert.rejects(
      arrive(place, identity(subject, { email, fixed: "2", name: "Eve" })),
      turnedAway("user.custom:fixed: Attribute cannot be updated."),
    );
    await assert.rejects(
      arrive(place, identity(subject, { email, name: "x".repeat(2049) })),
      turnedAway(/name: String must be no longer than 2048 characters/),
    );
    const { attributes } = await known(place, user.username);
    assert.deepEqual([attributes["name"], attributes["custom:fixed"]], ["Ann", "1"]);
    assert.equal((await arrive(place, identity(subject, { fixed: "1" }))).user.id, user.id);
  });

  test("no second factor is asked for, whatever the pool demands", async () => {
    const place = await federatedPlace(await open());
    await turnMfa(place.server, place, "ON", { SoftwareTokenMfaConfiguration: { Enabled: true } });
    const signedIn = await arrive(place, identity(newSubject()));
    const { status } = await tokensOf(place, signedIn, { scope: api });
    assert.equal(status, 200);
  });

  test("tokens show the identities, can read and write attributes, and end with a global sign-out", async () => {
    const place = await federatedPlace(await open());
    const { server, base } = place;
    const subject = newSubject();
    const signedIn = await arrive(place, identity(subject, { name: "Ann" }));
    const { body } = await tokensOf(place, signedIn, { scope: api });
    const AccessToken = String(body["access_token"]);
    const { UserAttributes, Username } = await server.client.send(new sdk.GetUserCommand({ AccessToken }));
    assert.equal(Username, `Corporate_${subject}`);
    const { identities = "", name } = attributesOf(UserAttributes);
    assert.equal(name, "Ann");
    assert.deepEqual(
      JSON.parse(identities).map(({ primary, userId }: Record<string, unknown>) => [primary, userId]),
      [[true, subject]],
    );
    const headers = { authorization: `Bearer ${AccessToken}` };
    const info = await ask(`${base}/oauth2/userInfo`, { headers });
    assert.equal((JSON.parse(await info.text()) as Record<string, string>)["identities"], identities);
    const change = { AccessToken, UserAttributes: [{ Name: "nickname", Value: "Nan" }] };
    await server.client.send(new sdk.UpdateUserAttributesCommand(change));
    await assert.rejects(
      server.client.send(
        new sdk.UpdateUserAttributesCommand({
          AccessToken,
          UserAttributes: [{ Name: "identities", Value: "[]" }],
        }),
      ),
    );
    const { attributes } = await known(place, Username);
    assert.deepEqual([attributes["nickname"], attributes["identities"]], ["Nan", identities]);
    await server.client.send(new sdk.GlobalSignOutCommand({ AccessToken }));
    assert.equal((await ask(`${base}/oauth2/userInfo`, { headers })).status, 401);
  });

  test("a browser that has come with one provider is let in only by clients that offer it", async () => {
    const place = await federatedPlace(await open());
    const { server, UserPoolId } = place;
    const signedIn = await arrive(place, identity(newSubject()));
    const cookie = await cookieOf(place, signedIn);
    const where = async () => {
      const query = new URLSearchParams({
        ...{ response_type: "code", client_id: place.ClientId, prompt: "none" },
        redirect_uri: "http://localhost:9999/callback?kept=1",
      });
      const answer = await ask(`${place.base}/oauth2/authorize?${query}`, { headers: { cookie } });
      return new URL(answer.headers.get("location")!).searchParams.get("error");
    };
    assert.equal(await where(), null);
    await addProvider({ server, UserPoolId }, "Google", { type: "Google" });
    await offer(place, "COGNITO", "Google");
    assert.equal(await where(), "login_required");
    await offer(place, "Google", "Corporate");
    assert.equal(await where(), null);
  });

  test("sign-ins are events of the user and are counted; links are in the audit log, without values", async () => {
    const place = await federatedPlace(await open());
    const { server, UserPoolId } = place;
    const subject = newSubject();
    const { user } = await arrive(place, identity(subject));
    const named = { UserPoolId, Username: user.username };
    await server.client.send(new sdk.AdminDisableUserCommand(named));
    await assert.rejects(arrive(place, identity(subject)), turnedAway("User is disabled."));
    let events: sdk.AuthEventType[] = [];
    await until("both sign-ins are events", async () => {
      events = (await server.client.send(new sdk.AdminListUserAuthEventsCommand(named))).AuthEvents ?? [];
      return events.length === 2;
    });
    assert.deepEqual(
      events.map(({ EventType, EventResponse }) => [EventType, EventResponse]),
      [
        ["SignIn", "Fail"],
        ["SignIn", "Pass"],
      ],
    );
    const metrics = await (await ask(`${server.endpoint}/metrics`)).text();
    assert.match(metrics, /poolhouse_sign_ins_total\{step="FEDERATED",outcome="authenticated"\} [1-9]/);
    assert.match(
      metrics,
      /poolhouse_sign_ins_total\{step="FEDERATED",outcome="NotAuthorizedException"\} [1-9]/,
    );
    const Username = await makeUser(server, UserPoolId, unique("native"));
    const secret = unique("subject-that-nobody-logs");
    await link(place, Username, secret);
    await arrive(place, identity(secret));
    const { rows } = await sql<{ operation: string; details: unknown }>`
      select operation, details from audit_events where pool_id = ${UserPoolId}`.execute(
      server.app.db.kysely,
    );
    const texts = rows.map(({ operation, details }) => [operation, JSON.stringify(details)] as const);
    const linked = texts.find(([operation]) => operation === "AdminLinkProviderForUser");
    assert.match(linked?.[1] ?? "", /Corporate/);
    assert.doesNotMatch(JSON.stringify(texts), new RegExp(secret));
  });

  test("the owner is told of a sign-in from a network that is new", async () => {
    const place = await federatedPlace(await open());
    const { server } = place;
    const email = newAddress();
    const who = identity(newSubject(), { email, email_verified: true });
    for (const address of ["192.0.2.1", "192.0.2.1", "198.51.100.7"]) {
      const ctx = contextOf(server, address);
      await cookieOf(place, await arrive(place, who, "Corporate", ctx), ctx);
    }
    const kinds = (await server.notices(email)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["notice:new-sign-in"]);
  });
});
