/**
 * What the protocols have in common: each takes a browser to its provider, and verifies what the provider answers. All
 * of them end in a `ProviderIdentity`, which finish.ts makes a user of.
 */
import type { Ctx } from "../../app.ts";
import type { InboundUser } from "../triggers/inbound-federation.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import type { Provider } from "./provider.ts";

/** A pool's endpoints as the browser sees them. */
export interface Place {
  readonly pool: Pool;
  /** The URL that they begin with, without a trailing slash. */
  readonly base: string;
}

/**
 * Whether the provider must ask the user anew, and prove it: `asked` (prompt=login) takes its word for it if it does not say
 * when the user has signed in, `proven` (max_age) does not.
 */
export type Freshness = "no" | "asked" | "proven";

/** A browser that is to be sent to a provider. */
export interface Beginning extends Place {
  readonly provider: Provider;
  /** The one-time `state`, or RelayState: at most 80 bytes. */
  readonly state: string;
  readonly fresh: Freshness;
  /** The name of the user, if the client knows it (`login_hint`). */
  readonly loginHint: string | undefined;
}

export interface Begun {
  /** The URL at the provider. */
  readonly location: string;
  /** What verifying the answer needs; it is stored sealed. */
  readonly remembered: Readonly<Record<string, string>>;
}

/** A provider's answer, as the browser brings it. */
export interface Answered extends Place {
  readonly provider: Provider;
  readonly remembered: Begun["remembered"];
  /** The parameters of the query, or of the form. */
  readonly parameters: URLSearchParams;
}

/** A user as the provider knows it, after everything about the answer was verified. */
export interface ProviderIdentity {
  /** The provider's issuer or entity id; subjects are unique within it. */
  readonly issuer: string;
  /** `sub`, `id`, `user_id` or NameID. */
  readonly subject: string;
  /**
   * When the user authenticated at the provider, epoch milliseconds, never later than now; undefined if the provider does not
   * say.
   */
  readonly authenticatedAt: number | undefined;
  /** Claims by name, as the provider gives them; all sources of the protocol together. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The parts of the answer, for the InboundFederation trigger. */
  readonly answers: InboundUser["answers"];
  /** The provider's own name of its session (`sid`, SessionIndex). */
  readonly session: string | undefined;
  /** What a logout at the provider needs (id_token, or NameID and its format); it is stored sealed. */
  readonly logout: Readonly<Record<string, string>>;
}

/** Errors are refusals with an OAuth error and the description that the client gets (`refuseOAuth`). */
export interface Protocol {
  begin(ctx: Ctx, beginning: Beginning): Promise<Begun>;
  verify(ctx: Ctx, answered: Answered): Promise<ProviderIdentity>;
  /**
   * The URL that ends the provider's session and brings the browser back to `returnTo`; undefined if the provider or its
   * settings know no such thing.
   */
  logout(
    ctx: Ctx,
    leaving: Place & {
      readonly provider: Provider;
      readonly known: ProviderIdentity["logout"];
      readonly session: string | undefined;
      readonly state: string;
    },
  ): Promise<string | undefined>;
}
