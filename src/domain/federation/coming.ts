import type { Client, Pool } from "../user-pools/load-pool.ts";
import type { ProviderClaims } from "./mapping.ts";
import type { ProviderIdentity } from "./protocol.ts";
import type { Provider } from "./provider.ts";

/** Somebody whom a provider has signed in, through a client of the pool. */
export interface Coming {
  readonly pool: Pool;
  readonly client: Client;
  readonly provider: Provider;
  readonly identity: ProviderIdentity;
  /** What the provider says of the user, or what the pool's function has made of that. */
  readonly claims: ProviderClaims;
  /** The name that the user has, or would have. */
  readonly username: string;
}
