/**
 * Somebody with a stolen token can use up what a user may change in an hour: anything that removes what they have
 * added, recovers the account or is needed to sign in still works, and adds few rows.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CredentialOperation, credentialRules as listed } from "../../src/domain/audit/credential.ts";
import { countInWindow } from "../../src/store/attempts.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { totp } from "../kit/factors.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { type Change, changes, own, poolsOf, subOf } from "./changes.ts";
import { makePerson, type Person, type Pools, signInFirst } from "./waits.ts";
import { adminCall, call, newPassword, type Subject } from "./ways.ts";

const most = 4;
const rules: Readonly<Record<string, { readonly beyond: string }>> = listed;
const numbered = Object.keys(listed).filter((name) => rules[name]?.beyond === "numbered");

/** Changes that only remove something, although their operation can be refused. */
const onlyTakeAway: ReadonlySet<string> = new Set([
  "UpdateUserAttributes, to nothing",
  "SetUserMFAPreference, off",
]);

/** Operations that change no credentials, but end something. */
const ends: Readonly<Record<string, Change>> = {
  GlobalSignOut: own("GlobalSignOut", () => ({})),
};

const operationOf = (name: string) =>
  name === "SetUserSettings" ? "SetUserMFAPreference" : name.split(/[ ,]/)[0]!;
const isOfUsers = (name: string) => !name.startsWith("Admin");

const isRefused = (name: string) => rules[operationOf(name)]?.beyond === "refused" && !onlyTakeAway.has(name);

/** Tested where there are providers, sessions and refresh tokens: test/federation, test/api/sessions.test.ts, audit.test.ts. */
const elsewhere: readonly CredentialOperation[] = ["FederatedSignIn", "RevokeToken", "RevokeUserSession"];

test("every operation by which users change what they sign in with is tried", () => {
  const tried = new Set(Object.keys({ ...changes, ...ends }).map(operationOf));
  const missing = Object.keys(listed).filter((name) => isOfUsers(name) && !tried.has(name));
  assert.deepEqual(missing, elsewhere);
});

forEachServer(
  "changes by users beyond their limit",
  (open) => {
    let made: Promise<Pools> | undefined;
    async function town(): Promise<{ server: TestServer; pools: Pools }> {
      const server = await open();
      made ??= poolsOf(server);
      return { server, pools: await made };
    }

    async function counterOf(subject: Subject, kind: string) {
      const { UserPoolId: poolId, server } = subject;
      return { poolId, subject: await subOf(server, subject), tag: "", kind };
    }

    /** As if a token had been used to change as much as allowed, also for users who have none yet. */
    async function useUp(subject: Subject): Promise<void> {
      const { app, clock } = subject.server;
      const window = { now: clock.now, windowMs: 60 * 60_000 };
      const kinds = ["credential-changes", ...numbered.map((name) => `credential-changes:${name}`)];
      for (const kind of kinds) {
        const counter = await counterOf(subject, kind);
        for (let turn = 0; turn < 5 * most; turn++) await countInWindow(app.db, counter, window);
      }
    }

    for (const [name, { prepare }] of Object.entries({ ...changes, ...ends }).filter(([one]) =>
      isOfUsers(one),
    ))
      test(`${name} is ${isRefused(name) ? "refused" : "done"}`, async () => {
        const { of, act } = await prepare(await town());
        await useUp(of);
        const answer = await act();
        if (isRefused(name)) assert.equal(answer.type, "TooManyRequestsException");
        else assert.equal(answer.status, 200, answer.message);
      });

    /** Sets another alias each time; returns how many changes were admitted. */
    async function changeWithoutEnd(person: Person & { AccessToken: string }): Promise<number> {
      const { AccessToken, Username } = person;
      for (let turn = 0; turn <= 3 * most; turn++) {
        const UserAttributes = [
          { Name: "preferred_username", Value: `${Username}-${turn}-${Math.random()}` },
        ];
        const answer = await call(person, "UpdateUserAttributes", { AccessToken, UserAttributes });
        if (answer.status === 200) continue;
        assert.equal(answer.type, "TooManyRequestsException");
        return turn;
      }
      return assert.fail("it has no end");
    }

    async function someone(): Promise<Person & { AccessToken: string }> {
      const { server, pools } = await town();
      const person = await makePerson(server, pools, "open");
      return { ...person, AccessToken: (await signInFirst(person)).AccessToken };
    }

    async function recover(person: Person): Promise<string> {
      const { ClientId, Username, server } = person;
      await call(person, "ForgotPassword", { ClientId, Username });
      const ConfirmationCode = (await server.inbox(person.email))[0]?.code ?? assert.fail("no code");
      const input = { ClientId, Username, ConfirmationCode, Password: newPassword };
      const answer = await call(person, "ConfirmForgotPassword", input);
      assert.equal(answer.status, 200, answer.message);
      return newPassword;
    }

    async function signInAnew(person: Person, PASSWORD: string): Promise<string> {
      const { ClientId, Username: USERNAME } = person;
      const { body } = await call(person, "InitiateAuth", {
        ClientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME, PASSWORD },
      });
      return (body["AuthenticationResult"] as { AccessToken: string }).AccessToken;
    }

    const regained: Readonly<Record<string, (person: Person) => Promise<string>>> = {
      ConfirmForgotPassword: recover,
      AdminSetUserPassword: async (person) => {
        const { UserPoolId, Username } = person;
        const input = { UserPoolId, Username, Password: newPassword, Permanent: true };
        assert.equal((await adminCall(person, "AdminSetUserPassword", input)).status, 200);
        return newPassword;
      },
      AdminResetUserPassword: async (person) => {
        const { UserPoolId, Username, server } = person;
        assert.equal(
          (await adminCall(person, "AdminResetUserPassword", { UserPoolId, Username })).status,
          200,
        );
        const counter = await counterOf(person, "credential-changes");
        const { now } = server.clock;
        assert.equal(await countInWindow(server.app.db, counter, { now, windowMs: 1, by: 0 }), 0);
        return recover(person);
      },
    };

    for (const [name, regain] of Object.entries(regained))
      test(`after ${name} the user may change as much as anybody`, async () => {
        const person = await someone();
        assert.equal(await changeWithoutEnd(person), most);
        const PASSWORD = await regain(person);
        const AccessToken = await signInAnew(person, PASSWORD);
        assert.equal(await changeWithoutEnd({ ...person, AccessToken }), most);
      });

    const eventsOf = async (person: Person, operation: string) => {
      const target = await subOf(person.server, person);
      const search = { target, operation, result: "ok" } as const;
      return listAuditEvents(person.server.app.db, search, { limit: 1000, order: "oldest first" });
    };

    test("what is refused is no event, and what goes on is told by its number", async () => {
      const person = await someone();
      assert.equal(await changeWithoutEnd(person), most);
      assert.equal((await eventsOf(person, "UpdateUserAttributes")).length, most);
      const { AccessToken, server } = person;
      for (let turn = 0; turn < most + 9; turn++) {
        const { body } = await call(person, "AssociateSoftwareToken", { AccessToken });
        const UserCode = totp(String(body["SecretCode"]), server.clock.now);
        const answer = await call(person, "VerifySoftwareToken", { AccessToken, UserCode });
        assert.equal(answer.status, 200, answer.message);
      }
      const told = (await eventsOf(person, "VerifySoftwareToken")).map(
        ({ details }) => details?.["times"] ?? 1,
      );
      assert.deepEqual(told, [...Array.from({ length: most }, () => 1), 1, 1, 2, 4]);
    });

    test("what takes away is told each time, and needs what was added", async () => {
      const person = await someone();
      const { AccessToken, Username } = person;
      const take = () =>
        call(person, "DeleteUserAttributes", { AccessToken, UserAttributeNames: ["preferred_username"] });
      for (let turn = 0; turn <= 2 * most; turn++) {
        const UserAttributes = [{ Name: "preferred_username", Value: `${Username}-${turn}` }];
        await call(person, "UpdateUserAttributes", { AccessToken, UserAttributes });
        assert.equal((await take()).status, 200);
      }
      assert.equal((await eventsOf(person, "UpdateUserAttributes")).length, most);
      assert.equal((await eventsOf(person, "DeleteUserAttributes")).length, most);
    });
  },
  { POOLHOUSE_LIMITS: `credential-changes=${most}` },
);
