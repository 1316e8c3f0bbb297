/**
 * How many events there are of what proves nothing: of each kind the first of an hour are told one by one, and what
 * comes beyond is told together, by one event with a number. Successes are always told one by one.
 */
import { BoundedMap } from "../../lib/bounded-map.ts";
import type { AuthEventOfUser } from "../../store/auth-events.ts";
import { idOfSpan } from "./event.ts";

const hour = 60 * 60 * 1000;
/** Kinds of users whose events are counted at once; the least recent are forgotten. */
const capacity = 50_000;

/**
 * Each server counts for itself.
 * @param most of an hour, user and kind
 */
export function hourlyShares(most: number): (told: AuthEventOfUser) => AuthEventOfUser {
  const counts = new BoundedMap<string, number>(capacity);
  return (told) => {
    const { poolId, userId, event } = told;
    const { at, type, response, challenges } = event;
    if (response === "Pass" || event.times !== undefined) return told;
    const kind = [poolId, userId, type, response, challenges];
    const key = JSON.stringify([...kind, Math.floor(at / hour)]);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= most) return told;
    return { ...told, event: { ...event, id: idOfSpan(at, hour, kind), times: 1 } };
  };
}
