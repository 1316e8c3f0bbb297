/** An OpenID provider that answers as a test says, when it says: for refreshes, outages and logout tokens. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

export const clientId = "gateway";

/** An answer of the token endpoint besides tokens. */
export interface Reply {
  readonly status: number;
  readonly type?: string;
  readonly body: string;
}

export const oauthError = (error: string, status = 400): Reply => ({
  status,
  body: JSON.stringify({ error }),
});

/** How long its access tokens count. Seconds. */
export const life = 3600;

const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
const jwk = { ...(await exportJWK(publicKey)), kid: "1", alg: "ES256", use: "sig" };

export class ScriptedProvider {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly clock: { now: number };
  issuer = "";
  /** Forms that the token endpoint got, by `grant_type`. */
  readonly asked: Record<string, URLSearchParams[]> = { authorization_code: [], refresh_token: [] };
  readonly revoked: string[] = [];
  /** What requests of refreshes wait for. */
  gate: Promise<void> = Promise.resolve();
  /** What a refresh is answered with; undefined: tokens. */
  refreshes: Reply | undefined;
  /** The refresh token for which alone this is so; undefined: for each. */
  refreshesOnly: string | undefined;
  /** Whether refreshes end without an answer. */
  isCut = false;
  subject = "ann";
  idClaims: JWTPayload = { email: "ann@example.test", email_verified: true };
  userInfo: Record<string, unknown> | undefined;
  hasIdTokenAtRefresh = true;
  hasKeys = true;
  metadata: Record<string, unknown> = {};
  #serial = 0;
  readonly #nonces = new Map<string, string>();

  constructor(clock: { now: number }) {
    this.clock = clock;
  }

  async open(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.issuer = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    after(() => this.close());
    return this;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Refreshes are answered once the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gate = promise;
    return resolve;
  }

  /** What somebody who signs in is sent back with: the query of the callback. */
  callbackQuery(location: string): string {
    const { searchParams } = new URL(location);
    const code = `code-${++this.#serial}`;
    this.#nonces.set(code, searchParams.get("nonce")!);
    return String(new URLSearchParams({ code, state: searchParams.get("state")! }));
  }

  /** A signed token. @param header of it */
  sign(claims: JWTPayload, header: { readonly typ?: string; readonly kid?: string } = {}, key = privateKey) {
    const at = Math.floor(this.clock.now / 1000);
    return new SignJWT({ iss: this.issuer, aud: clientId, iat: at, exp: at + life, ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "1", ...header })
      .sign(key);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url!, this.issuer);
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return void json(this.#metadata());
      case "/keys":
        return void json({ keys: [jwk] }, this.hasKeys ? 200 : 500);
      case "/userinfo":
        return void json(this.userInfo ?? { error: "none" }, this.userInfo === undefined ? 500 : 200);
    }
    const form = new URLSearchParams((await request.toArray()).join(""));
    if (pathname === "/revoke") this.revoked.push(form.get("token")!);
    if (pathname !== "/token") return void response.writeHead(200).end();
    this.asked[form.get("grant_type")!]!.push(form);
    const isRefresh = form.get("grant_type") === "refresh_token";
    if (isRefresh) await this.gate;
    if (isRefresh && this.isCut) return void request.socket.destroy();
    const isMeant = this.refreshesOnly === undefined || this.refreshesOnly === form.get("refresh_token");
    if (isRefresh && isMeant && this.refreshes !== undefined) {
      const { status, type = "application/json", body } = this.refreshes;
      return void response.writeHead(status, { "content-type": type }).end(body);
    }
    json(await this.#tokens(isRefresh ? undefined : form.get("code")!));
  }

  async #tokens(code: string | undefined) {
    const nonce = code === undefined ? {} : { nonce: this.#nonces.get(code)! };
    const serial = ++this.#serial;
    return {
      token_type: "Bearer",
      access_token: `access-${serial}`,
      refresh_token: `refresh-${serial}`,
      expires_in: life,
      scope: "openid email",
      ...((code !== undefined || this.hasIdTokenAtRefresh) && {
        id_token: await this.sign({ sub: this.subject, sid: "sid-1", ...nonce, ...this.idClaims }),
      }),
    };
  }

  #metadata() {
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      revocation_endpoint: `${issuer}/revoke`,
      userinfo_endpoint: `${issuer}/userinfo`,
      id_token_signing_alg_values_supported: ["ES256"],
      token_endpoint_auth_methods_supported: ["client_secret_post"],
      ...this.metadata,
    };
  }
}
