/** Temporary passwords that satisfy any policy of the pool. */
import type { Ctx } from "../../app.ts";
import { randomText } from "../../lib/random.ts";
import { passwordPolicy } from "../credentials/password.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/** Without characters that are hard to tell apart in a letter: 0 O, 1 l I. */
const upper = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const lower = "abcdefghijkmnopqrstuvwxyz";
const digits = "23456789";
/** The policy's symbols that have no special meaning in HTML or a shell. */
const symbols = "@%+=_-.:";

export function temporaryPassword(random: Ctx["random"], pool: Pick<Pool, "document">): string {
  const length = Math.max(passwordPolicy(pool).MinimumLength ?? 0, 12);
  const one = [upper, lower, digits, symbols].map((alphabet) => randomText(random, alphabet, 1)).join("");
  const rest = randomText(random, upper + lower + digits, length - one.length);
  return shuffled(random, [...(one + rest)]).join("");
}

/** Fisher–Yates; each order is equally likely up to a bias of 2^-25. */
function shuffled(random: Ctx["random"], items: string[]): string[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Buffer.from(random(4)).readUInt32BE() % (last + 1);
    [items[last], items[other]] = [items[other] ?? "", items[last] ?? ""];
  }
  return items;
}
