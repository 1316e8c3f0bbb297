/** Sends a browser to a provider. */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { countAtAddress } from "../credentials/request-limits.ts";
import type { AuthorizationRequest } from "../grants/authorization-request.ts";
import type { Place } from "./protocol.ts";
import { protocols } from "./protocols.ts";
import type { Provider } from "./provider.ts";
import { insertWaiting, newHandle, toClient } from "./waiting.ts";

export interface Start {
  readonly provider: Provider;
  /** The query of the authorization request, as received. */
  readonly query: string;
  /** The cookie of this browser from an earlier start, which it keeps: several windows may each be at a provider. */
  readonly cookie: string | undefined;
}

export interface Started {
  /** The URL at the provider. */
  readonly location: string;
  /** What the browser must show when it returns. */
  readonly cookie: string;
}

/**
 * Begins a sign-in at a provider. Throws RedirectedRefusal if the provider cannot be used, and temporarily_unavailable
 * to the client if too many were begun from one address.
 */
export async function startAtProvider(
  ctx: Ctx,
  place: Place,
  request: AuthorizationRequest,
  { provider, query, cookie: former }: Start,
): Promise<Started> {
  try {
    await admitAddress(ctx, place.pool.id);
    const state = newHandle(ctx);
    const protocol = await protocols[provider.type]();
    const { location, remembered } = await protocol.begin(ctx, {
      pool: place.pool,
      base: place.base,
      provider,
      state,
      fresh: request.maxAge !== undefined ? "proven" : request.prompt.has("login") ? "asked" : "no",
      loginHint: request.loginHint,
    });
    const cookie = former ?? newHandle(ctx);
    const clientId = request.client.id;
    await insertWaiting(ctx, {
      ...{ provider, clientId, handle: state, cookie },
      ...{ query, base: place.base, remembered },
    });
    return { location, cookie };
  } catch (error) {
    throw error instanceof Refusal ? toClient(error, request) : error;
  }
}

/** Counts a sign-in at a provider that begins from this address, before it adds a row. Throws TooManyRequestsException. */
export async function admitAddress(ctx: Ctx, poolId: string): Promise<void> {
  const limit = "provider-sign-ins-per-address";
  if ((await countAtAddress(ctx.db, ctx, poolId, limit)) > ctx.config.limits[limit])
    refuseFor("tooMany", { detail: limit });
}
