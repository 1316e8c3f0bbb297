/**
 * Limits the number of source files that the most frequent operations pass through from the route to the deepest
 * statement, which is what a reader of one has to open. Database engines (store/engine) and what runs every prepared
 * statement (store/prepared.ts) are not counted.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { KyselyPlugin } from "kysely";
import type { App } from "../../src/app.ts";
import { everyFlow, makePool, makeUser, password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";

const most = 8;
const source = fileURLToPath(new URL("../../src/", import.meta.url));

/** The files of src in a stack trace, outermost first, each once. */
function filesOf(stack: string): string[] {
  const lines = stack.split("\n").reverse();
  const files = lines.flatMap((line) => {
    const at = line.indexOf(source);
    return at < 0 ? [] : [line.slice(at + source.length).replace(/:.*$/s, "")];
  });
  return [...new Set(files)].filter((file) => !/^store\/(?:engine\/|prepared\.ts$)/.test(file));
}

/** Records the call stack of every statement; `deepest` returns the files of the deepest one since the last call. */
function watchStacks(app: App): { deepest(): string[] } {
  let found: string[] = [];
  const note = () => {
    const files = filesOf(new Error("here").stack ?? "");
    if (files.length > found.length) found = files;
  };
  const watching: KyselyPlugin = {
    transformQuery: ({ node }) => {
      note();
      return node;
    },
    transformResult: async ({ result }) => {
      note();
      return result;
    },
  };
  Object.assign(app, { db: { ...app.db, kysely: app.db.kysely.withPlugin(watching) } });
  return {
    deepest() {
      const files = found;
      found = [];
      return files;
    },
  };
}

async function srp({ client, clock }: TestServer, UserPoolId: string, ClientId: string): Promise<void> {
  const user = new SrpClient();
  const AuthParameters = { USERNAME: "ann", SRP_A: user.srpA };
  const asked = await client.send(
    new InitiateAuthCommand({ ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters }),
  );
  const ChallengeResponses = user.prove(
    UserPoolId,
    asked.ChallengeParameters ?? assert.fail("no parameters"),
    password,
    new Date(clock.now),
  );
  const answer = { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses } as const;
  const { AuthenticationResult } = await client.send(new RespondToAuthChallengeCommand(answer));
  assert.ok(AuthenticationResult);
}

forEachServer("Depth", (open, database) => {
  // The databases differ only in files that are not counted.
  if (database !== "sqlite") return;
  const { stackTraceLimit } = Error;
  before(() => {
    Error.stackTraceLimit = 500;
  });
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  test(`from the route to the deepest statement are at most ${most} files`, async () => {
    const server = await open();
    const { client } = server;
    const place = await makePool(server, {}, { ExplicitAuthFlows: [...everyFlow] });
    const { UserPoolId, ClientId } = place;
    await makeUser(server, UserPoolId, "ann");
    const AuthParameters = { USERNAME: "ann", PASSWORD: password };
    const operations: Readonly<Record<string, () => Promise<unknown>>> = {
      USER_PASSWORD_AUTH: () =>
        client.send(new InitiateAuthCommand({ ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters })),
      USER_SRP_AUTH: () => srp(server, UserPoolId, ClientId),
      AdminInitiateAuth: () =>
        client.send(
          new AdminInitiateAuthCommand({ ...place, AuthFlow: "ADMIN_USER_PASSWORD_AUTH", AuthParameters }),
        ),
      AdminCreateUser: () => client.send(new AdminCreateUserCommand({ UserPoolId, Username: "bob" })),
    };
    const stacks = watchStacks(server.app);
    for (const [name, run] of Object.entries(operations)) {
      stacks.deepest();
      await run();
      const files = stacks.deepest();
      // A truncated stack would prove nothing.
      assert.equal(files[0], "http/aws-json/routes.ts", `${name}: ${files.join(" > ")}`);
      assert.match(files.at(-1) ?? "", /^store\//);
      assert.ok(files.length <= most, `${name} crosses ${files.length}: ${files.join(" > ")}`);
    }
  });
});
