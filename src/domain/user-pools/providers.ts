/** Through which identity providers the users of a client sign in, and how a sign-in says so. Pure. */
import type { Client } from "./load-pool.ts";

/** The pool's own users, in a client's SupportedIdentityProviders. */
export const ownUsers = "COGNITO";

/** The names of the providers that a client's pages offer; a client that names nothing has the pool's own users alone. */
export function providersOf(client: Pick<Client, "document">): readonly string[] {
  return (client.document.SupportedIdentityProviders ?? []).filter((name) => name !== ownUsers);
}

/** Whether the pool's own users may sign in at the pages of a client. */
export function admitsOwnUsers(client: Pick<Client, "document">): boolean {
  const names = client.document.SupportedIdentityProviders ?? [];
  return names.length === 0 || names.includes(ownUsers);
}

const prefix = "federated:";

/** The method of a sign-in that a provider has vouched for. */
export const federatedMethod = (provider: string): string => `${prefix}${provider}`;

/** The provider that has vouched for the user of a sign-in; undefined if the user has proven something here. */
export function providerIn(methods: readonly string[]): string | undefined {
  return methods.find((one) => one.startsWith(prefix))?.slice(prefix.length);
}

/** Whether a sign-in by these methods is one that the client's pages offer. */
export function admitsSignIn(client: Pick<Client, "document">, methods: readonly string[]): boolean {
  const provider = providerIn(methods);
  return provider === undefined ? admitsOwnUsers(client) : providersOf(client).includes(provider);
}
