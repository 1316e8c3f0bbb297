/**
 * A sign-in at every challenge × everything that may happen to its user, client and pool in the meantime: the right
 * answer is refused at both entry points, nobody gets tokens or another challenge, and nothing is sent.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { password } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  type App,
  type Attempt,
  app,
  doors,
  makePools,
  otherClients,
  type Person,
  type Pools,
  personFor,
  waits,
} from "./waits.ts";
import { type Answer, inBatches } from "./wire.ts";

type Change = (person: Person) => Promise<unknown>;

interface Loss {
  readonly lose: Change;
  /** Undoes the loss, so that the same people can sign in again. */
  readonly restore?: Change;
  /** From then on people with devices have to be created anew. */
  readonly forgetsDevices?: boolean;
}

const user = ({ UserPoolId, Username }: Person) => ({ UserPoolId, Username });
const disable: Change = (person) => person.server.client.send(new sdk.AdminDisableUserCommand(user(person)));
const enable: Change = (person) => person.server.client.send(new sdk.AdminEnableUserCommand(user(person)));
/** The same password that the sign-in began with. */
const setPassword =
  (Permanent: boolean): Change =>
  (person) =>
    person.server.client.send(
      new sdk.AdminSetUserPasswordCommand({ ...user(person), Password: password, Permanent }),
    );

/** In this order: the last one leaves nobody. */
const losses: Readonly<Record<string, Loss>> = {
  "signed out by an administrator": {
    lose: (person) => person.server.client.send(new sdk.AdminUserGlobalSignOutCommand(user(person))),
  },
  disabled: { lose: disable, restore: enable },
  "disabled and enabled again": {
    lose: async (person) => {
      await disable(person);
      await enable(person);
    },
  },
  "reset by an administrator": {
    lose: async (person) => {
      // It needs a verified address.
      const reset = new sdk.AdminResetUserPasswordCommand(user(person));
      const unreachable = await person.server.client.send(reset).catch((error: Error) => error);
      if (!(unreachable instanceof Error)) return;
      assert.equal(unreachable.name, "InvalidParameterException");
      await disable(person);
      await enable(person);
    },
    restore: setPassword(true),
    forgetsDevices: true,
  },
  "given the same password by an administrator": { lose: setPassword(true), forgetsDevices: true },
  "given a temporary password": {
    lose: setPassword(false),
    restore: setPassword(true),
    forgetsDevices: true,
  },
  deleted: { lose: (person) => person.server.client.send(new sdk.AdminDeleteUserCommand(user(person))) },
};

interface Begun {
  readonly name: string;
  readonly person: Person;
  readonly attempt: Attempt;
}

function begin(people: Readonly<Record<string, Person>>, pools?: Pools): Promise<Begun[]> {
  return inBatches(
    Object.entries(waits),
    async ([name, wait]) => {
      const person = { ...people[name]!, ...pools?.[wait.pool] };
      return { name, person, attempt: await wait.begin(person) };
    },
    4,
  );
}

async function makePeople(server: TestServer, pools: Pools): Promise<Record<string, Person>> {
  const names = Object.keys(waits);
  const people = await inBatches(names, (name) => personFor(server, pools, name), 4);
  // A code of a software token is accepted once: later ones are used.
  server.clock.advance(61_000);
  return Object.fromEntries(names.map((name, at) => [name, people[at]!]));
}

const doorsOf = (name: string) => (name.endsWith("SoftwareToken") ? doors.slice(0, 1) : doors);
const sent = async ({ server, email, phone }: Person) =>
  (await server.inbox(email)).length + (await server.inbox(phone)).length;

/** The answers to sign-ins whose precondition is gone, if they are not as expected. */
async function notRefused(begun: readonly Begun[], expected: (name: string, answer: Answer) => boolean) {
  const wrong: string[] = [];
  for (const { name, person, attempt } of begun) {
    const before = await sent(person);
    for (const door of doorsOf(name)) {
      const answer = await attempt(door);
      if (answer.status !== 400 || !expected(name, answer))
        wrong.push(`${name}, ${door}: ${answer.status} ${answer.type} ${JSON.stringify(answer.body)}`);
    }
    if ((await sent(person)) > before) wrong.push(`${name}: a message was sent`);
  }
  return wrong;
}

/** A row deleted with its user or client looks like a used one. */
const used = /^Invalid session for the user, session can only be used once\.$/;
const refusedAs =
  (session: RegExp) =>
  (name: string, { type, message }: Answer) =>
    type === "NotAuthorizedException" &&
    (name === "PASSWORD_VERIFIER" ? /^Incorrect username or password\.$/ : session).test(message);
const isVoid = refusedAs(/^Invalid session for the user\.$/);
const isGone = refusedAs(used);
/** Operations that name no client only know that there is no such Session. */
const isNowhere = (name: string, answer: Answer) =>
  name.endsWith("SoftwareToken") ? isGone(name, answer) : answer.type === "ResourceNotFoundException";

forOneServer("sqlite", "sign-ins that wait", (open, database) => {
  let world: Promise<{ server: TestServer; pools: Pools; people: Record<string, Person> }> | undefined;
  const together = () => {
    world ??= (async () => {
      const server = await open();
      const pools = await makePools(server);
      return { server, pools, people: await makePeople(server, pools) };
    })();
    return world;
  };

  test("the control: each of them goes on where nothing was lost", async () => {
    const { server, pools, people } = await together();
    const wrong: string[] = [];
    for (const [index, { name, attempt }] of (await begin(people)).entries()) {
      // Alternates, the other way round on the other database.
      const door = doors[(index + (database === "sqlite" ? 0 : 1)) % 2]!;
      const answer = await attempt(door);
      if (answer.status !== 200) wrong.push(`${name}, ${door}: ${answer.type} ${answer.message}`);
    }
    assert.deepEqual(wrong, []);
    // This user has a factor now.
    const done = "the code of MFA_SETUP";
    people[done] = await personFor(server, pools, done);
  });

  test("a client that allows the flow no more, and one that is deleted", async () => {
    const { server, pools, people } = await together();
    const others = await otherClients(server, pools);
    const clients = Object.values(others) as App[];
    server.clock.advance(61_000);
    const begun = await begin(people, others);
    const allow = (ExplicitAuthFlows: sdk.ExplicitAuthFlowsType[]) =>
      Promise.all(
        clients.map((client) =>
          server.client.send(new sdk.UpdateUserPoolClientCommand({ ...client, ExplicitAuthFlows })),
        ),
      );
    await allow(["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
    const invalid = (_name: string, answer: Answer) => isVoid("", answer);
    assert.deepEqual(await notRefused(begun, invalid), []);
    await allow([...app.ExplicitAuthFlows]);
    for (const client of clients) await server.client.send(new sdk.DeleteUserPoolClientCommand(client));
    assert.deepEqual(await notRefused(begun, isNowhere), []);
  });

  for (const [what, { lose, restore, forgetsDevices }] of Object.entries(losses)) {
    test(`a user who is ${what}`, async () => {
      const { server, pools, people } = await together();
      server.clock.advance(61_000);
      const begun = await begin(people);
      for (const { person } of begun) await lose(person);
      assert.deepEqual(await notRefused(begun, what === "deleted" ? isGone : isVoid), []);
      if (restore !== undefined) for (const { person } of begun) await restore(person);
      if (forgetsDevices === true)
        for (const { name, person } of begun)
          if (person.device !== undefined) people[name] = await personFor(server, pools, name);
    });
  }

  test("a pool that is deleted", async () => {
    const server = await open();
    const pools = await makePools(server);
    const begun = await begin(await makePeople(server, pools));
    for (const { UserPoolId } of Object.values(pools) as App[])
      await server.client.send(new sdk.DeleteUserPoolCommand({ UserPoolId }));
    assert.deepEqual(await notRefused(begun, isNowhere), []);
  });
});
