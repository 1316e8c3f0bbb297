/**
 * oidc-provider as a peer of our authorization server: `oidc-provider-server.ts PORT SECRET REDIRECT_URI PATH`. Its own adapter keeps
 * everything in memory. Tokens are made so that the work is the same: access tokens are JWTs with RS256, refresh tokens
 * are given without offline_access and do not rotate. Whoever asks is signed in, and has consented.
 */
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, secret, redirectUri, path] = process.argv.slice(2);
const resource = "urn:bench";

/** What is used of oidc-provider's context (its documentation, loadExistingGrant). */
interface Context {
  readonly oidc: {
    readonly session: { readonly accountId: string; grantIdFor(clientId: string): string | undefined };
    readonly client: { readonly clientId: string };
    readonly provider: { readonly Grant: Grants };
  };
}
interface Grant {
  addOIDCScope(scope: string): void;
  addResourceScope(resource: string, scope: string): void;
  save(): Promise<string>;
}
interface Grants {
  new (of: { clientId: string; accountId: string }): Grant;
  find(id: string): Promise<Grant | undefined>;
}

async function grantOf({ oidc: { session, client, provider } }: Context): Promise<Grant | undefined> {
  const id = session.grantIdFor(client.clientId);
  if (id !== undefined) return provider.Grant.find(id);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope("openid email");
  grant.addResourceScope(resource, "run");
  await grant.save();
  return grant;
}

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const page = {
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
};
const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    { client_id: "page", ...page },
    // Access tokens for a resource are not accepted by its userinfo endpoint.
    { client_id: "opaque", ...page },
    {
      ...{ client_id: "machine", client_secret: secret, grant_types: ["client_credentials"] },
      ...{ redirect_uris: [], response_types: [], token_endpoint_auth_method: "client_secret_basic" },
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  cookies: { keys: ["a key that signs the cookies of the bench"] },
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" }] },
  routes: {
    authorization: `/${path}/oauth2/authorize`,
    token: `/${path}/oauth2/token`,
    userinfo: `/${path}/oauth2/userInfo`,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_context: unknown, { clientId }: { clientId: string }) =>
        clientId === "opaque" ? undefined : resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        ...{ scope: "run", accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } },
      }),
    },
  },
  interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/sign-in/${uid}` },
  loadExistingGrant: grantOf,
  issueRefreshToken: () => true,
  rotateRefreshToken: false,
  findAccount: (_context: unknown, sub: string) => ({
    accountId: sub,
    claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true }),
  }),
});
const answer = provider.callback();
const server = createServer((incoming, outgoing) => {
  if (incoming.url?.startsWith("/sign-in/"))
    void provider.interactionFinished(incoming, outgoing, { login: { accountId: "user" } });
  else answer(incoming, outgoing);
});
server.listen(Number(port), "127.0.0.1", () => {
  process.stdout.write(`ready at http://localhost:${port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
