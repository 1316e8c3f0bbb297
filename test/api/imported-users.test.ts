/** Users who came with a password hash and nothing else: what their first sign-in leaves, and what it costs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminSetUserPasswordCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { hash } from "@node-rs/argon2";
import { type Credential, readCredential, writeCredential } from "../../src/store/credentials.ts";
import { makePool, makeUser, password, refused, signIn } from "../kit/people.ts";
import { forEachServer, inProduction, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { watchWork } from "./work.ts";

const Username = "ann";

interface Imported {
  readonly UserPoolId: string;
  readonly ClientId: string;
  credential(): Promise<Credential>;
}

/** A pool with one user, who has a hash only: the server's own, or the one given. */
async function importUser(server: TestServer, phc?: string): Promise<Imported> {
  const { db } = server.app;
  const flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] as const;
  const { UserPoolId, ClientId } = await makePool(server, {}, { ExplicitAuthFlows: [...flows] });
  await makeUser(server, UserPoolId, Username);
  const { user_id: id } = await db.kysely
    .selectFrom("users")
    .select("user_id")
    .where("pool_id", "=", UserPoolId)
    .executeTakeFirstOrThrow();
  const credential = async () => (await readCredential(db, UserPoolId, id)) ?? assert.fail("no credential");
  const made = await credential();
  const bare = { ...made, phc: phc ?? made.phc, srp: undefined };
  assert.ok(await writeCredential(db, UserPoolId, id, made.version, bare, server.clock.now));
  return { UserPoolId, ClientId, credential };
}

async function srpSignIn({ client }: TestServer, { UserPoolId, ClientId }: Imported) {
  const srp = new SrpClient();
  const AuthParameters = { USERNAME: Username, SRP_A: srp.srpA };
  const started = await client.send(
    new InitiateAuthCommand({ ClientId, AuthFlow: "USER_SRP_AUTH", AuthParameters }),
  );
  const ChallengeResponses = srp.prove(UserPoolId, started.ChallengeParameters!, password);
  return client.send(
    new RespondToAuthChallengeCommand({ ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses }),
  );
}

forEachServer(
  "users imported with a hash",
  (open) => {
    test("the first sign-in by password costs one hash, adds a verifier and leaves the hash", async () => {
      const server = await open();
      const imported = await importUser(server);
      const { phc, version } = await imported.credential();
      const { work } = await watchWork(server.app).during(() => signIn(server, imported.ClientId, Username));
      assert.equal(work.hashes, 1);
      const after = await imported.credential();
      // The password is the same: what stands on it goes on.
      assert.deepEqual([after.phc, after.version], [phc, version]);
      assert.ok((await srpSignIn(server, imported)).AuthenticationResult?.AccessToken);
    });

    test("a hash with other parameters than today's is replaced", async () => {
      const server = await open();
      const weak = { memoryCost: 8192, timeCost: 1, parallelism: 1 };
      const imported = await importUser(server, await hash(password, weak));
      await signIn(server, imported.ClientId, Username);
      assert.match((await imported.credential()).phc!, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      await signIn(server, imported.ClientId, Username);
      assert.ok((await srpSignIn(server, imported)).AuthenticationResult?.AccessToken);
    });

    test("of first sign-ins at once all succeed", async () => {
      const server = await open();
      const imported = await importUser(server);
      const { version } = await imported.credential();
      await Promise.all(Array.from({ length: 4 }, () => signIn(server, imported.ClientId, Username)));
      assert.equal((await imported.credential()).version, version);
    });

    test("a password that was replaced while it was being proven signs nobody in", async () => {
      const server = await open();
      const { app, client } = server;
      const { UserPoolId, ClientId } = await importUser(server);
      const Password = "Another-Secret-1";
      const { passwordHasher } = app;
      let proving = true;
      // Between the proof of the former password and the writing of the verifier.
      const verify: typeof passwordHasher.verify = async (...given) => {
        const right = await passwordHasher.verify(...given);
        if (proving) {
          proving = false;
          const change = { UserPoolId, Username, Password, Permanent: true };
          await client.send(new AdminSetUserPasswordCommand(change));
        }
        return right;
      };
      Object.assign(app, { passwordHasher: { ...passwordHasher, verify } });
      try {
        await assert.rejects(signIn(server, ClientId, Username), refused("NotAuthorizedException"));
      } finally {
        Object.assign(app, { passwordHasher });
      }
      await signIn(server, ClientId, Username, Password);
    });
  },
  {},
  inProduction,
);
