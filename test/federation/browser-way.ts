/** A browser that goes to oidc-provider and back, and pools whose clients send it there. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { insertProvider, type ProviderRow, type ProviderType } from "../../src/store/identity-providers.ts";
import { type Answered, ask } from "../kit/ask.ts";
import { makePool } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { type OpenIdProvider, secret, startOpenIdProvider } from "./openid-provider.ts";
import { offer as offerAt } from "./people.ts";

export const callback = "https://app.example/callback?keep=1";
export const goodbye = "https://app.example/goodbye";
/** Changed by decoding and encoding it again. */
export const rawState = "a%2fb+c%3D~(x)";

export interface Place {
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** The URL that the pool's endpoints begin with. */
  readonly base: string;
  readonly upstream: OpenIdProvider;
}

const running = new Set<OpenIdProvider>();
after(() => Promise.all([...running].map((one) => one.close())));

/** A pool whose client offers these providers; the first, "Upstream", is an OpenID provider in this process. */
export async function newPlace(
  server: TestServer,
  {
    providers = ["Upstream"],
    pool = {},
    client = {},
    upstream,
  }: {
    readonly providers?: readonly string[];
    readonly pool?: Parameters<typeof makePool>[1];
    readonly client?: Parameters<typeof makePool>[2];
    readonly upstream?: OpenIdProvider | undefined;
  } = {},
): Promise<Place> {
  const made = await makePool(server, pool, {
    ClientName: "Notes",
    CallbackURLs: [callback],
    LogoutURLs: [goodbye],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email"],
    ...client,
  });
  const base = `${server.endpoint}/${made.UserPoolId}`;
  const publicBase = `${server.app.config.publicUrl}/${made.UserPoolId}`;
  const started =
    upstream ??
    (await startOpenIdProvider({
      redirect_uris: [base, publicBase].map((at) => `${at}/oauth2/idpresponse`),
      post_logout_redirect_uris: [`${base}/logout`],
    }));
  running.add(started);
  await addProvider(server, made.UserPoolId, "Upstream", "OIDC", detailsOf(started));
  const place = { ...made, base, upstream: started };
  await offer(server, place, ["COGNITO", ...providers]);
  return place;
}

export const detailsOf = ({ issuer }: Pick<OpenIdProvider, "issuer">): Record<string, string> => ({
  oidc_issuer: issuer,
  client_id: "poolhouse",
  client_secret: secret,
  authorize_scopes: "openid email profile",
  attributes_request_method: "GET",
});

/** Adds a provider as it is stored. */
export async function addProvider(
  server: TestServer,
  poolId: string,
  name: string,
  type: ProviderType,
  details: Readonly<Record<string, string>>,
  more: Partial<ProviderRow["document"]> = {},
): Promise<void> {
  const added = await insertProvider(server.app.db, {
    poolId,
    name,
    type,
    version: 1,
    document: { ProviderDetails: details, AttributeMapping: { email: "email" }, IdpIdentifiers: [], ...more },
    secrets: {},
    createdAt: server.clock.now,
    updatedAt: server.clock.now,
  });
  assert.equal(added, "added");
}

/** Sets which providers the client of a place offers. */
export function offer(
  server: TestServer,
  { UserPoolId, ClientId, base }: Pick<Place, "UserPoolId" | "ClientId" | "base">,
  names: readonly string[],
): Promise<void> {
  return offerAt({ server, UserPoolId, ClientId, base }, ...names);
}

/** The query of an authorization request. */
export function queryOf({ ClientId }: Pick<Place, "ClientId">, more: Record<string, string> = {}): string {
  const query = { client_id: ClientId, redirect_uri: callback, response_type: "code", ...more };
  return `${new URLSearchParams(query)}&state=${rawState}`;
}

/** A browser: one jar of cookies for each origin, and no script. */
export class Browser {
  readonly jars = new Map<string, Map<string, string>>();

  /** One request, whose redirect is not followed. */
  async open(url: string, body?: URLSearchParams, headers: Record<string, string> = {}): Promise<Answered> {
    const { origin } = new URL(url);
    const jar = this.jars.get(origin) ?? new Map<string, string>();
    this.jars.set(origin, jar);
    const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    const answer = await ask(url, {
      headers: { ...(cookie && { cookie }), ...headers },
      ...(body !== undefined && { method: "POST", body }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]*)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line) || value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  /** Where a request is redirected to. */
  async sent(url: string, body?: URLSearchParams): Promise<string> {
    const answer = await this.open(url, body);
    assert.match(String(answer.status), /^30[23]$/, `${url}: ${await answer.text()}`);
    return new URL(answer.headers.get("location") ?? assert.fail("no location"), url).href;
  }

  /** Goes through the pages of oidc-provider as somebody, up to the first URL elsewhere, which is not opened. */
  async throughProvider(location: string, { issuer }: OpenIdProvider, name: string): Promise<string> {
    let url = location;
    let body: URLSearchParams | undefined;
    for (let step = 0; step < 20; step++) {
      if (!url.startsWith(issuer)) return url;
      const answer = await this.open(url, body);
      body = undefined;
      const next = answer.headers.get("location");
      if (next !== null) {
        url = new URL(next, url).href;
        continue;
      }
      const page = await answer.text();
      const [, action] = /<form[^>]* action="([^"]*)"/.exec(page) ?? assert.fail(`${answer.status}: ${page}`);
      const [, prompt] = /name="prompt" value="([^"]*)"/.exec(page) ?? [];
      url = new URL(action!, url).href;
      const fields = Object.fromEntries(
        [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, key, value]) => [
          key,
          value,
        ]),
      );
      body = new URLSearchParams({
        ...fields,
        ...(prompt && { prompt, login: name, password: "any" }),
      } as Record<string, string>);
    }
    return assert.fail(`too many steps, the last at ${url}`);
  }

  /** Signs in through the provider of a place. @returns the URL of the application at which the browser ends */
  async signIn(place: Place, name: string, more: Record<string, string> = {}): Promise<string> {
    const query = queryOf(place, { identity_provider: "Upstream", ...more });
    const at = await this.sent(`${place.base}/oauth2/authorize?${query}`);
    return this.sent(await this.throughProvider(at, place.upstream, name));
  }
}

/** The code of a redirect to the application, whose state is as it was given. */
export function codeIn(location: string): string {
  assert.ok(location.startsWith(`${callback}&`), location);
  assert.ok(location.endsWith(`&state=${rawState}`), location);
  return new URL(location).searchParams.get("code") ?? assert.fail(location);
}

/** The error that the application got. */
export function errorIn(location: string): string {
  assert.ok(location.startsWith(`${callback}&`), location);
  assert.ok(location.endsWith(`&state=${rawState}`), location);
  const { searchParams: all } = new URL(location);
  return `${all.get("error")}: ${all.get("error_description")}`;
}

/** Redeems a code. */
export async function redeem(
  { base, ClientId }: Pick<Place, "base" | "ClientId">,
  code: string,
  more: Record<string, string> = {},
): Promise<Record<string, string>> {
  const body = {
    grant_type: "authorization_code",
    client_id: ClientId,
    code,
    redirect_uri: callback,
    ...more,
  };
  const answer = await ask(`${base}/oauth2/token`, { method: "POST", body: new URLSearchParams(body) });
  return JSON.parse(await answer.text());
}
