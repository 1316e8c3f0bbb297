/** SRP's arithmetic off the thread that answers requests. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createSrpExchanger } from "../../src/domain/credentials/srp-exchanger.ts";
import { makeVerifier, SrpError, startServer } from "../../src/lib/srp.ts";

const turn = { pool: "p", address: "a" };
const user = { group: "Pool", identity: "alice", password: "Correct-Horse-1", salt: randomBytes(16) };

test("gives what the arithmetic gives, several at once, and refuses what it refuses", async () => {
  const srp = createSrpExchanger({ concurrency: 2, capacity: 100 });
  const verifier = await srp.makeVerifier(user, turn);
  assert.deepEqual(Buffer.from(verifier), makeVerifier(user));
  const b = randomBytes(32);
  const made = await Promise.all(
    Array.from({ length: 8 }, () => srp.exchange({ A: 12345678901234567890n, verifier, b }, turn)),
  );
  for (const { B, K } of made) {
    assert.equal(B, startServer({ verifier, b }));
    assert.deepEqual(K, made[0]!.K);
  }
  await assert.rejects(srp.exchange({ A: 0n, verifier, b }, turn), SrpError);
  assert.deepEqual(srp.stats(), { running: 0, waiting: 0, refused: 0 });
  await srp.close();
});
