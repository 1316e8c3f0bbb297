/** Pools with identity providers, and people whom these have vouched for. */
import assert from "node:assert/strict";
import {
  AdminGetUserCommand,
  type AttributeType,
  type CreateUserPoolClientCommandInput,
  type CreateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import type { Ctx } from "../../src/app.ts";
import { finishFederation } from "../../src/domain/federation/finish.ts";
import type { ProviderIdentity } from "../../src/domain/federation/protocol.ts";
import { findProvider, type Provider } from "../../src/domain/federation/provider.ts";
import { openBrowserSession } from "../../src/domain/grants/browser-session.ts";
import type { Authenticated } from "../../src/domain/tokens/issue.ts";
import { type Client, loadClient, type Pool } from "../../src/domain/user-pools/load-pool.ts";
import { createCtx } from "../../src/http/context.ts";
import { insertProvider, type ProviderType } from "../../src/store/identity-providers.ts";
import { makePool, unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { newCode, oauthClient, redeem, type TokenAnswer } from "../oauth/support.ts";

export interface FederatedPlace {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** The URL that the pool's endpoints begin with. */
  readonly base: string;
}

export interface ProviderSettings {
  readonly type?: ProviderType;
  readonly details?: Readonly<Record<string, string>>;
  readonly mapping?: Readonly<Record<string, string>>;
}

/** The issuer of the OpenID provider that `addProvider` adds. */
export const issuer = "https://idp.example";

export const standardMapping = { email: "email", email_verified: "email_verified", name: "name" };

/** Adds a provider to the pool and returns it. */
export async function addProvider(
  { server, UserPoolId: poolId }: Pick<FederatedPlace, "server" | "UserPoolId">,
  name: string,
  { type = "OIDC", mapping = standardMapping, ...given }: ProviderSettings = {},
): Promise<Provider> {
  const details = given.details ?? (type === "OIDC" ? { oidc_issuer: issuer } : {});
  const { now } = server.clock;
  const document = { ProviderDetails: details, AttributeMapping: mapping, IdpIdentifiers: [] };
  const times = { createdAt: now, updatedAt: now };
  const row = { poolId, name, type, version: 1, document, secrets: {}, ...times };
  assert.equal(await insertProvider(server.app.db, row), "added");
  return (await findProvider(contextOf(server), poolId, name)) ?? assert.fail("no provider");
}

/** The providers that a client's pages offer, set where CreateUserPoolClient would store them. */
export async function offer(
  { server, UserPoolId, ClientId }: FederatedPlace,
  ...names: readonly string[]
): Promise<void> {
  const { kysely } = server.app.db;
  const of = (query: "clients") =>
    kysely.selectFrom(query).select(["document", "version"]).where("pool_id", "=", UserPoolId);
  const { document, version } = await of("clients")
    .where("client_id", "=", ClientId)
    .executeTakeFirstOrThrow();
  const changed = { ...JSON.parse(document), SupportedIdentityProviders: names };
  await kysely
    .updateTable("clients")
    .set({ document: JSON.stringify(changed), version: version + 1 })
    .where("pool_id", "=", UserPoolId)
    .where("client_id", "=", ClientId)
    .execute();
}

/** A pool whose client's pages offer the pool's own users and `Corporate`, an OpenID provider. */
export async function federatedPlace(
  server: TestServer,
  pool: Partial<CreateUserPoolCommandInput> = {},
  { client, ...provider }: ProviderSettings & { client?: Partial<CreateUserPoolClientCommandInput> } = {},
): Promise<FederatedPlace> {
  const made = await makePool(server, pool, { ...oauthClient, ...client });
  const place = { server, ...made, base: `${server.endpoint}/${made.UserPoolId}` };
  await addProvider(place, "Corporate", provider);
  await offer(place, "COGNITO", "Corporate");
  return place;
}

export const contextOf = ({ app }: TestServer, address = "127.0.0.1"): Ctx =>
  createCtx(app, { requestId: "request", address, userAgent: "test" });

/** Somebody as a protocol hands them over once everything about the provider's answer is verified. */
export function identity(subject: string, claims: Readonly<Record<string, unknown>> = {}): ProviderIdentity {
  const all = { sub: subject, ...claims };
  const answers = { idToken: all };
  return {
    issuer,
    subject,
    authenticatedAt: undefined,
    claims: all,
    answers,
    session: undefined,
    logout: {},
  };
}

export const newSubject = () => unique("00u");

/** Completes the sign-in of an identity through the client. */
export async function arrive(
  { server, UserPoolId, ClientId }: FederatedPlace,
  who: ProviderIdentity,
  name = "Corporate",
  ctx = contextOf(server),
): Promise<Authenticated> {
  const { pool, client } = await settingsOf({ server, ClientId });
  const provider = (await findProvider(ctx, UserPoolId, name)) ?? assert.fail(`no provider ${name}`);
  return finishFederation(ctx, { pool, client, provider }, who);
}

export const settingsOf = ({
  server,
  ClientId,
}: Pick<FederatedPlace, "server" | "ClientId">): Promise<{ pool: Pool; client: Client }> =>
  loadClient(contextOf(server), ClientId);

/** The cookie of a browser in which somebody has signed in. */
export async function cookieOf(
  place: FederatedPlace,
  authenticated: Authenticated,
  ctx = contextOf(place.server),
): Promise<string> {
  const { cookie } = await openBrowserSession(ctx, authenticated, undefined);
  return `poolhouse-${place.UserPoolId}=${cookie}`;
}

/** The answer of the token endpoint after a sign-in with a provider. */
export async function tokensOf(
  place: FederatedPlace,
  authenticated: Authenticated,
  change: Record<string, string> = {},
): Promise<TokenAnswer> {
  const cookie = await cookieOf(place, authenticated);
  return redeem(place, await newCode({ ...place, cookie }, change));
}

export interface Known {
  readonly status: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What AdminGetUser knows of somebody. */
export async function known({ server, UserPoolId }: FederatedPlace, Username: string): Promise<Known> {
  const found = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
  return { status: found.UserStatus, attributes: attributesOf(found.UserAttributes) };
}

export const attributesOf = (list: AttributeType[] = []): Readonly<Record<string, string>> =>
  Object.fromEntries(list.map(({ Name = "", Value = "" }) => [Name, Value]));

/** The refusal that the client is told of. */
export const turnedAway =
  (description: string | RegExp, error = "invalid_request") =>
  (thrown: { code?: string; message?: string }): boolean => {
    assert.equal(thrown.code, error, String(thrown));
    if (typeof description === "string") assert.equal(thrown.message, description);
    else assert.match(thrown.message ?? "", description);
    return true;
  };
