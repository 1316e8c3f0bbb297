/** The ways in that the sign-in page of a client offers. */
import { domainToUnicode } from "node:url";
import type { Ctx } from "../../app.ts";
import { foldHostName } from "../../lib/host-name.ts";
import { type ProviderButton, providerButtons } from "../../store/identity-providers.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { admitsOwnUsers, providersOf } from "../user-pools/providers.ts";
import { findProviderByIdentifier } from "./provider.ts";

export interface Offers {
  /** Whether the pool's own users may sign in. */
  readonly ownUsers: boolean;
  /** Providers with a button, in the client's order. */
  readonly buttons: readonly ProviderButton[];
  /** Whether the page asks for an e-mail address, whose domain leads to a provider. */
  readonly byDomain: boolean;
}

/**
 * The providers that the client names and the pool has. If every SAML provider has identifiers, the page asks for an
 * e-mail address in place of showing their buttons ("SAML identity provider names and identifiers", Amazon Cognito
 * Developer Guide).
 */
export async function offersOf(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
): Promise<Offers> {
  const names = providersOf(client);
  const all = names.length === 0 ? [] : await providerButtons(ctx.db, pool.id, names);
  const saml = all.filter(({ type }) => type === "SAML");
  const byDomain = saml.length > 0 && saml.every(({ identified }) => identified);
  const buttons = byDomain ? all.filter(({ type }) => type !== "SAML") : all;
  return { ownUsers: admitsOwnUsers(client), buttons, byDomain };
}

/**
 * The name of the client's provider that an e-mail address belongs to: one of its identifiers is the address's domain. A
 * subdomain is another domain. Browsers send the domain of an international address in its ASCII form, which may be the
 * identifier as well as its form in Unicode (RFC 5890 section 2.3.2.1). Undefined if there is none.
 */
export async function providerOfAddress(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  address: string,
): Promise<string | undefined> {
  const [, domain] = /@([^@\s]{1,253})$/.exec(address.trim()) ?? [];
  if (domain === undefined) return undefined;
  const host = foldHostName(domain);
  const forms = [domain.toLowerCase(), ...(host === undefined ? [] : [host, domainToUnicode(host)])];
  for (const form of new Set(forms)) {
    const provider = await findProviderByIdentifier(ctx, pool.id, form);
    if (provider !== undefined && providersOf(client).includes(provider.name)) return provider.name;
  }
  return undefined;
}
