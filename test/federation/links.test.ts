/** AdminLinkProviderForUser and AdminDisableProviderForUser, and who signs in as whom. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import type { ProviderIdentity } from "../../src/domain/federation/protocol.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { deleteProvider } from "../../src/store/identity-providers.ts";
import { makeUser, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import {
  addProvider,
  arrive,
  type FederatedPlace,
  federatedPlace,
  identity,
  known,
  newSubject,
  offer,
  turnedAway,
} from "./people.ts";

const subjectName = "Cognito_Subject";

function named(ProviderName: string, ProviderAttributeValue: string, ProviderAttributeName = subjectName) {
  return { ProviderName, ProviderAttributeName, ProviderAttributeValue };
}

const own = (Username: string) => named("Cognito", Username);

function link(
  { server, UserPoolId }: FederatedPlace,
  DestinationUser: sdk.ProviderUserIdentifierType,
  SourceUser: sdk.ProviderUserIdentifierType,
) {
  const input = { UserPoolId, DestinationUser, SourceUser };
  return server.client.send(new sdk.AdminLinkProviderForUserCommand(input));
}

function disable({ server, UserPoolId }: FederatedPlace, User: sdk.ProviderUserIdentifierType) {
  return server.client.send(new sdk.AdminDisableProviderForUserCommand({ UserPoolId, User }));
}

const listed = async (place: FederatedPlace, Username: string) =>
  JSON.parse((await known(place, Username)).attributes["identities"] ?? "[]") as {
    userId: string;
    providerName: string;
    issuer: string | null;
    primary: boolean;
  }[];

const userIdOf = async (place: FederatedPlace, who: ProviderIdentity, provider?: string) =>
  (await arrive(place, who, provider)).user.id;

const missing = refused("UserNotFoundException", "User does not exist.");
const linkedBefore = refused("InvalidParameterException", "SourceUser is already linked to DestinationUser");
const merging = refused(
  "InvalidParameterException",
  "Merging is not currently supported, provide a SourceUser that has not been previously linked to DestinationUser",
);

forEachServer("links to identities", (open) => {
  const placeWithUser = async () => {
    const place = await federatedPlace(await open());
    const Username = await makeUser(place.server, place.UserPoolId, unique("native"));
    const { attributes } = await known(place, Username);
    return { place, Username, sub: attributes["sub"] };
  };

  test("an identity that was linked before its first sign-in is the user of the pool", async () => {
    const { place, Username, sub } = await placeWithUser();
    const { server, UserPoolId, ClientId } = place;
    const [subject, email] = [newSubject(), newAddress()];
    await link(place, own(Username), named("Corporate", subject));
    const before = await listed(place, Username);
    assert.deepEqual(
      before.map(({ userId, providerName, primary }) => [userId, providerName, primary]),
      [[subject, "Corporate", false]],
    );
    const { user } = await arrive(place, identity(subject, { email, email_verified: true }));
    assert.deepEqual([user.id, user.username, user.status], [sub, Username, "CONFIRMED"]);
    const { attributes } = await known(place, Username);
    assert.deepEqual([attributes["email"], attributes["email_verified"]], [email, "true"]);
    assert.deepEqual(await listed(place, Username), before);
    const { Groups } = await server.client.send(new sdk.ListGroupsCommand({ UserPoolId }));
    assert.deepEqual(Groups, [], "nobody has come through the provider first");
    assert.ok(await signIn(server, ClientId, Username), "the password is still good");
  });

  test("a link by a mapped claim becomes one by the subject at the first sign-in", async () => {
    const { place, Username, sub } = await placeWithUser();
    await addProvider(place, "Adfs", {
      type: "SAML",
      details: { MetadataFile: "<x/>" },
      mapping: { email: "mail" },
    });
    await offer(place, "COGNITO", "Corporate", "Adfs");
    const [mail, subject] = [newAddress(), unique("nameid")];
    await link(place, own(Username), named("Adfs", mail, "mail"));
    const who = { ...identity(subject, { mail }), issuer: "urn:adfs" };
    assert.equal(await userIdOf(place, who, "Adfs"), sub);
    assert.deepEqual(
      (await listed(place, Username)).map(({ userId, issuer, primary }) => [userId, issuer, primary]),
      [[subject, "urn:adfs", false]],
    );
    // The claim has done its work: neither another subject with it nor the subject without it matters.
    assert.equal(await userIdOf(place, { ...who, claims: {} }, "Adfs"), sub);
    const other = { ...identity(unique("nameid"), { mail }), issuer: "urn:adfs" };
    assert.notEqual(await userIdOf(place, other, "Adfs"), sub);
    // By the words of the first link there is nothing to end any more.
    await assert.rejects(disable(place, named("Adfs", mail, "mail")), missing);
    await disable(place, named("Adfs", subject));
    assert.deepEqual(await listed(place, Username), []);
  });

  test("first sign-ins at once of an identity that was linked by a claim are one user's, with one link", async () => {
    const { place, Username, sub } = await placeWithUser();
    const email = newAddress();
    await link(place, own(Username), named("Corporate", email, "email"));
    const subject = newSubject();
    const who = identity(subject, { email, email_verified: true });
    const all = await Promise.all(Array.from({ length: 5 }, () => userIdOf(place, who)));
    assert.deepEqual(new Set(all), new Set([sub]));
    assert.deepEqual(
      (await listed(place, Username)).map(({ userId }) => userId),
      [subject],
    );
  });

  test("an e-mail address that an OpenID provider does not call verified links nothing", async () => {
    const { place, Username, sub } = await placeWithUser();
    const email = newAddress();
    await link(place, own(Username), named("Corporate", email, "email"));
    for (const email_verified of [undefined, false, "False"])
      assert.notEqual(await userIdOf(place, identity(newSubject(), { email, email_verified })), sub);
    assert.equal(await userIdOf(place, identity(newSubject(), { email, email_verified: true })), sub);
  });

  test("what a link needs", async () => {
    const { place, Username } = await placeWithUser();
    const { server, UserPoolId } = place;
    await addProvider(place, "Google", { type: "Google" });
    const subject = newSubject();
    const invalid = refused("InvalidParameterException");
    await assert.rejects(link(place, own("nobody"), named("Corporate", subject)), missing);
    await assert.rejects(link(place, named("Corporate", "nobody"), named("Google", subject)), missing);
    await assert.rejects(
      link(place, own(Username), named("Nowhere", subject)),
      refused("ResourceNotFoundException", "Identity provider Nowhere does not exist."),
    );
    for (const source of [
      named("Cognito", Username),
      named("Google", newAddress(), "email"),
      named("Corporate", "x", "not-mapped"),
      named("Corporate", ""),
      named("Corporate", "x".repeat(2049)),
      { ProviderName: "Corporate", ProviderAttributeValue: subject },
      { ProviderName: "Corporate", ProviderAttributeName: subjectName },
      {},
    ])
      await assert.rejects(link(place, own(Username), source), invalid, JSON.stringify(source));
    await assert.rejects(link(place, {}, named("Corporate", subject)), invalid);
    await server.client.send(
      new sdk.AddCustomAttributesCommand({
        UserPoolId,
        CustomAttributes: [{ Name: "fixed", AttributeDataType: "String", Mutable: false }],
      }),
    );
    const Fixed = await makeUser(server, UserPoolId, unique("fixed"), [{ Name: "custom:fixed", Value: "1" }]);
    await assert.rejects(
      link(place, own(Fixed), named("Corporate", subject)),
      refused(
        "InvalidParameterException",
        "DestinationUser has attributes that are not mutable: custom:fixed",
      ),
    );
  });

  test("an identity that is somebody's cannot be linked, and nobody has more than five", async () => {
    const { place, Username } = await placeWithUser();
    const other = await makeUser(place.server, place.UserPoolId, unique("native"));
    const subjects = Array.from({ length: 6 }, newSubject);
    const [first = "", ...others] = subjects;
    await link(place, own(Username), named("Corporate", first));
    await assert.rejects(link(place, own(Username), named("Corporate", first)), linkedBefore);
    await assert.rejects(link(place, own(other), named("Corporate", first)), merging);
    const came = newSubject();
    const { user } = await arrive(place, identity(came));
    await assert.rejects(link(place, own(other), named("Corporate", came)), merging);
    await assert.rejects(link(place, named("Corporate", came), named("Corporate", came)), linkedBefore);
    for (const subject of others.slice(0, 4)) await link(place, own(Username), named("Corporate", subject));
    await assert.rejects(
      link(place, own(Username), named("Corporate", others[4]!)),
      refused("LimitExceededException"),
    );
    assert.equal((await listed(place, Username)).length, 5);
    // One of a federated user is not a link.
    for (const subject of Array.from({ length: 5 }, newSubject))
      await link(place, named("Corporate", came), named("Corporate", subject));
    assert.equal((await listed(place, user.username)).length, 6);
  });

  test("of two links of one identity at once one is made", async () => {
    const { place, Username } = await placeWithUser();
    const other = await makeUser(place.server, place.UserPoolId, unique("native"));
    const source = named("Corporate", newSubject());
    const all = await Promise.allSettled([Username, other].map((one) => link(place, own(one), source)));
    assert.deepEqual(all.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    const links = await Promise.all([Username, other].map((one) => listed(place, one)));
    assert.equal(links.flat().length, 1);
  });

  test("a link that is ended makes the identity a user of its own, and ends the sign-ins", async () => {
    const { place, Username, sub } = await placeWithUser();
    const { server, ClientId } = place;
    const subject = newSubject();
    await link(place, own(Username), named("Corporate", subject));
    await arrive(place, identity(subject));
    const { AccessToken } = await signIn(server, ClientId, Username);
    await disable(place, named("Corporate", subject));
    await assert.rejects(
      server.client.send(new sdk.GetUserCommand({ AccessToken })),
      refused("NotAuthorizedException", "Access Token has been revoked"),
    );
    assert.deepEqual(await listed(place, Username), []);
    const alone = await arrive(place, identity(subject));
    assert.notEqual(alone.user.id, sub);
    assert.equal(alone.user.username, `Corporate_${subject}`);
    await assert.rejects(disable(place, named("Corporate", "nobody")), missing);
    await assert.rejects(disable(place, named("Nowhere", "nobody")), refused("ResourceNotFoundException"));
    // A federated user whose own identity is ended stays, and nobody else becomes this user.
    await disable(place, named("Corporate", subject));
    await assert.rejects(
      arrive(place, identity(subject)),
      turnedAway(`Already found an entry for username Corporate_${subject}`),
    );
    await link(place, own(Username), named("Corporate", subject));
    assert.equal(await userIdOf(place, identity(subject)), sub);
  });

  test("a user of the pool whose own sign-in is ended signs in with linked identities alone", async () => {
    const place = await federatedPlace(await open(), {
      AliasAttributes: ["email"],
      AutoVerifiedAttributes: ["email"],
    });
    const { server, UserPoolId, ClientId } = place;
    const email = newAddress();
    const verified = [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ];
    const Username = await makeUser(server, UserPoolId, unique("native"), verified);
    const { attributes } = await known(place, Username);
    const subject = newSubject();
    await link(place, own(Username), named("Corporate", subject));
    const { RefreshToken } = await signIn(server, ClientId, email);
    await server.client.send(new sdk.ForgotPasswordCommand({ ClientId, Username }));
    const ConfirmationCode = await server.code(email);
    await assert.rejects(
      disable(place, named("Cognito", Username, "email")),
      refused("InvalidParameterException"),
    );
    await disable(place, own(Username));
    await disable(place, own(Username));
    assert.equal((await known(place, Username)).status, "EXTERNAL_PROVIDER");
    await assert.rejects(signIn(server, ClientId, Username), refused("NotAuthorizedException"));
    await assert.rejects(signIn(server, ClientId, email), missing);
    await assert.rejects(
      server.client.send(new sdk.GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken })),
      refused("NotAuthorizedException"),
    );
    const recovery = { ClientId, Username, ConfirmationCode, Password: "Another-Horse-8" };
    await assert.rejects(
      server.client.send(new sdk.ConfirmForgotPasswordCommand(recovery)),
      refused("ExpiredCodeException"),
    );
    assert.equal(await userIdOf(place, identity(subject)), attributes["sub"]);
    // An administrator gives the user a password, and with it the other names, again.
    const Permanent = { UserPoolId, Username, Password: password, Permanent: true };
    await server.client.send(new sdk.AdminSetUserPasswordCommand(Permanent));
    assert.ok(await signIn(server, ClientId, email));
    assert.equal(await userIdOf(place, identity(subject)), attributes["sub"]);
  });

  test("a user who is deleted takes the links along", async () => {
    const { place, Username, sub } = await placeWithUser();
    const { server, UserPoolId } = place;
    const subject = newSubject();
    await link(place, own(Username), named("Corporate", subject));
    await server.client.send(new sdk.AdminDeleteUserCommand({ UserPoolId, Username }));
    const { user } = await arrive(place, identity(subject));
    assert.notEqual(user.id, sub);
    await server.client.send(new sdk.AdminDeleteUserCommand({ UserPoolId, Username: user.username }));
    assert.notEqual(await userIdOf(place, identity(subject)), user.id);
  });

  test("a link awaits no user of a later provider of the same name", async () => {
    const { place, Username, sub } = await placeWithUser();
    const { server, UserPoolId } = place;
    const subject = unique("nameid");
    await addProvider(place, "Saml", { type: "SAML", details: {} });
    await offer(place, "COGNITO", "Saml");
    await link(place, own(Username), named("Saml", subject));
    assert.ok(await deleteProvider(server.app.db, UserPoolId, "Saml"));
    server.clock.advance(1000);
    await addProvider(place, "Saml", { type: "SAML", details: {} });
    assert.notEqual(await userIdOf(place, identity(subject), "Saml"), sub);
  });

  test("the owner is told of a link and of its end, unless the pool tells nobody, and both are audited", async () => {
    for (const [tag, told] of [
      ["address-changed", ["A sign-in method was added", "A sign-in method was removed"]],
      ["factor-added factor-removed", []],
    ] as const) {
      const UserPoolTags = { "poolhouse:no-notices": tag, "poolhouse:link-by-email": "Corporate" };
      const place = await federatedPlace(await open(), { UserPoolTags });
      const { server, UserPoolId } = place;
      const email = newAddress();
      const attributes = [
        { Name: "email", Value: email },
        { Name: "email_verified", Value: "true" },
      ];
      const Username = await makeUser(server, UserPoolId, unique("native"), attributes);
      const sub = (await known(place, Username)).attributes["sub"]!;
      const notices = async () => (await server.notices(email)).map(({ subject }) => subject).sort();
      const said = { email, email_verified: true };
      // By e-mail address, at a sign-in; later ones are no news.
      const byAddress = identity(newSubject(), said);
      for (let time = 0; time < 2; time++) assert.equal(await userIdOf(place, byAddress), sub);
      assert.deepEqual(await notices(), told.slice(0, 1));
      // By an administrator; neither is the sign-in that was awaited.
      const awaited = identity(newSubject(), said);
      await link(place, own(Username), named("Corporate", awaited.subject));
      assert.equal(await userIdOf(place, awaited), sub);
      assert.deepEqual(await notices(), [...told.slice(0, 1), ...told.slice(0, 1)]);
      await disable(place, named("Corporate", awaited.subject));
      await disable(place, own(Username));
      assert.deepEqual(await notices(), [
        ...told.slice(0, 1),
        ...told.slice(0, 1),
        ...told.slice(1),
        ...told.slice(1),
      ]);
      const events = await listAuditEvents(
        server.app.db,
        { target: sub, result: "ok" },
        { limit: 100, order: "oldest first" },
      );
      assert.deepEqual(
        events
          .filter(({ operation }) => /Provider|Federated/.test(operation))
          .map(({ operation, details }) => [operation, details?.["provider"]]),
        [
          ["FederatedSignIn", "Corporate"],
          ["AdminLinkProviderForUser", "Corporate"],
          ["AdminDisableProviderForUser", "Corporate"],
          ["AdminDisableProviderForUser", undefined],
        ],
      );
    }
  });
});
