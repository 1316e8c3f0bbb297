/** Helpers shared by the SRP exchanges of passwords and devices ("Sign-in with secure remote password (SRP)"). */
import type { Ctx } from "../../app.ts";
import { parsePublicValue, parseTimestamp } from "../../lib/srp.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Client } from "../user-pools/load-pool.ts";
import { sessionLifetime } from "./sign-in.ts";

/** Parses SRP_A. Throws InvalidParameterException for a value that no honest client sends. */
export function readSrpA(text: string): bigint {
  return parsePublicValue(text) ?? refuse("InvalidParameterException", "Invalid SRP_A given");
}

/** How far a client's clock may be off, in addition to the lifetime of the sign-in. Milliseconds. */
const clockSkew = 5 * 60_000;

/** Whether the TIMESTAMP of an SRP proof is at most the lifetime of a sign-in, plus the clock skew, away from now. */
export function isTimely(ctx: Ctx, client: Client, timestamp: string): boolean {
  const time = parseTimestamp(timestamp);
  return time !== undefined && Math.abs(ctx.now - time) <= sessionLifetime(client) + clockSkew;
}
