/** GET `paths.health`, for load balancers: whether this gateway can decide about requests. */
import type { EndpointMeans } from "../called.ts";
import type { Keeper } from "../sessions/sessions.ts";

/** How long an answer of the database counts, however many ask. Milliseconds. */
const countsMs = 1000;

/** How long the database may take. Milliseconds. */
const patience = 5000;

const looks = new WeakMap<Keeper, { readonly until: number; readonly isWell: Promise<boolean> }>();

/** 200, or 503 if the sessions' database does not answer. The provider may be away: whoever is signed in goes on. */
export async function health({ keeper, now }: EndpointMeans): Promise<Response> {
  let look = looks.get(keeper);
  if (look === undefined || now() >= look.until) {
    look = { until: now() + countsMs, isWell: answersInTime(keeper) };
    looks.set(keeper, look);
  }
  const isWell = await look.isWell;
  const headers = { "cache-control": "no-store" };
  return Response.json({ status: isWell ? "ok" : "unavailable" }, { status: isWell ? 200 : 503, headers });
}

async function answersInTime(keeper: Keeper): Promise<boolean> {
  const { promise: tooLate, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, patience, false);
  const answers = keeper.ping().then(
    () => true,
    () => false,
  );
  const isWell = await Promise.race([answers, tooLate]);
  clearTimeout(timer);
  return isWell;
}
