/** A small provider that says and signs whatever a test wants, also what no provider should. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";

type Claims = Record<string, unknown>;

/** What one test changes of a well-behaved provider. */
export interface Mood {
  metadata: Claims;
  /** Claims of the ID token in place of the right ones; undefined leaves one out. */
  idToken: Claims;
  /** Of the ID token's header. */
  header: { alg?: string; kid?: string; typ?: string };
  /** What the ID token is signed with, in place of the provider's key. */
  signedWith: CryptoKey | Uint8Array | "nothing" | undefined;
  userInfo: Claims;
  /** Paths that are answered in another way. */
  answers: Record<string, (response: ServerResponse) => void>;
  /** The keys at the jwks uri. */
  keys: JWK[];
}

export interface OwnProvider {
  readonly issuer: string;
  readonly mood: Mood;
  /** Paths that were requested, with the methods. */
  readonly seen: string[];
  /** The parameters of the requests to the token endpoint, and their Authorization header. */
  readonly exchanged: { parameters: URLSearchParams; authorization: string | undefined }[];
  readonly publicPem: string;
  /** A code for a request that reached the authorization endpoint, as the parameters of the answer. */
  approve(location: string, more?: Readonly<Record<string, string | undefined>>): URLSearchParams;
  /** Another key in place of the former one. */
  rotate(kid: string): Promise<void>;
  sign(claims: Claims, header?: Mood["header"], key?: Mood["signedWith"]): Promise<string>;
  close(): void;
}

export const ourClient = "our client";
export const ourSecret = "the secret of our client, long enough to be a key";

export async function startOwnProvider(): Promise<OwnProvider> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const nonces = new Map<string, string | undefined>();
  let pair = await generateKeyPair("RS256", { extractable: true });
  let kid = "first";
  const published = async () => ({ ...(await exportJWK(pair.publicKey)), kid, alg: "RS256", use: "sig" });
  const mood: Mood = {
    ...{ metadata: {}, idToken: {}, header: {}, signedWith: undefined, userInfo: {}, answers: {} },
    keys: [await published()],
  };
  const seen: string[] = [];
  const exchanged: OwnProvider["exchanged"] = [];

  async function sign(claims: Claims, header = mood.header, key = mood.signedWith): Promise<string> {
    const { alg = "RS256", ...rest } = { kid, ...header };
    if (key === "nothing") {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${part({ alg, ...rest })}.${part(claims)}.`;
    }
    return new SignJWT(claims).setProtectedHeader({ alg, ...rest }).sign(key ?? pair.privateKey);
  }

  const seconds = () => Math.floor(Date.now() / 1000);
  const documents: Record<string, (parameters: URLSearchParams) => unknown> = {
    "/.well-known/openid-configuration": () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      end_session_endpoint: `${issuer}/end`,
      ...mood.metadata,
    }),
    "/jwks": () => ({ keys: mood.keys }),
    "/userinfo": () => ({ sub: "ann", email: "ann@example.com", ...mood.userInfo }),
    "/token": async (parameters) => ({
      access_token: "an access token",
      token_type: "Bearer",
      expires_in: 300,
      id_token: await sign({
        iss: issuer,
        sub: "ann",
        aud: ourClient,
        iat: seconds(),
        exp: seconds() + 300,
        nonce: nonces.get(parameters.get("code") ?? ""),
        sid: "a session there",
        ...mood.idToken,
      }),
    }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "", issuer);
    seen.push(`${request.method} ${pathname}`);
    const parameters = new URLSearchParams(await text(request));
    if (pathname === "/token") exchanged.push({ parameters, authorization: request.headers.authorization });
    const other = mood.answers[pathname];
    if (other !== undefined) return other(response);
    const document = await documents[pathname]?.(parameters);
    response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(document));
  }

  return {
    ...{ issuer, mood, seen, exchanged, sign },
    publicPem: await exportSPKI(pair.publicKey),
    approve: (location, more = {}) => {
      const sent = new URL(location).searchParams;
      const code = `code-${nonces.size}`;
      nonces.set(code, sent.get("nonce") ?? undefined);
      const given = Object.entries({ code, state: sent.get("state") ?? undefined, ...more });
      return new URLSearchParams(given.filter((pair): pair is [string, string] => pair[1] !== undefined));
    },
    rotate: async (name) => {
      pair = await generateKeyPair("RS256", { extractable: true });
      kid = name;
      mood.keys = [await published()];
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
