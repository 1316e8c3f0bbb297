/**
 * One name in other letters, capital or small, composed or not: a user's answers and nobody's are the same to the byte,
 * but for what is random, for every spelling.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminGetUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { call } from "../kit/calls.ts";
import { makePool, makeUser, newAddress, password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";

const spellings: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => name.toLowerCase(),
  (name) => name.normalize("NFD"),
  (name) => name.toUpperCase().normalize("NFD"),
];

type Place = { readonly server: TestServer; readonly UserPoolId: string; readonly ClientId: string };

/** What an answer says of its user, in its own words; nothing else of the body differs from one time to the next. */
async function saidOf({ server, ClientId }: Place, operation: string, name: string): Promise<string> {
  const srp = {
    AuthFlow: "USER_SRP_AUTH",
    AuthParameters: { USERNAME: name, SRP_A: new SrpClient().srpA },
  };
  const named = operation === "InitiateAuth" ? srp : { Username: name };
  const { status, body } = await call(server.endpoint, operation, { ClientId, ...named });
  assert.equal(status, 200, JSON.stringify(body));
  const {
    SRP_B: _b,
    SECRET_BLOCK: _block,
    ...stable
  } = (body["ChallengeParameters"] ?? {}) as object & {
    SRP_B?: string;
    SECRET_BLOCK?: string;
  };
  return JSON.stringify({ ...body, ChallengeParameters: stable });
}

forEachServer("spellings of names", (open) => {
  const makePlace = async (CaseSensitive: boolean, more = {}): Promise<Place> => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(
      server,
      { UsernameConfiguration: { CaseSensitive }, AutoVerifiedAttributes: ["email"], ...more },
      { PreventUserExistenceErrors: "ENABLED", ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH"] },
    );
    return { server, UserPoolId, ClientId };
  };
  const verified = (email: string) => [
    { Name: "email", Value: email },
    { Name: "email_verified", Value: "true" },
  ];

  test("in case-insensitive pools, names are answered in lower case and NFC, whether or not the user exists", async () => {
    const place = await makePlace(false);
    const { server, UserPoolId, ClientId } = place;
    await makeUser(server, UserPoolId, "Zoë-Ann", verified(newAddress()));
    for (const [name, key] of [
      ["Zoë-Ann", "zoë-ann"],
      ["Zoë-Bob", "zoë-bob"],
    ] as const)
      for (const spell of spellings) {
        const said = JSON.parse(await saidOf(place, "InitiateAuth", spell(name)));
        const { SALT, ...names } = said.ChallengeParameters as Record<string, string>;
        assert.deepEqual(names, { USERNAME: key, USER_ID_FOR_SRP: key }, spell(name));
        assert.match(SALT!, /^[0-9a-f]{20,34}$/);
        // The user is signed in by every spelling.
        const client = new SrpClient();
        const AuthParameters = { USERNAME: spell(name), SRP_A: client.srpA };
        const begun = await call(server.endpoint, "InitiateAuth", {
          ClientId,
          AuthFlow: "USER_SRP_AUTH",
          AuthParameters,
        });
        const asked = begun.body["ChallengeParameters"] as Record<string, string>;
        const ChallengeResponses = client.prove(UserPoolId, asked, password, new Date(server.clock.now));
        const challenge = { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses };
        const done = await call(server.endpoint, "RespondToAuthChallenge", challenge);
        const isUser = name === "Zoë-Ann";
        assert.equal(
          done.body["AuthenticationResult"] !== undefined,
          isUser,
          `${spell(name)} ${done.message}`,
        );
      }
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "ZOË-ANN" }));
    assert.equal(user.Username, "zoë-ann");
  });

  test("in case-sensitive pools, names are answered in Unicode NFC, whether or not the user exists", async () => {
    const place = await makePlace(true);
    await makeUser(place.server, place.UserPoolId, "Zoë-Ann".normalize("NFD"), verified(newAddress()));
    for (const name of ["Zoë-Ann", "Zoë-Bob"])
      for (const spell of spellings) {
        const said = JSON.parse(await saidOf(place, "InitiateAuth", spell(name)));
        const { SALT: _, ...names } = said.ChallengeParameters;
        const key = spell(name).normalize("NFC");
        assert.deepEqual(names, { USERNAME: key, USER_ID_FOR_SRP: key }, spell(name));
      }
  });

  test("where addresses are aliases, names that are no addresses are answered as they are, whether or not the user exists", async () => {
    const place = await makePlace(true, { AliasAttributes: ["email", "phone_number"] });
    for (const name of ["+ann", "+12-34", "ann@home@work", "@ann"]) {
      await makeUser(place.server, place.UserPoolId, name, verified(newAddress()));
      for (const one of [name, `${name}x`]) {
        const { ChallengeParameters } = JSON.parse(await saidOf(place, "InitiateAuth", one));
        assert.equal(ChallengeParameters.USERNAME, one);
      }
    }
  });

  for (const [what, more] of Object.entries({
    usernames: {},
    "addresses that are aliases": { AliasAttributes: ["email" as const] },
    "addresses that are usernames": { UsernameAttributes: ["email" as const] },
  }))
    test(`no answer differs by the spelling: ${what}`, async () => {
      const place = await makePlace(false, more);
      const { server, UserPoolId } = place;
      const [email, nobody] = [newAddress(), newAddress()];
      const username = "UsernameAttributes" in more ? email : "Zoë-Ann";
      await makeUser(server, UserPoolId, username, verified(email));
      const names = what === "usernames" ? [username, "Zoë-Bob"] : [email, nobody];
      for (const operation of ["InitiateAuth", "ForgotPassword"])
        for (const name of names) {
          const said = await Promise.all(spellings.map((spell) => saidOf(place, operation, spell(name))));
          assert.equal(new Set(said).size, 1, `${operation} ${name}: ${said.join("\n")}`);
        }
    });
});
