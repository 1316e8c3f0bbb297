/** Expiring leases, for work that one process at a time may do. If the holder dies, its lease expires. */
import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { OperatorError } from "../../lib/operator-error.ts";
import type { Schema } from "../schema/schema.ts";
import { affected } from "./transaction.ts";

export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Takes a lease. Returns false if another holder has it and it has not expired at `now`. */
export async function takeLease(kysely: Kysely<Schema>, lease: Lease, now: number): Promise<boolean> {
  const { name, holder, expiresAt } = lease;
  const inserted = await kysely
    .insertInto("leases")
    .values({ name, holder, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (affected(inserted) === 1) return true;
  const taken = await kysely
    .updateTable("leases")
    .set({ holder, expires_at: expiresAt })
    .where("name", "=", name)
    .where("expires_at", "<", now)
    .executeTakeFirst();
  return affected(taken) === 1;
}

/** Extends a lease. Returns false if it expired and another holder took it. */
export async function renewLease(kysely: Kysely<Schema>, lease: Lease): Promise<boolean> {
  const renewed = await kysely
    .updateTable("leases")
    .set({ expires_at: lease.expiresAt })
    .where("name", "=", lease.name)
    .where("holder", "=", lease.holder)
    .executeTakeFirst();
  return affected(renewed) === 1;
}

export async function endLease(kysely: Kysely<Schema>, lease: Pick<Lease, "name" | "holder">): Promise<void> {
  await kysely
    .deleteFrom("leases")
    .where("name", "=", lease.name)
    .where("holder", "=", lease.holder)
    .execute();
}

const held = 60_000;

/** The lease for changing the master key or a data key. */
export const keyRotationLease = "key-rotation";

/** Another holder has the lease. */
export class LeaseTaken extends OperatorError {
  override name = "LeaseTaken";
}

/**
 * Runs lengthy work under a lease, which is renewed meanwhile. Throws LeaseTaken if another holder has it. A process
 * suspended for longer than the lease may lose it without noticing, so updates must still be conditional.
 */
export async function underLease<T>(
  kysely: Kysely<Schema>,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const holder = randomUUID();
  const lease = () => ({ name, holder, expiresAt: Date.now() + held });
  if (!(await takeLease(kysely, lease(), Date.now()))) {
    throw new LeaseTaken(
      "Another process is changing keys, or was cut short while doing so: try again in a minute.",
    );
  }
  const renewing = setInterval(() => void renewLease(kysely, lease()).catch(() => {}), held / 3);
  try {
    return await work();
  } finally {
    clearInterval(renewing);
    // If this fails too, the first error is the one to report; the lease expires by itself.
    await endLease(kysely, { name, holder }).catch(() => {});
  }
}
