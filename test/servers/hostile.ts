/** Two servers, a hostile network between them and PostgreSQL, and clients who count what they were told. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  type CognitoIdentityProviderClient,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  GetTokensFromRefreshTokenCommand,
  GetUserCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  RevokeTokenCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { password } from "../kit/support.ts";

interface Place {
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** Rotates without grace: a refresh token works once. */
  readonly strictClientId: string;
}

const group = "members";

/** What the calls came to. */
export class Tally {
  operations = 0;
  /** Answers 500, and messages of which nobody knows whether they were sent. */
  unknown = 0;
  readonly refusals: Record<string, number> = {};

  /** The answer, or the name of the refusal. */
  async ask<T>(call: () => Promise<T>): Promise<{ answer: T } | { refused: string }> {
    this.operations++;
    try {
      return { answer: await call() };
    } catch (error) {
      const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
      if ($metadata?.httpStatusCode === undefined) throw error;
      this.refusals[name] = (this.refusals[name] ?? 0) + 1;
      if (name === "InternalErrorException" || name === "CodeDeliveryFailureException") this.unknown++;
      return { refused: name };
    }
  }

  /** As SDKs do: again after a 500. Nothing else may come. */
  async insist<T>(call: () => Promise<T>, already?: string): Promise<T | undefined> {
    for (let attempt = 1; attempt <= 5; attempt++) {
      const result = await this.ask(call);
      if ("answer" in result) return result.answer;
      // What was asked before has been done, only its answer was lost.
      if (attempt > 1 && result.refused === already) return undefined;
      assert.equal(result.refused, "InternalErrorException");
    }
    return assert.fail("five answers 500 to one call");
  }
}

export async function newPlace(sdk: CognitoIdentityProviderClient): Promise<Place> {
  const pool = { PoolName: "hostile", AutoVerifiedAttributes: ["email" as const] };
  const UserPoolId = (await sdk.send(new CreateUserPoolCommand(pool))).UserPool!.Id!;
  await sdk.send(new CreateGroupCommand({ UserPoolId, GroupName: group }));
  const client = async (grace: number) => {
    const made = await sdk.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: "hostile",
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: grace },
      }),
    );
    return made.UserPoolClient!.ClientId!;
  };
  return { UserPoolId, ClientId: await client(60), strictClientId: await client(0) };
}

export class Rounds {
  readonly tally = new Tally();
  readonly #servers: readonly CognitoIdentityProviderClient[];
  readonly #endpoint: string;
  readonly #place: Place;
  #turn = 0;

  constructor(servers: readonly CognitoIdentityProviderClient[], endpoint: string, place: Place) {
    this.#servers = servers;
    this.#endpoint = endpoint;
    this.#place = place;
  }

  /** The servers take turns. */
  get #sdk(): CognitoIdentityProviderClient {
    return this.#servers[this.#turn++ % this.#servers.length]!;
  }

  /** Four at once, two at each server: how many succeeded. */
  async #four<T>(call: (sdk: CognitoIdentityProviderClient) => Promise<T>): Promise<T[]> {
    const results = await Promise.all(
      Array.from({ length: 4 }, () => {
        const sdk = this.#sdk;
        return this.tally.ask(() => call(sdk));
      }),
    );
    return results.flatMap((result) => ("answer" in result ? [result.answer] : []));
  }

  /** One person's life. */
  async life(): Promise<void> {
    const name = `u-${randomBytes(8).toString("hex")}`;
    if (!(await this.#signUp(name))) return;
    await this.#tokens(name);
    await this.#groups(name);
    await this.#once(name);
    await this.#invitation(`i-${name}`);
  }

  /** A code is good for one confirmation. */
  async #signUp(Username: string): Promise<boolean> {
    const { ClientId, UserPoolId } = this.#place;
    const email = `${Username}@mail.example`;
    const UserAttributes = [{ Name: "email", Value: email }];
    const input = { ClientId, Username, Password: password, UserAttributes };
    const signedUp = await this.tally.ask(() => this.#sdk.send(new SignUpCommand(input)));
    if (!("answer" in signedUp) && signedUp.refused !== "CodeDeliveryFailureException") {
      assert.equal(signedUp.refused, "InternalErrorException");
      return false;
    }
    const code = await this.#code(email);
    if (code === undefined) return false;
    const confirm = (sdk: CognitoIdentityProviderClient) =>
      sdk.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode: code }));
    const confirmed = await this.#four(confirm);
    assert.ok(confirmed.length <= 1, "a code was used twice");
    const user = await this.tally.insist(() =>
      this.#sdk.send(new AdminGetUserCommand({ UserPoolId, Username })),
    );
    if (confirmed.length === 1) assert.equal(user?.UserStatus, "CONFIRMED");
    return user?.UserStatus === "CONFIRMED";
  }

  async #code(email: string): Promise<string | undefined> {
    const response = await fetch(`${this.#endpoint}/inbox/messages?to=${encodeURIComponent(email)}`);
    assert.equal(response.status, 200, "a read is done again");
    return ((await response.json()) as { code: string }[])[0]?.code;
  }

  async #signIn(username: string, clientId: string) {
    const signedIn = await this.tally.insist(() =>
      this.#sdk.send(
        new InitiateAuthCommand({
          ClientId: clientId,
          AuthFlow: "USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME: username, PASSWORD: password },
        }),
      ),
    );
    return signedIn!.AuthenticationResult!;
  }

  /** Rotated from server to server; revoked at one, refused at the other. */
  async #tokens(username: string): Promise<void> {
    const { ClientId } = this.#place;
    const tokens = await this.#signIn(username, ClientId);
    let RefreshToken = tokens.RefreshToken!;
    for (let turn = 0; turn < 4; turn++) {
      const next = await this.tally.insist(() =>
        this.#sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken })),
      );
      RefreshToken = next!.AuthenticationResult!.RefreshToken!;
      const { AccessToken } = next!.AuthenticationResult!;
      await this.tally.insist(() => this.#sdk.send(new GetUserCommand({ AccessToken })));
    }
    await this.tally.insist(() => this.#sdk.send(new RevokeTokenCommand({ ClientId, Token: RefreshToken })));
    for (const call of [
      () => this.#sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken })),
      () => this.#sdk.send(new GetUserCommand({ AccessToken: tokens.AccessToken })),
    ]) {
      const result = await this.tally.ask(call);
      assert.ok("refused" in result, "a revoked token was taken");
    }
  }

  async #groups(Username: string): Promise<void> {
    const input = { UserPoolId: this.#place.UserPoolId, Username, GroupName: group };
    for (const member of [true, false, true]) {
      await this.tally.insist<unknown>(() =>
        member
          ? this.#sdk.send(new AdminAddUserToGroupCommand(input))
          : this.#sdk.send(new AdminRemoveUserFromGroupCommand(input)),
      );
      const listed = await this.tally.insist(() => this.#sdk.send(new AdminListGroupsForUserCommand(input)));
      assert.equal(listed!.Groups!.length, member ? 1 : 0, "an acknowledged change of groups is there");
    }
  }

  /** Without grace a refresh token works once. */
  async #once(username: string): Promise<void> {
    const ClientId = this.#place.strictClientId;
    const { RefreshToken } = await this.#signIn(username, ClientId);
    const taken = await this.#four((sdk) =>
      sdk.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken })),
    );
    assert.ok(taken.length <= 1, "a refresh token was used twice");
  }

  /** A sign-in ends once. */
  async #invitation(Username: string): Promise<void> {
    const { UserPoolId, ClientId } = this.#place;
    const TemporaryPassword = "Temporary-1";
    const invited = { UserPoolId, Username, TemporaryPassword, MessageAction: "SUPPRESS" as const };
    await this.tally.insist(
      () => this.#sdk.send(new AdminCreateUserCommand(invited)),
      "UsernameExistsException",
    );
    const started = await this.tally.insist(() =>
      this.#sdk.send(
        new InitiateAuthCommand({
          ClientId,
          AuthFlow: "USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME: Username, PASSWORD: TemporaryPassword },
        }),
      ),
    );
    const ended = await this.#four((sdk) =>
      sdk.send(
        new RespondToAuthChallengeCommand({
          ClientId,
          ChallengeName: "NEW_PASSWORD_REQUIRED",
          Session: started!.Session,
          ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: password },
        }),
      ),
    );
    assert.ok(ended.length <= 1, "a sign-in was ended twice");
    if (ended.length === 1) await this.#signIn(Username, ClientId);
  }
}
