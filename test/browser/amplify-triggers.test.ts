/** Amplify, unmodified, in Chromium: what an application is told when a function of the pool fails. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { type LambdaConfigType, UpdateUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { Trigger, TriggerSource } from "../../src/domain/triggers/trigger.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeSomebody, newAddress, password, unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { arnOf, script, scripted } from "../triggers/functions.ts";
import { forOneServerWithOutcomes, outcomes } from "../triggers/outcomes.ts";
import { Application } from "./amplify.ts";

interface World {
  readonly app: Application;
  readonly server: TestServer;
  readonly UserPoolId: string;
  /** Somebody who can sign in. */
  readonly username: string;
}

interface Row {
  readonly trigger: Trigger;
  readonly source: TriggerSource;
  /** The pool's functions, with this one. */
  readonly config: (arn: string) => LambdaConfigType;
  /** What the application has done before; returns what the function then spoils. */
  readonly prepare?: (world: World) => Promise<() => Promise<unknown>>;
  /** What Amplify tells whatever the outcome, if it is none of the function's. */
  readonly always?: readonly [name: string, message: RegExp];
  /** The error even if the function changes nothing, since it decides. */
  readonly refusing?: "NotAuthorizedException";
}

const plain = (trigger: Trigger) => (arn: string) => ({ [trigger]: arn });
/** The other functions of CUSTOM_AUTH ask two riddles. */
const riddles = {
  DefineAuthChallenge: arnOf("riddles"),
  CreateAuthChallenge: arnOf("riddles"),
  VerifyAuthChallengeResponse: arnOf("riddles"),
};
const amongRiddles = (trigger: keyof typeof riddles) => (arn: string) => ({ ...riddles, [trigger]: arn });

const byPassword = ({ app, username }: World) =>
  app.call("signIn", { username, password, options: { authFlowType: "USER_PASSWORD_AUTH" } });
const byRiddle = ({ app, username }: World) =>
  app.call("signIn", { username, options: { authFlowType: "CUSTOM_WITHOUT_SRP" } });
const answer = ({ app }: World, challengeResponse: string) =>
  app.call("confirmSignIn", { challengeResponse });

async function signUp({ app }: World) {
  const [username, email] = [unique("user"), newAddress()];
  const options = { userAttributes: { email }, autoSignIn: false };
  await app.call("signUp", { username, password, options });
  return { username, email };
}

const table: Readonly<Record<string, Row>> = {
  signUp: {
    trigger: "PreSignUp",
    source: "PreSignUp_SignUp",
    config: plain("PreSignUp"),
    prepare: async (world) => () => signUp(world),
  },
  confirmSignUp: {
    trigger: "PostConfirmation",
    source: "PostConfirmation_ConfirmSignUp",
    config: plain("PostConfirmation"),
    prepare: async (world) => {
      const { username, email } = await signUp(world);
      const confirmationCode = await world.server.code(email);
      return () => world.app.call("confirmSignUp", { username, confirmationCode });
    },
  },
  "signIn, before the password": {
    trigger: "PreAuthentication",
    source: "PreAuthentication_Authentication",
    config: plain("PreAuthentication"),
  },
  "signIn, after the password": {
    trigger: "PostAuthentication",
    source: "PostAuthentication_Authentication",
    config: plain("PostAuthentication"),
  },
  "signIn, at the tokens": {
    trigger: "PreTokenGeneration",
    source: "TokenGeneration_Authentication",
    config: plain("PreTokenGeneration"),
  },
  "signIn of somebody from another system": {
    trigger: "UserMigration",
    source: "UserMigration_Authentication",
    config: plain("UserMigration"),
    prepare: async (world) => () => byPassword({ ...world, username: unique("unknown") }),
    always: ["NotAuthorizedException", /^Incorrect username or password\.$/],
    refusing: "NotAuthorizedException",
  },
  "signIn without a password, at its begin": {
    trigger: "DefineAuthChallenge",
    source: "DefineAuthChallenge_Authentication",
    config: amongRiddles("DefineAuthChallenge"),
    prepare: async (world) => () => byRiddle(world),
    refusing: "NotAuthorizedException",
  },
  "signIn without a password, at the question": {
    trigger: "CreateAuthChallenge",
    source: "CreateAuthChallenge_Authentication",
    config: amongRiddles("CreateAuthChallenge"),
    prepare: async (world) => () => byRiddle(world),
  },
  confirmSignIn: {
    trigger: "VerifyAuthChallengeResponse",
    source: "VerifyAuthChallengeResponse_Authentication",
    config: amongRiddles("VerifyAuthChallengeResponse"),
    prepare: async (world) => {
      const { nextStep } = await byRiddle(world);
      assert.equal(nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE");
      return () => answer(world, "1");
    },
  },
};

describe("a function that fails, by Amplify in Chromium", needs("chromium"), () => {
  forOneServerWithOutcomes("postgres", "with a server", (open) => {
    let opened: Promise<Application> | undefined;
    // Before the server's own end, which waits for the browser's connections.
    after(async () => (await opened)?.close());
    let made: Promise<World> | undefined;
    const begin = async (): Promise<World> => {
      const server = await open();
      const place = await makePool(
        server,
        { AutoVerifiedAttributes: ["email"] },
        {
          ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
          PreventUserExistenceErrors: "ENABLED",
        },
      );
      opened ??= Application.open();
      const app = await opened;
      await app.visit(server, place);
      return { app, server, ...place, username: await makeSomebody(server, place.UserPoolId) };
    };
    const world = () => {
      made ??= begin();
      return made;
    };
    const setFunctions = ({ server, UserPoolId }: World, LambdaConfig: LambdaConfigType) =>
      server.client.send(
        new UpdateUserPoolCommand({ UserPoolId, LambdaConfig, AutoVerifiedAttributes: ["email"] }),
      );

    /** Calls under each outcome in turn, and then with a function that changes nothing, whose answer it returns. */
    async function spoil(world: World, row: Row, prepare: NonNullable<Row["prepare"]>) {
      const { UserPoolId } = world;
      for (const [outcome, { arn, script: what, error }] of Object.entries(outcomes)) {
        await setFunctions(world, row.config(arn));
        script(UserPoolId, row.source, what);
        const call = await prepare(world);
        const [name, message] = row.always ?? error(row.trigger);
        await assert.rejects(call(), (thrown: Error) => {
          assert.equal(thrown.name, name, `${outcome}: ${thrown.message}`);
          assert.match(thrown.message, message, outcome);
          return true;
        });
      }
      await setFunctions(world, row.config(scripted));
      script(UserPoolId, row.source, undefined);
      return (await prepare(world))();
    }

    for (const [name, row] of Object.entries(table))
      test(`${row.trigger} at ${name}: the error has AWS's name and message, and nobody is signed in`, async () => {
        const here = await world();
        const prepare = row.prepare ?? (async () => () => byPassword(here));
        const ends = spoil(here, row, async (world) => {
          const call = await prepare(world);
          await assert.rejects(world.app.call("getCurrentUser"), { name: "UserUnAuthenticatedException" });
          return call;
        });
        if (row.refusing === undefined) await ends;
        else await assert.rejects(ends, { name: row.refusing });
        await here.app.call("signOut");
      });

    test("PreTokenGeneration at fetchAuthSession: the error, and who is signed in stays so", async () => {
      const here = await world();
      const { app } = here;
      await setFunctions(here, {});
      await byPassword(here);
      const row: Row = {
        trigger: "PreTokenGeneration",
        source: "TokenGeneration_RefreshTokens",
        config: plain("PreTokenGeneration"),
      };
      await spoil(here, row, async () => {
        assert.equal((await app.call("getCurrentUser")).username, here.username);
        return () => app.call("fetchAuthSession", { forceRefresh: true });
      });
      await app.call("signOut");
    });
  });
});
