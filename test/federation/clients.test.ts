/** Unmodified clients, over TLS, and the users of another identity provider: they sign them in, and use their tokens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CognitoAccessToken,
  CognitoIdToken,
  CognitoRefreshToken,
  CognitoUser,
  CognitoUserAttribute,
  CognitoUserSession,
} from "amazon-cognito-identity-js";
import { CognitoJwtVerifier, JwtVerifier } from "aws-jwt-verify";
import type { Jwks } from "aws-jwt-verify/jwk";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { called, poolOf, refused, told } from "../clients/identity-js.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { trustedTls } from "../kit/tls.ts";
import {
  addProvider,
  Browser,
  codeIn,
  detailsOf,
  goodbye,
  newPlace,
  offer,
  type Place,
  redeem,
} from "./browser-way.ts";

const { environment } = await trustedTls();

/** openid-client takes the URL that it came back to, without its query, as the redirect URI. */
const callback = "https://app.example/callback";
const scope = "openid email aws.cognito.signin.user.admin";
const client = {
  CallbackURLs: [callback, `${callback}?keep=1`],
  AllowedOAuthScopes: scope.split(" "),
};

forOneServer(
  "postgres",
  "clients of users of other identity providers",
  (open) => {
    let first: Promise<Place> | undefined;

    /** A pool with Upstream, and Partner, which is found by a domain. */
    async function start(pool: NonNullable<Parameters<typeof newPlace>[1]>["pool"] = {}) {
      const server = await open();
      const made = await newPlace(server, { client, pool });
      await addProvider(
        server,
        made.UserPoolId,
        "Partner",
        "OIDC",
        { ...detailsOf(made.upstream), IDPSignout: "true" },
        {
          AttributeMapping: { email: "email", email_verified: "email_verified" },
          IdpIdentifiers: ["partner.example"],
        },
      );
      await offer(server, made, ["COGNITO", "Upstream", "Partner"]);
      return made;
    }
    const place = () => {
      first ??= start();
      return first;
    };

    /** A person in a browser: from the client's URL to the provider, in as Ann, and back to the client. */
    async function go(browser: Browser, { upstream }: Place, url: URL): Promise<URL> {
      const there = await browser.sent(url.href);
      assert.ok(there.startsWith(upstream.issuer), there);
      return new URL(await browser.sent(await browser.throughProvider(there, upstream, "ann")));
    }

    test("openid-client with identity_provider: code, userInfo, refresh, and out", async () => {
      const made = await place();
      const config = await openid.discovery(new URL(made.base), made.ClientId);
      const [verifier, state, nonce] = [
        openid.randomPKCECodeVerifier(),
        openid.randomState(),
        openid.randomNonce(),
      ];
      const url = openid.buildAuthorizationUrl(config, {
        ...{ redirect_uri: callback, scope, state, nonce, identity_provider: "Upstream" },
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      const browser = new Browser();
      const checks = {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      };
      const tokens = await openid.authorizationCodeGrant(config, await go(browser, made, url), checks);
      const claims = tokens.claims() ?? assert.fail("no ID token");
      assert.equal(claims["cognito:username"], "Upstream_ann");
      const told = await openid.fetchUserInfo(config, tokens.access_token, claims.sub);
      assert.deepEqual([told.email, told["username"]], ["ann@example.com", "Upstream_ann"]);
      const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token ?? assert.fail("none"));
      assert.deepEqual(fresh.claims()?.["identities"], claims["identities"]);
      const end = openid.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token ?? assert.fail("no ID token"),
        post_logout_redirect_uri: goodbye,
        state: "bye",
      });
      assert.equal(await browser.sent(end.href), `${goodbye}?state=bye`);
    });

    test("oauth4webapi with idp_identifier; signing out there, too", async () => {
      const made = await place();
      const found = await oauth.discoveryRequest(new URL(made.base));
      const as = await oauth.processDiscoveryResponse(new URL(made.base), found);
      const [verifier, state, nonce] = [
        oauth.generateRandomCodeVerifier(),
        oauth.generateRandomState(),
        oauth.generateRandomNonce(),
      ];
      const url = new URL(as.authorization_endpoint ?? assert.fail("none"));
      url.search = new URLSearchParams({
        ...{ client_id: made.ClientId, redirect_uri: callback, response_type: "code", scope, state, nonce },
        idp_identifier: "PARTNER.example",
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      }).toString();
      const browser = new Browser();
      const who = { client_id: made.ClientId };
      const parameters = oauth.validateAuthResponse(as, who, await go(browser, made, url), state);
      const answer = await oauth.authorizationCodeGrantRequest(
        as,
        who,
        oauth.None(),
        parameters,
        callback,
        verifier,
      );
      const expected = { expectedNonce: nonce, requireIdToken: true };
      const tokens = await oauth.processAuthorizationCodeResponse(as, who, answer, expected);
      await oauth.validateApplicationLevelSignature(as, answer);
      assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.["cognito:username"], "Partner_ann");
      const logout = new URLSearchParams({ client_id: made.ClientId, logout_uri: goodbye });
      const there = await browser.sent(`${made.base}/logout?${logout}`);
      assert.ok(there.startsWith(`${made.upstream.issuer}/session/end?`), there);
      assert.equal(await browser.sent(await browser.throughProvider(there, made.upstream, "ann")), goodbye);
    });

    /** The tokens of a new sign-in through Upstream. */
    async function tokensOf(
      made: Place,
    ): Promise<Record<"id_token" | "access_token" | "refresh_token", string>> {
      const code = codeIn(await new Browser().signIn(made, "ann", { scope }));
      return (await redeem(made, code)) as never;
    }

    test("aws-jwt-verify: the group of a provider's users lets them in", async () => {
      const made = await place();
      const { id_token } = await tokensOf(made);
      const verifier = JwtVerifier.create({
        issuer: made.base,
        audience: made.ClientId,
        jwksUri: `${made.base}/.well-known/jwks.json`,
      });
      const claims = await verifier.verify(id_token);
      assert.deepEqual(
        (claims["identities"] as { providerName: string }[]).map(({ providerName }) => providerName),
        ["Upstream"],
      );
      const asAws = await start({ UserPoolTags: { "poolhouse:issuer": "aws" } });
      const tokens = await tokensOf(asAws);
      const keys = (await (await fetch(`${asAws.base}/.well-known/jwks.json`)).json()) as Jwks;
      const { UserPoolId: userPoolId, ClientId: clientId } = asAws;
      const member = (groups: string) => {
        const made = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: "id", groups });
        made.cacheJwks(keys);
        return made.verify(tokens.id_token);
      };
      assert.equal((await member(`${userPoolId}_Upstream`))["cognito:username"], "Upstream_ann");
      await assert.rejects(member(`${userPoolId}_Partner`), /group/i);
    });

    /** A page that keeps what /oauth2/token gave it as a session of amazon-cognito-identity-js. */
    async function remembered(server: TestServer, made: Place, more: { readonly expired?: boolean } = {}) {
      const tokens = await tokensOf(made);
      const IdToken = new CognitoIdToken({ IdToken: tokens.id_token });
      const pool = poolOf(server, made.UserPoolId, made.ClientId);
      const user = new CognitoUser({ Pool: pool, Username: IdToken.payload["cognito:username"] });
      const session = new CognitoUserSession({
        IdToken,
        AccessToken: new CognitoAccessToken({ AccessToken: tokens.access_token }),
        RefreshToken: new CognitoRefreshToken({ RefreshToken: tokens.refresh_token }),
        // Seconds by which its clock is said to be behind the server's.
        ...(more.expired && { ClockDrift: -7_200 }),
      });
      user.setSignInUserSession(session);
      return { pool, user, session };
    }
    const sessionOf = (user: CognitoUser | null) =>
      called<CognitoUserSession>((done) => (user ?? assert.fail("nobody")).getSession(done));

    test("amazon-cognito-identity-js: a session is kept, refreshed, used, and ended everywhere", async () => {
      const server = await open();
      const made = await place();
      const { pool, user, session } = await remembered(server, made);
      const kept = await sessionOf(pool.getCurrentUser());
      assert.equal(kept.getAccessToken().getJwtToken(), session.getAccessToken().getJwtToken());
      const late = await remembered(server, made, { expired: true });
      const fresh = await sessionOf(late.user);
      assert.notEqual(fresh.getAccessToken().getJwtToken(), late.session.getAccessToken().getJwtToken());
      assert.deepEqual(
        fresh.getIdToken().payload["identities"],
        late.session.getIdToken().payload["identities"],
      );
      const read = async () =>
        Object.fromEntries(
          (await called<CognitoUserAttribute[]>((done) => user.getUserAttributes(done))).map((one) => [
            one.getName(),
            one.getValue(),
          ]),
        );
      const { identities, ...others } = await read();
      assert.deepEqual(others, {
        sub: session.getIdToken().payload["sub"],
        email: "ann@example.com",
        email_verified: "false",
      });
      assert.equal(JSON.parse(identities ?? "")[0].providerName, "Upstream");
      const name = [new CognitoUserAttribute({ Name: "name", Value: "Ann of Upstream" })];
      assert.equal(await called((done) => user.updateAttributes(name, done)), "SUCCESS");
      const forged = [new CognitoUserAttribute({ Name: "identities", Value: "[]" })];
      await assert.rejects(called((done) => user.updateAttributes(forged, done)));
      assert.deepEqual(await read(), { identities, ...others, name: "Ann of Upstream" });
      await assert.rejects(
        called((done) => user.changePassword("Correct-Horse-7", "Another-Horse-8", done)),
        refused("NotAuthorizedException", "Incorrect username or password."),
      );
      await assert.rejects(
        told((callbacks) => user.forgotPassword(callbacks)),
        refused("NotAuthorizedException", "User password cannot be reset in the current state."),
      );
      assert.equal(await told((callbacks) => user.globalSignOut(callbacks)), "SUCCESS");
      assert.equal(pool.getCurrentUser(), null);
      await assert.rejects(
        called((done) => late.user.getUserAttributes(done)),
        refused("NotAuthorizedException", "Access Token has been revoked"),
      );
    });

    test("amazon-cognito-identity-js: a user who is deleted comes back as a new one", async () => {
      const server = await open();
      const made = await place();
      const { user, session } = await remembered(server, made);
      assert.equal(await called((done) => user.deleteUser(done)), "SUCCESS");
      const again = await remembered(server, made);
      assert.equal(again.user.getUsername(), user.getUsername());
      assert.notEqual(again.session.getIdToken().payload["sub"], session.getIdToken().payload["sub"]);
      await new Promise<void>((resolve) => again.user.signOut(resolve));
      assert.equal(again.pool.getCurrentUser(), null);
    });
  },
  environment,
);
