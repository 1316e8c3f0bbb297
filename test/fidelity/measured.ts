/** The form of the tables of what was measured at AWS, and how their cases call the server: on the wire, without any SDK. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RawAnswer, signed } from "../kit/calls.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { type OAuthPlace, setUp } from "../oauth/support.ts";

export type Body = Readonly<Record<string, unknown>>;

/** What somebody saw at AWS: a sentence, how to see it, and what is to be seen. */
export interface Measured {
  readonly aws: string;
  readonly see: (at: Place) => Promise<unknown>;
  /** A value, or the pattern of a refusal. */
  readonly is: unknown;
}

export const sms = { SnsCallerArn: "arn:aws:iam::000000000000:role/sms", ExternalId: "id" };
/** Settings of SetUserPoolMfaConfig. */
export const totp = { SoftwareTokenMfaConfiguration: { Enabled: true } };
export const allowing = (...AllowedFirstAuthFactors: string[]) => ({
  SignInPolicy: { AllowedFirstAuthFactors },
});

/** A server, as the cases use it. */
export class Place {
  readonly server: TestServer;

  constructor(server: TestServer) {
    this.server = server;
  }

  answer(operation: string, body: Body): Promise<RawAnswer> {
    return signed(this.server, operation, body);
  }

  /** The body of what the operation answers, which is no refusal. */
  async ask(operation: string, body: Body): Promise<Body> {
    const answer = await this.answer(operation, body);
    assert.equal(answer.status, 200, `${operation}: ${answer.type} ${answer.message}`);
    return answer.body;
  }

  /** "accepted", or the error. */
  async says(operation: string, body: Body): Promise<string> {
    const answer = await this.answer(operation, body);
    return answer.status === 200 ? "accepted" : `${answer.type}: ${answer.message}`;
  }

  async pool(given: Body = {}): Promise<string> {
    const { UserPool } = await this.ask("CreateUserPool", { PoolName: "measured", ...given });
    return (UserPool as { Id: string }).Id;
  }

  /** A pool that demands a software token. */
  async strict(given: Body = {}): Promise<string> {
    const UserPoolId = await this.pool(given);
    await this.ask("SetUserPoolMfaConfig", { UserPoolId, MfaConfiguration: "ON", ...totp });
    return UserPoolId;
  }

  async describe(UserPoolId: string): Promise<Body> {
    return (await this.ask("DescribeUserPool", { UserPoolId }))["UserPool"] as Body;
  }

  /** Members of DescribeUserPool; those that are absent are undefined. */
  async shows(UserPoolId: string, ...members: readonly string[]): Promise<Body> {
    return pick(await this.describe(UserPoolId), members);
  }

  mfa(UserPoolId: string): Promise<Body> {
    return this.ask("GetUserPoolMfaConfig", { UserPoolId });
  }

  /** What the pool shows after an update. */
  async updated(UserPoolId: string, given: Body, ...members: readonly string[]): Promise<Body> {
    await this.ask("UpdateUserPool", { UserPoolId, ...given });
    return this.shows(UserPoolId, ...members);
  }

  /** What SetUserPoolMfaConfig says. */
  setsMfa(UserPoolId: string, given: Body): Promise<string> {
    return this.says("SetUserPoolMfaConfig", { UserPoolId, ...given });
  }

  /** A client as Describe shows it. */
  async client(given: Body = {}, pool: Body = {}): Promise<Body> {
    const UserPoolId = await this.pool(pool);
    const made = await this.ask("CreateUserPoolClient", { UserPoolId, ClientName: "app", ...given });
    const { ClientId } = made["UserPoolClient"] as { ClientId: string };
    const described = await this.ask("DescribeUserPoolClient", { UserPoolId, ClientId });
    assert.deepEqual(made, described);
    return described["UserPoolClient"] as Body;
  }

  /** A client of the authorization server, and Ann. */
  oauth(
    ...given: readonly [Parameters<typeof setUp>[1]?, Parameters<typeof setUp>[2]?]
  ): Promise<OAuthPlace> {
    return setUp(this.server, ...given);
  }
}

export function pick(document: Body, members: readonly string[]): Body {
  return Object.fromEntries(members.map((member) => [member, document[member]]));
}

/** Runs a table on both databases. */
export function holds(title: string, table: readonly Measured[]): void {
  forEachServer(title, (open) => {
    for (const { aws, see, is } of table)
      test(aws, async () => {
        const seen = await see(new Place(await open()));
        if (is instanceof RegExp) assert.match(String(seen), is);
        else assert.deepEqual(seen, is);
      });
  });
}
