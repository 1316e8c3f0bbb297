/** Whose identity a request is about: linking, merging and unlinking, through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  DeleteIdentitiesCommand,
  GetOpenIdTokenCommand,
  ListIdentitiesCommand,
  LookupDeveloperIdentityCommand,
  UnlinkDeveloperIdentityCommand,
  UpdateIdentityPoolCommand,
} from "@aws-sdk/client-cognito-identity";
import { decodeJwt } from "jose";
import { sweep } from "../../src/store/sweep.ts";
import { makeClient, makeSomebody, refused, signIn, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { providerOf } from "./setup.ts";
import { developer, forbidden, type Logins, World } from "./world.ts";

const day = 86_400_000;

forEachServer("linking identities", (open) => {
  let made: Promise<World> | undefined;
  const world = () => (made ??= World.make(open));
  after(async () => (await made)?.client.destroy());

  test("by what the identity is, and whose the logins are", async () => {
    const w = await world();
    const [one, two, three] = [await w.login(0), await w.login(1), await w.login(0)];
    const mine = await w.id(one);
    assert.equal(await w.use(mine, { ...one, ...two }), mine, "a further login is linked");
    assert.equal(await w.id(two), mine, "and is of the same identity");
    assert.deepEqual((await w.loginsOf(mine)).length, 2);
    await assert.rejects(w.use(mine), forbidden, "without any login");
    await assert.rejects(w.use(mine, three), refused("NotAuthorizedException", /^Logins don't match/));
    const others = await w.id(three);
    await assert.rejects(w.use(mine, three), forbidden, "with the login of another identity");
    await assert.rejects(
      w.id({ ...three, ...two }),
      refused("ResourceConflictException"),
      "two of one provider",
    );
    assert.equal(await w.use(await w.id(), three), others, "a guest who has an identity already");
    const guest = await w.id();
    const late = await w.login(1);
    assert.equal(await w.use(guest, late), guest, "a guest who signs in for the first time");
    await assert.rejects(w.use(guest), forbidden);
    assert.equal(await w.id(late), guest);
  });

  test("two identities of one person are merged, and the one that goes is disabled", async () => {
    const w = await world();
    const [one, two] = [await w.login(0), await w.login(1)];
    const [parent, child] = [await w.id(one), await w.id(two)];
    assert.equal(await w.use(parent, { ...one, ...two }), parent);
    assert.equal(await w.id(two), parent);
    assert.equal(await w.use(child, two), parent, "the client learns where it went");
    await assert.rejects(w.use(child, await w.login(0)), forbidden);
    const list = async (HideDisabled: boolean) => {
      const all: string[] = [];
      for (let NextToken: string | undefined; ; ) {
        const command = new ListIdentitiesCommand({
          ...{ IdentityPoolId: w.poolId, MaxResults: 2, NextToken, HideDisabled },
        });
        const page = await w.client.send(command);
        all.push(...(page.Identities ?? []).map(({ IdentityId }) => IdentityId!));
        NextToken = page.NextToken;
        if (NextToken === undefined) return all;
      }
    };
    assert.ok((await list(false)).includes(child));
    assert.ok(!(await list(true)).includes(child));
    assert.ok((await list(true)).includes(parent));
  });

  test("a login is unlinked; the last one leaves the identity to nobody", async () => {
    const w = await world();
    const [one, two] = [await w.login(0), await w.login(1)];
    const id = await w.id({ ...one, ...two });
    const unlink = (names: string[], logins: Logins) => w.unlink(id, names, logins);
    await assert.rejects(unlink(Object.keys(one), await w.login(0)), refused("NotAuthorizedException"));
    await unlink(Object.keys(two), one);
    assert.deepEqual(await w.loginsOf(id), Object.keys(one));
    const anew = await w.id(two);
    assert.notEqual(anew, id);
    await unlink(Object.keys(one), one);
    await assert.rejects(w.use(id), forbidden);
    await assert.rejects(w.use(id, one), forbidden);
    assert.notEqual(await w.id(one), id);
  });

  test("at once, one login has one identity, and is linked once", async () => {
    const w = await world();
    const login = await w.login(0);
    const ids = await Promise.all(Array.from({ length: 8 }, () => w.id(login)));
    assert.equal(new Set(ids).size, 1);
    const another = await w.login(1);
    const guests = [await w.id(), await w.id()];
    const used = await Promise.all(guests.map((guest) => w.use(guest, another)));
    assert.equal(new Set(used).size, 1, "both are told the same identity");
    assert.ok(guests.includes(used[0]!));
  });

  test("at once, two people who sign in as one guest do not become one", async () => {
    const w = await world();
    for (const providers of [[0, 0] as const, [0, 1] as const]) {
      const guest = await w.id();
      const logins = [await w.login(providers[0]), await w.login(providers[1])];
      const used = await Promise.allSettled(logins.map((login) => w.use(guest, login)));
      assert.equal(used.filter(({ status }) => status === "fulfilled").length, 1);
      assert.equal((await w.loginsOf(guest)).length, 1);
      const ids = await Promise.all(logins.map((login) => w.id(login)));
      assert.equal(new Set(ids).size, 2);
    }
  });

  test("a client whose identity was merged twice learns where it went", async () => {
    const w = await world();
    const [one, two] = [await w.login(0), await w.login(1)];
    const child = await w.id(two);
    const middle = await w.vouch(unique("dev"), await w.id(one));
    assert.equal(await w.use(middle.id, { ...one, ...two }), middle.id);
    const name = unique("dev");
    const parent = await w.vouch(name);
    const [source] = await w.namesOf(middle.id);
    await w.merge(source!, name);
    assert.equal(await w.use(child, two), parent.id);
    assert.equal(await w.use(middle.id, one), parent.id);
    await assert.rejects(w.use(child, await w.login(1)), forbidden);
  });

  test("developers link their users to identities that signed in otherwise", async () => {
    const w = await world();
    const [one, two] = [await w.login(0), await w.login(1)];
    const [mine, others] = [await w.id(one), await w.id(two)];
    const name = unique("dev");
    assert.equal((await w.vouch(name, mine)).id, mine);
    await assert.rejects(w.vouch(name, others), refused("DeveloperUserAlreadyRegisteredException"));
    assert.equal((await w.vouch(name, mine, two)).id, mine);
    assert.equal(await w.id(two), mine, "and merge those of verified logins");
    await assert.rejects(w.vouch(unique("dev"), others), forbidden);
    await assert.rejects(
      w.vouch(unique("dev"), mine, await w.login(0)),
      refused("ResourceConflictException"),
      "another login of a provider",
    );
    await assert.rejects(
      w.vouch(unique("dev"), mine.replace(/.{12}$/, "000000000000")),
      refused("ResourceNotFoundException"),
    );
  });

  test("an OpenID token does not prolong itself", async () => {
    const w = await world();
    const { id, token } = await w.vouch(unique("dev"));
    const renew = async (own: string) => {
      const Logins = { "cognito-identity.amazonaws.com": own };
      return (await w.client.send(new GetOpenIdTokenCommand({ IdentityId: id, Logins }))).Token!;
    };
    const until = (one: string) => decodeJwt(one).exp! * 1000;
    w.server.clock.advance(until(token) - w.server.clock.now - 60_000);
    w.client.config.systemClockOffset = w.server.clock.now - Date.now();
    assert.equal(until(await renew(token)), until(token));
    w.server.clock.advance(61_000);
    await assert.rejects(renew(token), refused("NotAuthorizedException", /expired/));
  });

  test("developers vouch for their users", async () => {
    const w = await world();
    const { id, token } = await w.vouch("ann");
    assert.equal((await w.vouch("ann")).id, id);
    const own = { "cognito-identity.amazonaws.com": token };
    assert.equal(await w.use(id, own), id);
    const other = await w.vouch("bob");
    await assert.rejects(w.use(other.id, own), refused("NotAuthorizedException", "Invalid login token."));
    await assert.rejects(w.vouch("bob", id), refused("DeveloperUserAlreadyRegisteredException"));
    await assert.rejects(w.use(id, { ...own, ...(await w.login(0)) }), refused("NotAuthorizedException"));
    const basic = await w.client.send(new GetOpenIdTokenCommand({ IdentityId: await w.id() }));
    await assert.rejects(
      w.use(basic.IdentityId!, { "cognito-identity.amazonaws.com": basic.Token! }),
      refused("NotAuthorizedException"),
      "a guest's token proves nothing",
    );
    const lookUp = (more: object) =>
      w.client.send(new LookupDeveloperIdentityCommand({ IdentityPoolId: w.poolId, ...more }));
    assert.equal((await lookUp({ DeveloperUserIdentifier: "bob" })).IdentityId, other.id);
    assert.equal(await w.merge("bob", "ann"), id);
    const first = await lookUp({ IdentityId: id, MaxResults: 1 });
    const second = await lookUp({ IdentityId: id, MaxResults: 1, NextToken: first.NextToken });
    const names = [first, second].flatMap((page) => page.DeveloperUserIdentifierList ?? []);
    assert.deepEqual(names, ["ann", "bob"]);
    assert.equal(second.NextToken, undefined);
    await w.client.send(
      new UnlinkDeveloperIdentityCommand({
        ...{ IdentityPoolId: w.poolId, IdentityId: id },
        ...{ DeveloperProviderName: developer, DeveloperUserIdentifier: "bob" },
      }),
    );
    await assert.rejects(lookUp({ DeveloperUserIdentifier: "bob" }), refused("ResourceNotFoundException"));
  });

  test("tokens of other clients, pools and uses are refused", async () => {
    const w = await world();
    const { UserPoolId, ClientId } = w.userPools[0]!;
    const name = providerOf(UserPoolId);
    const Username = await makeSomebody(w.server, UserPoolId);
    const stranger = await makeClient(w.server, UserPoolId);
    const tokens = await signIn(w.server, ClientId, Username);
    const foreign = await signIn(w.server, stranger.ClientId, Username);
    const elsewhere = Object.values(await w.login(1))[0]!;
    const tampered = tokens.IdToken.replace(
      /\.(.)/,
      (_all, first: string) => `.${first === "a" ? "b" : "a"}`,
    );
    const cases: readonly (readonly [Logins, RegExp])[] = [
      [{ [name]: tokens.AccessToken }, /^Invalid login token/],
      [{ [name]: foreign.IdToken }, /Incorrect token audience/],
      [{ [name]: elsewhere }, /^Invalid login token/],
      [{ [name]: tampered }, /^Invalid login token/],
      [{ [name]: "nonsense" }, /^Invalid login token/],
      [{ [`${name}x`]: tokens.IdToken }, /not from a supported provider/],
      [{ "accounts.google.com": tokens.IdToken }, /not from a supported provider/],
      [{ [developer]: "ann" }, /not from a supported provider/],
    ];
    for (const [logins, says] of cases)
      await assert.rejects(w.id(logins), refused("NotAuthorizedException", says), JSON.stringify(logins));
    const byIssuer = `${new URL(w.server.app.config.publicUrl).host}/${UserPoolId}`;
    assert.equal(await w.id({ [byIssuer]: tokens.IdToken }), await w.id({ [name]: tokens.IdToken }));
    w.server.clock.advance(2 * 3_600_000);
    await assert.rejects(w.id({ [name]: tokens.IdToken }), refused("NotAuthorizedException", /expired/));
  });

  test("guests are forgotten without use, kept by use, and can be excluded", async () => {
    const w = await world();
    const { app, clock } = w.server;
    const [used, unused] = [await w.id(), await w.id()];
    const login = await w.login(0);
    const user = await w.id(login);
    clock.advance((app.config.guestDays - 1) * day);
    await w.use(used);
    clock.advance(2 * day);
    w.client.config.systemClockOffset = clock.now - Date.now();
    await assert.rejects(w.use(unused), refused("ResourceNotFoundException"));
    await sweep(app.db, clock.now);
    assert.equal(await w.use(used), used);
    assert.deepEqual(await w.loginsOf(user), Object.keys(login));
    await w.client.send(
      new UpdateIdentityPoolCommand({
        IdentityPoolId: w.poolId,
        IdentityPoolName: "without guests",
        AllowUnauthenticatedIdentities: false,
        DeveloperProviderName: developer,
      }),
    );
    const excluded = refused(
      "NotAuthorizedException",
      "Unauthenticated access is not supported for this identity pool.",
    );
    await assert.rejects(w.use(used), excluded);
    await assert.rejects(w.id(), excluded);
    await w.client.send(new DeleteIdentitiesCommand({ IdentityIdsToDelete: [used, user] }));
    await assert.rejects(w.loginsOf(user), refused("ResourceNotFoundException"));
  });
});
