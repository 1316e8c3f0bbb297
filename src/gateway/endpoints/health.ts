/** GET `paths.health`, for load balancers: whether this gateway can decide about requests. */
import type { EndpointMeans } from "../called.ts";

/** 200, or 503 if the sessions' database does not answer. The provider may be away: whoever is signed in goes on. */
export async function health({ isWell }: EndpointMeans): Promise<Response> {
  const well = await isWell();
  const headers = { "cache-control": "no-store" };
  return Response.json({ status: well ? "ok" : "unavailable" }, { status: well ? 200 : 503, headers });
}
