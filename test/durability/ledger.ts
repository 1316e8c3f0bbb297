/**
 * What a server has acknowledged, written down by those who asked, and compared with what is there after a crash. Each
 * worker has users of its own and asks for one thing at a time; what was under way at the crash may have happened or not.
 */
import assert from "node:assert/strict";
import {
  AdminAddUserToGroupCommand,
  AdminConfirmSignUpCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  type CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  GetTokensFromRefreshTokenCommand,
  InitiateAuthCommand,
  RevokeTokenCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { password } from "../kit/support.ts";

/** A value that is known, or one of two while a change of it was under way. */
interface Known<T> {
  value: T;
  maybe?: T;
}

interface Person {
  readonly name: string;
  /** undefined: no such user. */
  readonly status: Known<"UNCONFIRMED" | "CONFIRMED" | undefined>;
  readonly groups: Map<string, Known<boolean>>;
  readonly families: { token: string; revoked: Known<boolean> }[];
}

export interface Ledger {
  readonly poolId: string;
  readonly clientId: string;
  readonly people: Person[];
  acknowledged: number;
}

const groups = ["readers", "writers", "keepers"];

export async function newLedger(sdk: CognitoIdentityProviderClient): Promise<Ledger> {
  const { UserPool } = await sdk.send(new CreateUserPoolCommand({ PoolName: "ledger" }));
  const poolId = UserPool!.Id!;
  const made = await sdk.send(
    new CreateUserPoolClientCommand({
      UserPoolId: poolId,
      ClientName: "ledger",
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      // Long enough for a token whose rotation was under way to be presented again.
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 60 },
    }),
  );
  for (const GroupName of groups) await sdk.send(new CreateGroupCommand({ UserPoolId: poolId, GroupName }));
  return { poolId, clientId: made.UserPoolClient!.ClientId!, people: [], acknowledged: 0 };
}

/** Notes the change as under way, makes it, and notes it as done. Throws what the call throws. */
async function change<T>(known: Known<T>, to: T, call: () => Promise<unknown>): Promise<void> {
  known.maybe = to;
  await call();
  known.value = to;
  delete known.maybe;
}

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

/** Someone who was signed up, confirmed, put into groups and signed in, over and over, until a call fails. */
export async function work(
  sdk: CognitoIdentityProviderClient,
  ledger: Ledger,
  name: string,
): Promise<unknown> {
  try {
    for (let round = 0; ; round++) {
      const person = await signUp(sdk, ledger, `${name}-${round}`);
      for (let turn = 0; turn < 4; turn++) {
        for (let flips = 0; flips < 8; flips++) await flipGroup(sdk, ledger, person);
        await signInAndRefresh(sdk, ledger, person);
      }
    }
  } catch (error) {
    return error;
  }
}

async function signUp(sdk: CognitoIdentityProviderClient, ledger: Ledger, Username: string): Promise<Person> {
  const person: Person = { name: Username, status: { value: undefined }, groups: new Map(), families: [] };
  ledger.people.push(person);
  await change(person.status, "UNCONFIRMED", () =>
    sdk.send(new SignUpCommand({ ClientId: ledger.clientId, Username, Password: password })),
  );
  await change(person.status, "CONFIRMED", () =>
    sdk.send(new AdminConfirmSignUpCommand({ UserPoolId: ledger.poolId, Username })),
  );
  ledger.acknowledged += 2;
  return person;
}

async function flipGroup(sdk: CognitoIdentityProviderClient, ledger: Ledger, person: Person): Promise<void> {
  const GroupName = pick(groups);
  const member = person.groups.get(GroupName) ?? { value: false };
  person.groups.set(GroupName, member);
  const input = { UserPoolId: ledger.poolId, Username: person.name, GroupName };
  await change(member, !member.value, () =>
    member.value
      ? sdk.send(new AdminRemoveUserFromGroupCommand(input))
      : sdk.send(new AdminAddUserToGroupCommand(input)),
  );
  ledger.acknowledged += 1;
}

async function signInAndRefresh(
  sdk: CognitoIdentityProviderClient,
  ledger: Ledger,
  person: Person,
): Promise<void> {
  const { AuthenticationResult } = await sdk.send(
    new InitiateAuthCommand({
      AuthFlow: "USER_PASSWORD_AUTH",
      ClientId: ledger.clientId,
      AuthParameters: { USERNAME: person.name, PASSWORD: password },
    }),
  );
  const family = { token: AuthenticationResult!.RefreshToken!, revoked: { value: false } as Known<boolean> };
  person.families.push(family);
  for (let turn = 0; turn < 3; turn++) family.token = await refresh(sdk, ledger, family.token);
  ledger.acknowledged += 4;
  if (Math.random() < 0.5) return;
  await change(family.revoked, true, () =>
    sdk.send(new RevokeTokenCommand({ ClientId: ledger.clientId, Token: family.token })),
  );
  ledger.acknowledged += 1;
}

async function refresh(
  sdk: CognitoIdentityProviderClient,
  ledger: Ledger,
  RefreshToken: string,
): Promise<string> {
  const answer = await sdk.send(
    new GetTokensFromRefreshTokenCommand({ ClientId: ledger.clientId, RefreshToken }),
  );
  return answer.AuthenticationResult!.RefreshToken!;
}

/** Fails unless everything acknowledged about these people is so; what was in doubt becomes what is found. */
export async function audit(
  sdk: CognitoIdentityProviderClient,
  ledger: Ledger,
  people: readonly Person[],
): Promise<void> {
  for (const person of people) {
    const settle = <T>(known: Known<T>, found: T, what: string) => {
      const allowed = "maybe" in known ? [known.value, known.maybe] : [known.value];
      assert.ok(
        allowed.includes(found),
        `${person.name}: ${what} is ${found}, acknowledged was ${known.value}`,
      );
      known.value = found;
      delete known.maybe;
    };
    const who = { UserPoolId: ledger.poolId, Username: person.name };
    const user = await orNone(sdk.send(new AdminGetUserCommand(who)), "UserNotFoundException");
    settle(person.status, user?.UserStatus as Person["status"]["value"], "status");
    if (user === undefined) continue;
    const listed = await sdk.send(new AdminListGroupsForUserCommand(who));
    const found = new Set(listed.Groups!.map((group) => group.GroupName));
    for (const [group, member] of person.groups) settle(member, found.has(group), group);
    for (const family of person.families) {
      const next = await orNone(refresh(sdk, ledger, family.token), "NotAuthorizedException");
      settle(family.revoked, next === undefined, "revoked");
      if (next !== undefined) family.token = next;
    }
  }
}

async function orNone<T>(call: Promise<T>, name: string): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ((error as Error).name === name) return undefined;
    throw error;
  }
}
