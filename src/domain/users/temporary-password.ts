/** Temporary passwords that fit any policy of the pool. */
import type { Ctx } from "../../app.ts";
import { randomText } from "../../lib/random.ts";
import { passwordPolicy } from "../credentials/password.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/** Without what is hard to tell apart when it is read from a letter: 0 O, 1 l I. */
const upper = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const lower = "abcdefghijkmnopqrstuvwxyz";
const digits = "23456789";
/** Of the policy's symbols those that neither HTML nor a shell gives a meaning of their own. */
const symbols = "@%+=_-.:";

export function temporaryPassword(random: Ctx["random"], pool: Pick<Pool, "document">): string {
  const length = Math.max(passwordPolicy(pool).MinimumLength ?? 0, 12);
  const one = [upper, lower, digits, symbols].map((alphabet) => randomText(random, alphabet, 1)).join("");
  const rest = randomText(random, upper + lower + digits, length - one.length);
  return shuffled(random, [...(one + rest)]).join("");
}

/** Fisher–Yates, each order equally likely up to a bias of 2^-25. */
function shuffled(random: Ctx["random"], items: string[]): string[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Buffer.from(random(4)).readUInt32BE() % (last + 1);
    [items[last], items[other]] = [items[other] ?? "", items[last] ?? ""];
  }
  return items;
}
