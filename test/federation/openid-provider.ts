/** oidc-provider, a certified OpenID provider, in this process: any name signs in, with any password. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

/** Where the browser is sent back to: nothing listens there. */
export const base = "http://localhost:9998";
export const callback = `${base}/oauth2/idpresponse`;

export const secret = "secret-of-our-client-at-the-provider";

export interface OpenIdProvider {
  readonly issuer: string;
  /** Signs in there, as a browser does. @param cookies of this browser @returns where the provider sends it */
  signIn(location: string, name: string, cookies?: Map<string, string>): Promise<URL>;
  close(): Promise<void>;
}

/** @param client settings of our client there @param features those of the library */
export async function startOpenIdProvider(
  client: Readonly<Record<string, unknown>> = {},
  configuration: Readonly<Record<string, unknown>> = {},
): Promise<OpenIdProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "poolhouse",
        client_secret: secret,
        redirect_uris: [callback],
        post_logout_redirect_uris: [`${base}/logout`],
        token_endpoint_auth_method: "client_secret_post",
        ...client,
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "given_name"] },
    cookies: { keys: ["a key that signs the cookies of this test"] },
    findAccount: (_context: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({
        sub,
        email: `${sub}@example.com`,
        email_verified: true,
        name: `${sub} Example`,
        given_name: sub,
      }),
    }),
    ...configuration,
  });
  server.on("request", provider.callback());
  return {
    issuer,
    signIn: visit,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A browser with cookies: follows redirects, fills the forms of oidc-provider's own pages, and stops at our door. */
async function visit(location: string, name: string, cookies = new Map<string, string>()): Promise<URL> {
  let url = new URL(location);
  let body: URLSearchParams | undefined;
  for (let step = 0; step < 20; step++) {
    if (url.href.startsWith(base)) return url;
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") },
      ...(body !== undefined && { method: "POST", body }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, key, value] = /^([^=]*)=([^;]*)/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) cookies.set(key, value);
    }
    const next = answer.headers.get("location");
    body = undefined;
    if (next !== null) {
      url = new URL(next, url);
      continue;
    }
    const page = await answer.text();
    const [, action] = /<form[^>]* action="([^"]*)"/.exec(page) ?? assert.fail(`${answer.status}: ${page}`);
    const [, prompt] = /name="prompt" value="([^"]*)"/.exec(page) ?? assert.fail(page);
    url = new URL(action!, url);
    body = new URLSearchParams({ prompt: prompt!, login: name, password: "any" });
  }
  return assert.fail(`too many steps, the last at ${url}`);
}
