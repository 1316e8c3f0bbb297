/** Attempts to become somebody else by way of an identity provider. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { finishFederation } from "../../src/domain/federation/finish.ts";
import { findProvider } from "../../src/domain/federation/provider.ts";
import { deleteProvider } from "../../src/store/identity-providers.ts";
import { makePool, makeUser, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  addProvider,
  arrive,
  contextOf,
  type FederatedPlace,
  federatedPlace,
  identity,
  known,
  newSubject,
  offer,
  settingsOf,
  turnedAway,
} from "./people.ts";

const linkTag = "poolhouse:link-by-email";
const verified = (email: string) => [
  { Name: "email", Value: email },
  { Name: "email_verified", Value: "true" },
];
const subOf = async (place: FederatedPlace, Username: string) =>
  (await known(place, Username)).attributes["sub"];

forOneServer("postgres", "attacks by way of identity providers", (open) => {
  const byAddress = { UsernameAttributes: ["email" as const], AutoVerifiedAttributes: ["email" as const] };

  test("an address that somebody registered before its owner came, and the other way around", async () => {
    const place = await federatedPlace(await open(), byAddress);
    const { server, UserPoolId, ClientId } = place;
    const signUp = async (Username: string) => {
      const { UserSub } = await server.client.send(
        new sdk.SignUpCommand({ ClientId, Username, Password: password }),
      );
      return UserSub;
    };
    // The attacker signs up with the victim's address, which stays unverified; the victim comes with the provider.
    const first = newAddress();
    const attacker = await signUp(first);
    const victim = await arrive(place, identity(newSubject(), { email: first, email_verified: true }));
    assert.notEqual(victim.user.id, attacker);
    // The attacker comes with the victim's address, which the provider has not verified; then with one it has.
    for (const email_verified of [false, true]) {
      const email = newAddress();
      const stranger = await arrive(place, identity(newSubject(), { email, email_verified }));
      const owner = await signUp(email);
      assert.notEqual(owner, stranger.user.id);
      const ConfirmationCode = await server.code(email);
      await server.client.send(new sdk.ConfirmSignUpCommand({ ClientId, Username: email, ConfirmationCode }));
      const { AccessToken } = await signIn(server, ClientId, email);
      const { UserAttributes } = await server.client.send(new sdk.GetUserCommand({ AccessToken }));
      assert.equal(UserAttributes?.find(({ Name }) => Name === "sub")?.Value, owner);
      await assert.rejects(
        server.client.send(
          new sdk.AdminSetUserPasswordCommand({
            ...{ UserPoolId, Username: stranger.user.username, Password: password, Permanent: true },
          }),
        ),
        refused("InvalidParameterException", "An account with the given email already exists."),
      );
    }
  });

  test("linking by e-mail: only where a tag says so, and only if both sides have verified it", async () => {
    const server = await open();
    const place = await federatedPlace(server, { UserPoolTags: { [linkTag]: "Corporate Other" } });
    const { UserPoolId } = place;
    const email = newAddress();
    const Username = await makeUser(server, UserPoolId, unique("native"), verified(email));
    const sub = await subOf(place, Username);
    const comes = async (claims: object, provider?: string) =>
      (await arrive(place, identity(newSubject(), { ...claims }), provider)).user.id;
    assert.notEqual(await comes({ email }), sub);
    assert.notEqual(await comes({ email, email_verified: false }), sub);
    await addProvider(place, "Untrusted");
    await offer(place, "Corporate", "Untrusted");
    assert.notEqual(await comes({ email, email_verified: true }, "Untrusted"), sub);
    // Kelvin's sign folds to k, and is another mailbox.
    const cased = `Kim${email}`;
    const kim = await subOf(place, await makeUser(server, UserPoolId, unique("native"), verified(cased)));
    assert.notEqual(
      await comes({ email: `\u212Aim${email}`, email_verified: true }).catch(() => "refused"),
      kim,
    );
    assert.equal(
      await comes({ email: cased.toUpperCase().replace("EXAMPLE", "example"), email_verified: true }),
      kim,
    );
    const subject = newSubject();
    const linked = await arrive(place, identity(subject, { email, email_verified: "true" }));
    assert.equal(linked.user.id, sub);
    assert.equal((await arrive(place, identity(subject))).user.id, sub, "from now on by the subject");
    const unverified = newAddress();
    const other = [{ Name: "email", Value: unverified }];
    const open_ = await subOf(place, await makeUser(server, UserPoolId, unique("native"), other));
    assert.notEqual(await comes({ email: unverified, email_verified: true }), open_);
    const twice = newAddress();
    const both = [];
    for (const _ of [1, 2])
      both.push(await subOf(place, await makeUser(server, UserPoolId, unique("native"), verified(twice))));
    assert.ok(!both.includes(await comes({ email: twice, email_verified: true })));
  });

  test("`email_verified` speaks of the claim `email`, and of no address that users write themselves", async () => {
    const server = await open();
    const place = await federatedPlace(server, { UserPoolTags: { [linkTag]: "Mail Both" } });
    const { UserPoolId } = place;
    await addProvider(place, "Mail", { mapping: { email: "mail" } });
    await addProvider(place, "Both", { mapping: { email: "mail", nickname: "email" } });
    await addProvider(place, "Says", { mapping: { email: "mail", email_verified: "mail_verified" } });
    await offer(place, "COGNITO", "Mail", "Both", "Says");
    const email = newAddress();
    const Username = await makeUser(server, UserPoolId, unique("native"), verified(email));
    const sub = await subOf(place, Username);
    const own = { email: newAddress(), email_verified: true };
    const comes = async (claims: object, provider: string) =>
      (await arrive(place, identity(newSubject(), { ...claims }), provider)).user.id;
    assert.notEqual(await comes({ ...own, mail: email }, "Mail"), sub);
    const link = (claim: string, provider: string) =>
      server.client.send(
        new sdk.AdminLinkProviderForUserCommand({
          UserPoolId,
          DestinationUser: { ProviderName: "Cognito", ProviderAttributeValue: Username },
          SourceUser: {
            ProviderName: provider,
            ProviderAttributeName: claim,
            ProviderAttributeValue: email,
          },
        }),
      );
    await link("email", "Both");
    assert.notEqual(await comes({ ...own, mail: email }, "Both"), sub);
    await link("mail", "Says");
    assert.notEqual(await comes({ ...own, mail: email, mail_verified: false }, "Says"), sub);
    assert.equal(await comes({ ...own, mail: email, mail_verified: true }, "Says"), sub);
    assert.equal(await comes({ email, email_verified: true, mail: newAddress() }, "Both"), sub);
  });

  test("a claim that is called as the provider's own id of a user is not that id", async () => {
    const server = await open();
    const place = await federatedPlace(server);
    const { UserPoolId } = place;
    await addProvider(place, "Saml", { type: "SAML", details: {}, mapping: { nickname: "Cognito_Subject" } });
    await offer(place, "COGNITO", "Saml");
    const Username = await makeUser(server, UserPoolId, unique("native"));
    const victim = newSubject();
    await server.client.send(
      new sdk.AdminLinkProviderForUserCommand({
        UserPoolId,
        DestinationUser: { ProviderName: "Cognito", ProviderAttributeValue: Username },
        SourceUser: {
          ProviderName: "Saml",
          ProviderAttributeName: "Cognito_Subject",
          ProviderAttributeValue: victim,
        },
      }),
    );
    const attacker = identity(newSubject(), { Cognito_Subject: victim });
    const sub = await subOf(place, Username);
    assert.notEqual((await arrive(place, attacker, "Saml")).user.id, sub);
    assert.equal((await arrive(place, identity(victim), "Saml")).user.id, sub);
  });

  test("linking by e-mail: not again where an administrator has ended the link", async () => {
    const server = await open();
    const place = await federatedPlace(server, { UserPoolTags: { [linkTag]: "Corporate Other" } });
    await addProvider(place, "Other");
    await offer(place, "Corporate", "Other");
    const { UserPoolId } = place;
    const email = newAddress();
    const Username = await makeUser(server, UserPoolId, unique("native"), verified(email));
    const sub = await subOf(place, Username);
    const who = identity(newSubject(), { email, email_verified: true });
    assert.equal((await arrive(place, who)).user.id, sub);
    const User = {
      ...{ ProviderName: "Corporate", ProviderAttributeName: "Cognito_Subject" },
      ProviderAttributeValue: who.subject,
    };
    await server.client.send(new sdk.AdminDisableProviderForUserCommand({ UserPoolId, User }));
    assert.notEqual((await arrive(place, who)).user.id, sub);
    const again = identity(newSubject(), { email, email_verified: true });
    assert.notEqual((await arrive(place, again)).user.id, sub);
    assert.equal((await arrive(place, again, "Other")).user.id, sub, "another provider's link was not ended");
    const DestinationUser = { ProviderName: "Cognito", ProviderAttributeValue: Username };
    const SourceUser = { ...User, ProviderAttributeValue: newSubject() };
    await server.client.send(
      new sdk.AdminLinkProviderForUserCommand({ UserPoolId, DestinationUser, SourceUser }),
    );
    assert.equal((await arrive(place, identity(SourceUser.ProviderAttributeValue))).user.id, sub);
  });

  test("linking by e-mail: not to users of providers, and not to whom may not sign in", async () => {
    const server = await open();
    const place = await federatedPlace(server, { UserPoolTags: { [linkTag]: "Corporate" } });
    const { UserPoolId } = place;
    const email = newAddress();
    const who = () => identity(newSubject(), { email, email_verified: true });
    const first = await arrive(place, who());
    assert.notEqual((await arrive(place, who())).user.id, first.user.id);
    const theirs = newAddress();
    const Username = await makeUser(server, UserPoolId, unique("native"), verified(theirs));
    await server.client.send(new sdk.AdminDisableUserCommand({ UserPoolId, Username }));
    const comes = identity(newSubject(), { email: theirs, email_verified: true });
    await assert.rejects(arrive(place, comes), turnedAway("User is disabled."));
    assert.equal((await known(place, Username)).attributes["identities"], undefined);
  });

  test("the tag names providers", async () => {
    const { client } = await open();
    for (const value of ["", " ", "*", "x".repeat(33)])
      await assert.rejects(
        client.send(new sdk.CreateUserPoolCommand({ PoolName: "p", UserPoolTags: { [linkTag]: value } })),
        refused("InvalidParameterException"),
      );
  });

  test("a provider that says another's subject, and names that look alike", async () => {
    const place = await federatedPlace(await open());
    const subject = newSubject();
    const { user } = await arrive(place, identity(subject));
    await addProvider(place, "Evil", { details: { oidc_issuer: "https://evil.example" } });
    await addProvider(place, `Corp`, { details: { oidc_issuer: "https://corp.example" } });
    await addProvider(place, `Corp_x`, { details: { oidc_issuer: "https://corp-x.example" } });
    await offer(place, "Corporate", "Evil", "Corp", "Corp_x");
    // Also with the issuer of the other provider: a protocol would not let that pass.
    for (const issuer of ["https://evil.example", "https://idp.example"])
      assert.notEqual(
        (await arrive(place, { ...identity(subject), issuer }, "Evil").catch(() => undefined))?.user.id,
        user.id,
      );
    const one = await arrive(place, { ...identity("x_1"), issuer: "https://corp.example" }, "Corp");
    assert.equal(one.user.username, "Corp_x_1");
    await assert.rejects(
      arrive(place, { ...identity("1"), issuer: "https://corp-x.example" }, "Corp_x"),
      turnedAway("Already found an entry for username Corp_x_1"),
    );
  });

  test("a provider that is aimed at another issuer, or made again with one", async () => {
    const place = await federatedPlace(await open());
    const { server, UserPoolId } = place;
    const subject = newSubject();
    const { user } = await arrive(place, identity(subject));
    const elsewhere = { ...identity(subject), issuer: "https://another.example" };
    const taken = turnedAway(`Already found an entry for username ${user.username}`);
    await assert.rejects(arrive(place, elsewhere), taken);
    assert.ok(await deleteProvider(server.app.db, UserPoolId, "Corporate"));
    await addProvider(place, "Corporate", { details: { oidc_issuer: elsewhere.issuer } });
    await assert.rejects(arrive(place, elsewhere), taken);
    assert.equal((await arrive(place, identity(subject))).user.id, user.id);
  });

  test("claims that no attribute can hold", async () => {
    const place = await federatedPlace(await open());
    let deep: unknown = "x";
    for (let depth = 0; depth < 200_000; depth++) deep = [deep];
    for (const [name, told] of [
      ["a\u0000b", "name contains U+0000."],
      [deep, "A claim of the identity provider is nested too deep."],
      [{ deep }, "A claim of the identity provider is nested too deep."],
    ] as const)
      await assert.rejects(arrive(place, identity(newSubject(), { name })), turnedAway(told), told);
  });

  test("subjects that cannot be part of a name", async () => {
    const place = await federatedPlace(await open());
    const room = 128 - "Corporate_".length;
    for (const subject of ["", "a b", "a\nb", "a\u0000b", "a\u200Bb", "x".repeat(room + 1), "\ud800"])
      await assert.rejects(
        arrive(place, identity(subject)),
        turnedAway("The identity provider's name of the user cannot be a username."),
        JSON.stringify(subject),
      );
    for (const subject of [
      "x".repeat(room),
      "auth0|5f7c8",
      "https://openid.example/ann?x=1",
      "ünï-名前",
      "'; drop table users; --".replaceAll(" ", ""),
    ]) {
      const { user } = await arrive(place, identity(subject));
      assert.equal(user.username, `Corporate_${subject}`);
      assert.equal((await arrive(place, identity(subject))).user.id, user.id);
    }
  });

  test("another pool's client, another pool's provider, and a provider that the client does not offer", async () => {
    const server: TestServer = await open();
    const [place, other] = [await federatedPlace(server), await federatedPlace(server)];
    const ctx = contextOf(server);
    const [ours, theirs] = [await settingsOf(place), await settingsOf(other)];
    const provider = (await findProvider(ctx, place.UserPoolId, "Corporate"))!;
    const foreign = (await findProvider(ctx, other.UserPoolId, "Corporate"))!;
    const refusal = turnedAway("The identity provider is not one of the client's.");
    for (const at of [
      { pool: ours.pool, client: theirs.client, provider },
      { pool: theirs.pool, client: ours.client, provider },
      { ...ours, provider: foreign },
      { ...theirs, provider },
    ])
      await assert.rejects(finishFederation(ctx, at, identity(newSubject())), refusal);
    await offer(place, "COGNITO");
    await assert.rejects(arrive(place, identity(newSubject())), refusal);
    await offer(place, "Corporate");
    server.clock.advance(1);
    assert.ok(await deleteProvider(server.app.db, place.UserPoolId, "Corporate"));
    await assert.rejects(finishFederation(ctx, { ...ours, provider }, identity(newSubject())), refusal);
    await addProvider(place, "Corporate");
    await assert.rejects(
      finishFederation(ctx, { ...(await settingsOf(place)), provider }, identity(newSubject())),
      refusal,
    );
  });

  test("users of other providers are not taken in by name: the moved user of a function", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const place = { server, UserPoolId, ClientId: "", base: "" };
    // A name is nobody's until there is a provider.
    const Username = `Later_${newSubject()}`;
    await makeUser(server, UserPoolId, Username);
    await addProvider(place, "Later");
    const again = new sdk.AdminCreateUserCommand({ UserPoolId, Username: `later_${newSubject()}` });
    await assert.rejects(server.client.send(again), refused("InvalidParameterException"));
    // Names are composed before they are compared.
    for (const [name, taken] of [
      ["Caf\u00e9", "Cafe\u0301"],
      ["Nai\u0308f", "Na\u00eff"],
    ] as const) {
      await addProvider(place, name);
      const decomposed = new sdk.AdminCreateUserCommand({ UserPoolId, Username: `${taken}_1` });
      await assert.rejects(server.client.send(decomposed), refused("InvalidParameterException"), taken);
    }
  });

  test("nobody keeps a provider's user out by an alias that is such a name", async () => {
    const server = await open();
    const place = await federatedPlace(server, { AliasAttributes: ["preferred_username"] });
    const { UserPoolId, ClientId } = place;
    const subject = newSubject();
    const Username = await makeUser(server, UserPoolId, unique("native"));
    const { AccessToken } = await signIn(server, ClientId, Username);
    const UserAttributes = [{ Name: "preferred_username", Value: `Corporate_${subject}` }];
    for (const command of [
      new sdk.UpdateUserAttributesCommand({ AccessToken, UserAttributes }),
      new sdk.AdminUpdateUserAttributesCommand({ UserPoolId, Username, UserAttributes }),
      new sdk.AdminCreateUserCommand({ UserPoolId, Username: unique("native"), UserAttributes }),
    ])
      await assert.rejects(
        server.client.send(command as sdk.UpdateUserAttributesCommand),
        refused("InvalidParameterException"),
        command.constructor.name,
      );
    const Password = password;
    const signUp = new sdk.SignUpCommand({ ClientId, Username: unique("native"), Password, UserAttributes });
    await assert.rejects(server.client.send(signUp), refused("InvalidParameterException"));
    const { user } = await arrive(place, identity(subject));
    assert.equal(user.username, `Corporate_${subject}`);
  });
});
