/**
 * Keys are rotated beside running servers (two on PostgreSQL, one on SQLite) while users sign in, refresh and are
 * verified by jose and aws-jwt-verify with the key sets these keep: nothing fails that should not.
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, mock, test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  GetUserCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeProtectedHeader } from "jose";
import { publishedBeforeSigning, rotateSigningKeys } from "../../src/domain/tokens/rotate-keys.ts";
import { generateSigningPair } from "../../src/domain/tokens/signing-keys.ts";
import { sealedKeyId } from "../../src/lib/seal.ts";
import type { KeyRing } from "../../src/store/keys/sealer.ts";
import { type OpenedDatabase, openDatabase } from "../../src/store/open.ts";
import { rotateDataKey } from "../../src/store/rotation/rotate-data-key.ts";
import { rotateMasterKey } from "../../src/store/rotation/rotate-master-key.ts";
import {
  placeOf,
  type SealedTableName,
  sealedTables,
  selectSealed,
} from "../../src/store/rotation/sealed-columns.ts";
import { sweep } from "../../src/store/sweep.ts";
import { readPool } from "../../src/store/user-pools.ts";
import { call } from "../kit/calls.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { password } from "../kit/people.ts";
import { type Application, application, type House, load, refresh, round, start } from "./house.ts";

const random = (bytes: number) => randomBytes(bytes);
const minute = 60_000;
const hour = 60 * minute;

const kidOf = (token: string) => decodeProtectedHeader(token).kid!;

forEachDatabase((database, _open, fresh) => {
  const count = database === "postgres" ? 2 : 1;
  const inHouse = async (work: (house: House, app: Application) => Promise<void>) => {
    const house = await start(fresh, count);
    try {
      await work(house, application(house));
    } finally {
      await house.close();
    }
  };

  describe("signing keys", () => {
    const rotate = ({ beside, poolId }: House, atOnce: boolean) =>
      rotateSigningKeys(
        { db: beside.db, random, clock: Date.now, newSigningPair: generateSigningPair },
        poolId,
        { atOnce },
      );

    test("are published, then sign, then go, without a failed verification", async () => {
      const began = Date.now();
      mock.timers.enable({ apis: ["Date"], now: began });
      try {
        await inHouse(async (house, app) => {
          const running = load(house, app);
          await running.goRound();
          const [user] = house.users;
          const before = await round(house, app, user!, 0);
          const formerKids = [kidOf(before.IdToken), kidOf(before.AccessToken)];
          assert.equal((await rotate(house, false)).outcome, "done");
          assert.equal((await rotate(house, false)).outcome, "under-way");
          // What an application knows that kept the key set from a moment before.
          assert.equal((await app.kids()).length, 4);
          // Small steps while sign-ins are under way, leaps between them.
          const at = async (time: number) => {
            const set = () => mock.timers.setTime(began + time);
            if (began + time - Date.now() > 10 * minute) await running.between(set);
            else set();
            await running.goRound();
          };
          for (const minutes of [1, 6, 11, 12, 60, 172, 179]) await at(minutes * minute);
          const last = await round(house, app, user!, 0);
          assert.deepEqual([kidOf(last.IdToken), kidOf(last.AccessToken)], formerKids);
          for (const minutes of [0, 1, 2, 11]) {
            await at(publishedBeforeSigning + minutes * minute);
            const fresh = await round(house, app, user!, 1);
            assert.ok(
              !formerKids.includes(kidOf(fresh.IdToken)) && !formerKids.includes(kidOf(fresh.AccessToken)),
            );
            await app.verify(last);
          }
          // The private halves are destroyed as soon as they sign no more; what they signed stays good for its day.
          await sweep(house.servers[0]!.app.db, Date.now());
          const privateHalves = await house.beside.db.kysely
            .selectFrom("signing_keys")
            .select(["kid", "private_sealed"])
            .execute();
          assert.deepEqual(
            privateHalves
              .filter((row) => row.private_sealed.length === 1)
              .map((row) => row.kid)
              .sort(),
            formerKids.toSorted(),
          );
          await at(publishedBeforeSigning + 23 * hour + 58 * minute);
          await application(house).verify(last);
          for (const sdk of house.sdks) await sdk.send(new GetUserCommand({ AccessToken: last.AccessToken }));
          await at(publishedBeforeSigning + 24 * hour + 11 * minute);
          await sweep(house.servers[0]!.app.db, Date.now());
          assert.equal((await app.kids()).length, 2);
          assert.ok((await app.kids()).every((kid) => !formerKids.includes(kid)));
          const rows = await house.beside.db.kysely.selectFrom("signing_keys").select("kid").execute();
          assert.equal(rows.length, 2);
          await running.stop();
        });
      } finally {
        mock.timers.reset();
      }
    });

    test("--now: what leaked keys signed is refused by every server at once; refresh tokens stay good", async () => {
      await inHouse(async (house, app) => {
        const tokens = await round(house, app, house.users[0]!, 0);
        for (const sdk of house.sdks) await sdk.send(new GetUserCommand({ AccessToken: tokens.AccessToken }));
        assert.equal((await rotate(house, false)).outcome, "done");
        assert.equal((await rotate(house, true)).outcome, "done");
        for (const sdk of house.sdks) {
          await assert.rejects(sdk.send(new GetUserCommand({ AccessToken: tokens.AccessToken })), {
            name: "NotAuthorizedException",
            message: "Invalid Access Token",
          });
        }
        const fresh = application(house);
        assert.equal((await fresh.kids()).length, 2);
        await assert.rejects(fresh.verify(tokens));
        for (const turn of house.sdks.keys()) {
          const refreshed = await refresh(house, tokens, turn);
          await fresh.verify(refreshed);
          for (const sdk of house.sdks)
            await sdk.send(new GetUserCommand({ AccessToken: refreshed.AccessToken }));
        }
      });
    });

    test("an unknown pool, and one that never signed", async () => {
      await inHouse(async (house) => {
        assert.equal((await rotate({ ...house, poolId: "us-east-1_Nowhere" }, false)).outcome, "no-pool");
        assert.equal((await rotate(house, false)).outcome, "no-keys");
        await round(house, application(house), house.users[0]!, 0);
      });
    });
  });

  describe("data keys and the master key", () => {
    test("are replaced under load; every sealed value opens afterwards, under the new key alone", async () => {
      await inHouse(async (house, app) => {
        const { beside, sdks, poolId, clientId } = house;
        const running = load(house, app);
        await running.goRound();
        const fakeSecret = (await readPool(beside.db, poolId))!.fakeSecret;
        const session = await temporarySession(house, "grace");
        const refreshAll = () =>
          Promise.all(house.servers.map((server) => (server.app.db.sealer as KeyRing).refresh()));
        let now = Date.now();
        const wait = async (milliseconds: number) => {
          now += milliseconds;
          await running.goRound();
          await refreshAll();
          await running.goRound();
        };
        const rotation = { clock: () => now, random, wait, report: () => {} };
        const former = beside.db.sealer.currentKeyId;
        if (beside.masterKeys.folder !== undefined) await rotateMasterKey(beside, rotation);
        let answered = false;
        const done = await rotateDataKey(beside, {
          ...rotation,
          report: (text) => {
            // The new key is in use, and the Session was sealed under the former one.
            if (/is in use/.test(text)) answered = true;
          },
          wait: async (milliseconds) => {
            await wait(milliseconds);
            if (!answered) return;
            answered = false;
            await session.answer();
          },
        });
        await refreshAll();
        await running.goRound();
        await running.stop();
        const open = await openDatabase({ ...house.options, secondary: true });
        const opened = await openEverything(open, done.keyId);
        await open.close();
        assert.ok(opened > 10, `${opened} values`);
        assert.notEqual(done.keyId, former);
        assert.deepEqual((await readPool(beside.db, poolId))!.fakeSecret, fakeSecret);
        // Someone who does not exist costs as before; the server kept what it opens for them under the former key.
        for (const server of house.servers) {
          const answer = await call(`http://localhost:${server.app.config.port}`, "InitiateAuth", {
            AuthFlow: "USER_PASSWORD_AUTH",
            ClientId: clientId,
            AuthParameters: { USERNAME: "nobody", PASSWORD: password },
          });
          assert.equal(answer.type, "NotAuthorizedException");
        }
        await round(house, app, session.user, sdks.length);
      });
    });
  });
});

/** A user who is asked for a new password, and the Session they were given. */
async function temporarySession({ sdks, poolId, clientId, servers }: House, user: string) {
  const [sdk] = sdks;
  const TemporaryPassword = "Temporary-1";
  await sdk!.send(
    new AdminCreateUserCommand({
      UserPoolId: poolId,
      Username: user,
      MessageAction: "SUPPRESS",
      TemporaryPassword,
    }),
  );
  // Somebody unknown beforehand, so that the server keeps what it opens for them.
  for (const server of servers) {
    const AuthParameters = { USERNAME: "nobody", PASSWORD: password };
    const body = { AuthFlow: "USER_PASSWORD_AUTH", ClientId: clientId, AuthParameters };
    await call(`http://localhost:${server.app.config.port}`, "InitiateAuth", body);
  }
  const asked = await sdk!.send(
    new InitiateAuthCommand({
      AuthFlow: "USER_PASSWORD_AUTH",
      ClientId: clientId,
      AuthParameters: { USERNAME: user, PASSWORD: TemporaryPassword },
    }),
  );
  assert.equal(asked.ChallengeName, "NEW_PASSWORD_REQUIRED");
  return {
    user,
    answer: async () => {
      const answer = await sdks.at(-1)!.send(
        new RespondToAuthChallengeCommand({
          ChallengeName: "NEW_PASSWORD_REQUIRED",
          ClientId: clientId,
          Session: asked.Session,
          ChallengeResponses: { USERNAME: user, NEW_PASSWORD: password },
        }),
      );
      assert.ok(answer.AuthenticationResult?.AccessToken);
      await sdk!.send(
        new AdminSetUserPasswordCommand({
          UserPoolId: poolId,
          Username: user,
          Password: password,
          Permanent: true,
        }),
      );
    },
  };
}

/** Opens every sealed value of the database where it stands; each must be under this key. How many there were. */
async function openEverything({ db }: OpenedDatabase, keyId: string): Promise<number> {
  let opened = 0;
  for (const table of Object.keys(sealedTables) as SealedTableName[]) {
    const { rows } = await selectSealed(table).execute(db.kysely);
    for (const row of rows) {
      for (const column of sealedTables[table].columns) {
        const value = row[column] as Uint8Array | null;
        if (value === null) continue;
        assert.equal(sealedKeyId(value), keyId, `${table}.${column}`);
        db.sealer.open(placeOf(table, column, row), value);
        opened++;
      }
    }
  }
  return opened;
}
