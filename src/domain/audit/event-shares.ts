/**
 * Limits authentication events that prove nothing: the first of each kind in an hour are recorded one by one, all
 * further ones as a single event with a count. Successes are always recorded one by one.
 */
import { BoundedMap } from "../../lib/bounded-map.ts";
import type { AuthEventOfUser } from "../../store/auth-events.ts";
import { idOfSpan } from "./event.ts";

const hour = 60 * 60 * 1000;
/** How many combinations of user and kind are counted at once; the least recent are dropped. */
const capacity = 50_000;

/**
 * Returns a function that replaces events beyond a share by their common event. Each server counts for itself.
 * @param most events per hour, user and kind
 */
export function hourlyShares(most: number): (recorded: AuthEventOfUser) => AuthEventOfUser {
  const counts = new BoundedMap<string, number>(capacity);
  return (recorded) => {
    const { poolId, userId, event } = recorded;
    const { at, type, response, challenges } = event;
    if (response === "Pass" || event.times !== undefined) return recorded;
    const kind = [poolId, userId, type, response, challenges];
    const key = JSON.stringify([...kind, Math.floor(at / hour)]);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count <= most) return recorded;
    return { ...recorded, event: { ...event, id: idOfSpan(at, hour, kind), times: 1 } };
  };
}
