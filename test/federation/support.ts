/** What the tests of protocols share: a server, providers of a pool on it, and an attempt to sign in. */
import assert from "node:assert/strict";
import type { Ctx } from "../../src/app.ts";
import type { Begun, Freshness, Protocol, ProviderIdentity } from "../../src/domain/federation/protocol.ts";
import { protocols } from "../../src/domain/federation/protocols.ts";
import { type Provider, providerFrom } from "../../src/domain/federation/provider.ts";
import { loadClient, type Pool } from "../../src/domain/user-pools/load-pool.ts";
import { createCtx } from "../../src/http/context.ts";
import type { ProviderType } from "../../src/store/identity-providers.ts";
import { makePool } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { base } from "./openid-provider.ts";

export interface Field {
  readonly pool: Pool;
  /** A context for one request. */
  ctx(): Ctx;
  /** A context whose requests to providers end with the signal. */
  ctxUntil(signal: AbortSignal): Ctx;
  provider(type: ProviderType, details: Readonly<Record<string, string>>, name?: string): Provider;
}

let serial = 0;

export async function newField(server: TestServer): Promise<Field> {
  const { ClientId } = await makePool(server);
  const ctx = () =>
    createCtx(server.app, { requestId: "request", address: "127.0.0.1", userAgent: undefined });
  const { pool } = await loadClient(ctx(), ClientId);
  return {
    pool,
    ctx,
    ctxUntil: (signal) => {
      const { app, ...rest } = ctx();
      const { outbound } = app;
      const fetch: typeof outbound.fetch = (url, request) =>
        outbound.fetch(url, { ...request, signal: AbortSignal.any([signal, request?.signal ?? signal]) });
      return { ...rest, app: { ...app, outbound: { ...outbound, fetch } } };
    },
    provider: (type, details, name = `Provider${++serial}`) =>
      providerFrom({
        poolId: pool.id,
        name,
        type,
        version: 1,
        document: { ProviderDetails: details, AttributeMapping: {}, IdpIdentifiers: [] },
        secrets: {},
        createdAt: server.clock.now,
        updatedAt: server.clock.now,
      }),
  };
}

/** One attempt of a browser to sign in through a provider. */
export interface Attempt extends Begun {
  readonly state: string;
  /** Brings the provider's answer: its parameters, or the URL with them. */
  answer(parameters: URLSearchParams | URL | Readonly<Record<string, string>>): Promise<ProviderIdentity>;
}

export async function begin(
  { pool, ctx }: Field,
  provider: Provider,
  more: { readonly fresh?: Freshness; readonly loginHint?: string } = {},
): Promise<Attempt> {
  const protocol: Protocol = await protocols[provider.type]();
  const state = `state-${++serial}`;
  const { fresh = "no", loginHint } = more;
  const begun = await protocol.begin(ctx(), { pool, base, provider, state, fresh, loginHint });
  return {
    ...begun,
    state,
    answer: (parameters) =>
      protocol.verify(ctx(), {
        pool,
        base,
        provider,
        remembered: begun.remembered,
        parameters:
          parameters instanceof URL
            ? parameters.searchParams
            : new URLSearchParams(parameters as URLSearchParams),
      }),
  };
}

/** What a refused attempt tells the client. Neither that nor the log says what is secret. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { name, code, message, detail } = error as Error & { code?: string; detail?: string };
    if (name !== "Refusal") throw error;
    // What is sent or answered is in neither; the names of the tests' codes and states have a number.
    assert.doesNotMatch(`${message} ${detail}`, /secret|(?:code|state)-\d|eyJ/);
    return `${code}: ${message}`;
  }
  return assert.fail("it was accepted");
}
