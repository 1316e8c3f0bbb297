/** `poolhouse keys rotate`: a pool's signing keys, the data key, the master key. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { recorded } from "../domain/audit/command.ts";
import { rotateIdentityKeys } from "../domain/identities/rotate-identity-keys.ts";
import { type Rotation, rotateSigningKeys } from "../domain/tokens/rotate-keys.ts";
import { generateSigningPair } from "../domain/tokens/signing-keys.ts";
import type { Db } from "../store/db.ts";
import { rotateDataKey } from "../store/rotation/rotate-data-key.ts";
import { rotateMasterKey } from "../store/rotation/rotate-master-key.ts";
import { identityPoolsOwner } from "../store/signing-keys.ts";
import { listPools } from "../store/user-pools.ts";
import { CommandError } from "./command-error.ts";
import { type Given, timeText } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { operator } from "./operator.ts";

const random = (bytes: number) => randomBytes(bytes);
/** Records the audit event of a rotation after it is done, since a rotation consists of several transactions. */
const recordRotation = (db: Db, operation: string, details: { poolId?: string; target?: string } = {}) =>
  recorded(
    { db, random, clock: Date.now },
    operator(),
    async () => undefined,
    () => ({ operation, ...details }),
  );
const say = (text: string) => console.log(`${timeText(Date.now())}  ${text}`);

export const rotations = {
  "rotate signing": {
    options: {
      pool: { type: "string" },
      "identity-pools": { type: "boolean" },
      all: { type: "boolean" },
      now: { type: "boolean" },
    },
    operands: 0,
    run: rotateSigning,
  },
  "rotate data": { options: {}, operands: 0, run: rotateData },
  "rotate master": { options: {}, operands: 0, run: rotateMaster },
} as const;

async function rotateSigning({ config, text, flag }: Given): Promise<void> {
  const poolId = text("pool");
  const [ofIdentities, all] = [flag("identity-pools"), flag("all")];
  if ([poolId !== undefined, ofIdentities, all].filter(Boolean).length !== 1)
    throw new CommandError("Say which: --pool POOL_ID, --identity-pools, or --all.", 2);
  const atOnce = flag("now");
  await withDatabase(config, async ({ db }) => {
    const rotating = { db, random, clock: Date.now, newSigningPair: generateSigningPair };
    const pools = all ? poolIds(db) : poolId === undefined ? [] : [poolId];
    for await (const id of pools) {
      const rotation = await rotateSigningKeys(rotating, id, { atOnce });
      if (rotation.outcome === "done") await recordRotation(db, "RotateSigningKeys", { poolId: id });
      console.log(`${id}: ${outcomeText(id, rotation, atOnce)}`);
    }
    if (!all && !ofIdentities) return;
    const rotation = await rotateIdentityKeys({ ...rotating, config }, { atOnce });
    if (rotation.outcome === "done")
      await recordRotation(db, "RotateSigningKeys", { target: identityPoolsOwner });
    console.log(`identity pools: ${identitiesOutcome(rotation, atOnce)}`);
  });
}

async function* poolIds(db: Db): AsyncGenerator<string> {
  const limit = 100;
  for (let after = ""; ; ) {
    const pools = await listPools(db, { after, limit });
    for (const pool of pools) yield pool.poolId;
    if (pools.length < limit) return;
    after = pools.at(-1)!.poolId;
  }
}

function outcomeText(id: string, { outcome, signFrom }: Rotation, atOnce: boolean): string {
  switch (outcome) {
    case "done":
      return atOnce
        ? "new keys sign; every ID and access token issued before is refused, refresh tokens stay good"
        : `new keys are published, and sign from ${timeText(signFrom)}`;
    case "under-way":
      return "new keys are published already, and wait to sign";
    case "no-keys":
      return "has not signed anything yet, so there is nothing to rotate";
    case "no-pool":
      throw new CommandError(`There is no user pool ${id}.`);
  }
}

function identitiesOutcome(rotation: Rotation, atOnce: boolean): string {
  if (rotation.outcome !== "done" || !atOnce) return outcomeText("", rotation, atOnce);
  return "a new key signs within a minute; every OpenID token issued before is then refused, credentials stay good";
}

async function rotateData({ config }: Given): Promise<void> {
  say("This takes about 20 minutes, most of it waiting. It may be stopped; run again, it goes on.");
  await withDatabase(config, async (opened) => {
    const done = await rotateDataKey(opened, { clock: Date.now, random, wait: pause, report: say });
    await recordRotation(opened.db, "RotateDataKey");
    say(`Done: everything is sealed under ${done.keyId}.`);
  });
}

const pause = async (milliseconds: number): Promise<void> => {
  await delay(milliseconds);
};

async function rotateMaster({ config }: Given): Promise<void> {
  await withDatabase(config, async (opened) => {
    const byFile = opened.masterKeys.folder !== undefined;
    if (!byFile && config.previousMasterKey === undefined) {
      throw new CommandError(
        "Give the new key as POOLHOUSE_MASTER_KEY and the present one as POOLHOUSE_PREVIOUS_MASTER_KEY, to every " +
          "server first and then to this command (docs/operating.md).",
      );
    }
    const { rewrapped, folder } = await rotateMasterKey(opened, { random, clock: Date.now });
    await recordRotation(opened.db, "RotateMasterKey");
    if (folder !== undefined)
      console.log(`${folder}/master-key was replaced: ${rewrapped} data keys wrapped anew.`);
    else if (rewrapped === 0) console.log("All data keys are wrapped under POOLHOUSE_MASTER_KEY already.");
    else
      console.log(
        `${rewrapped} data keys wrapped under POOLHOUSE_MASTER_KEY. POOLHOUSE_PREVIOUS_MASTER_KEY is needed no more.`,
      );
  });
}
