/** Which kind of token passes as what, for each way in which a verifier may be asked: by a table. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { IssuerOptions, TokenProblem } from "../../src/verify/index.ts";
import {
  accessClaims,
  api,
  because,
  type Claims,
  client,
  idClaims,
  startIssuer,
  verifierOf,
} from "./issuers.ts";

const issuer = await startIssuer();
const { cognito, rfc9068, keycloak, entra, entra1, okta } = accessClaims;

/** An application whose client id is also the `audience` that an API asks for. */
const both = "https://both.example.com";

interface Kind {
  readonly claims: Claims;
  readonly typ?: string;
}

const cognitoMachine: Claims = { token_use: "access", client_id: client, sub: client, scope: "orders/read" };
const auth0: Claims = { azp: client, aud: [api, "https://issuer.example/userinfo"], scope: "openid profile" };

const accessTokens: Record<string, Kind> = {
  "Cognito's": { claims: cognito() },
  "Cognito's of a program": { claims: cognitoMachine },
  "Cognito's for an API": { claims: { ...cognito(), aud: api } },
  "by RFC 9068": { claims: rfc9068(), typ: "at+jwt" },
  "by RFC 9068, of a program": { claims: { client_id: client, sub: client, aud: api }, typ: "at+jwt" },
  "Keycloak's": { claims: { ...keycloak(), aud: [api, "account"] } },
  "Keycloak's, bound to a key": { claims: { ...keycloak(), typ: "DPoP", aud: api } },
};

/** Access tokens that nothing but their claims tell from ID tokens. */
const silentTokens: Record<string, Kind> = {
  "Entra's": { claims: entra() },
  "Entra's of a program": { claims: { azp: client, azpacr: "1", aud: api, roles: ["read"] } },
  "Entra's 1.0": { claims: entra1() },
  "Okta's": { claims: okta() },
  "Auth0's": { claims: auth0 },
  "Auth0's of a program": { claims: { azp: client, aud: api, gty: "client-credentials" } },
};

const idTokens: Record<string, Kind> = {
  "Cognito's": { claims: idClaims.cognito() },
  "of an OpenID provider": { claims: idClaims.openid() },
  "that says nothing beyond what it must": { claims: { aud: client } },
  "with azp": { claims: { aud: client, azp: client } },
  "with a scope": { claims: { aud: client, azp: client, scope: "openid" } },
  "for an API, too": { claims: { aud: [client, api], azp: client } },
  "with client_id, for an API, too": { claims: { aud: [client, api], azp: client, client_id: client } },
  "with its type": { claims: { aud: client, scope: "openid" }, typ: "id_token+jwt" },
  "Keycloak's": { claims: idClaims.keycloak() },
};

/** ID tokens of a client that is also an `audience`. */
const idTokensOfApi: Record<string, Kind> = Object.fromEntries(
  Object.entries({
    "Cognito's": { token_use: "id", aud: both },
    "of an OpenID provider": { aud: both, nonce: "n" },
    "that says nothing beyond what it must": { aud: both },
    "with azp": { aud: both, azp: both },
    "with azp and a scope": { aud: both, azp: both, scope: "openid" },
    "with client_id and a scope": { aud: both, client_id: both, scope: "openid" },
    "that another client asked for, as Google has it": { aud: both, azp: client },
    "Keycloak's": { typ: "ID", aud: both, azp: client },
  }).map(([name, claims]) => [name, { claims }]),
);

const logout = { "http://schemas.openid.net/event/backchannel-logout": {} };
const others: Record<string, Kind> = {
  "a logout token": { claims: { aud: [client, api], events: logout, sid: "s" }, typ: "logout+jwt" },
  "a logout token without its type": { claims: { aud: [client, api], events: logout, sid: "s" } },
  "a logout token that names a client and scopes": {
    claims: { aud: api, azp: client, scope: "openid", events: logout },
  },
  "a logout token that says access": { claims: { ...cognito(), aud: api, events: logout } },
  "a security event token": { claims: { aud: api, azp: client, scope: "x" }, typ: "secevent+jwt" },
  "a proof of possession": { claims: { aud: api, azp: client, scope: "x" }, typ: "dpop+jwt" },
  "an answer of introspection": {
    claims: { aud: api, client_id: client, scope: "x" },
    typ: "token-introspection+jwt",
  },
  "a refresh token": { claims: { token_use: "refresh", aud: api, client_id: client, scope: "x" } },
  "Keycloak's refresh token": { claims: { ...keycloak(), typ: "Refresh", aud: api } },
  "one with scopes that names no client": { claims: { aud: both, scope: "openid" } },
  "one that says two things": { claims: { token_use: "id", client_id: client, aud: api }, typ: "at+jwt" },
};

interface Asked {
  readonly options: Partial<IssuerOptions>;
  /** How each kind is answered: as which it passes, or why it does not. */
  readonly expected: {
    readonly access: "access" | TokenProblem;
    readonly silent: "access" | TokenProblem;
    readonly id: "id" | TokenProblem;
    readonly idOfApi: "id" | TokenProblem;
  };
}

const asked: Record<string, Asked> = {
  "our client": {
    options: {},
    expected: { access: "access", silent: "use", id: "use", idOfApi: "use" },
  },
  "any client": {
    options: { clientId: null },
    expected: { access: "access", silent: "use", id: "use", idOfApi: "use" },
  },
  "our client and API": {
    options: { audience: [api, both] },
    expected: { access: "access", silent: "access", id: "use", idOfApi: "use" },
  },
  "any client, our API": {
    options: { clientId: null, audience: [api, both] },
    expected: { access: "access", silent: "access", id: "use", idOfApi: "use" },
  },
  "any client, an API that is also one": {
    options: { clientId: null, audience: both },
    expected: { access: "audience", silent: "use", id: "use", idOfApi: "use" },
  },
  "ID tokens of our client": {
    options: { use: "id" },
    expected: { access: "use", silent: "use", id: "id", idOfApi: "audience" },
  },
  "ID tokens of any client": {
    options: { clientId: null, use: "id", audience: [api, both] },
    expected: { access: "use", silent: "use", id: "id", idOfApi: "id" },
  },
  "either, of any client": {
    options: { clientId: null, use: "either", audience: [api, both] },
    expected: { access: "access", silent: "access", id: "id", idOfApi: "id" },
  },
};

/** Without an `aud`, a token is for no API. */
const isForNoApi = ({ claims }: Kind, { audience }: Partial<IssuerOptions>) =>
  audience !== undefined && !("aud" in claims);

for (const [name, { options, expected }] of Object.entries(asked))
  describe(`asked for: ${name}`, () => {
    const verifier = verifierOf(issuer, options);
    const check = (what: string, kind: Kind, answer: "access" | "id" | TokenProblem) =>
      test(`${what}: ${answer}`, async () => {
        const token = await issuer.token(kind.claims, kind.typ === undefined ? {} : { typ: kind.typ });
        if (answer === "access" || answer === "id") assert.equal((await verifier.verify(token)).use, answer);
        else await assert.rejects(verifier.verify(token), because(answer));
      });
    for (const [kind, one] of Object.entries(accessTokens)) {
      const isRefused = expected.access === "access" && isForNoApi(one, options);
      check(`access token, ${kind}`, one, isRefused ? "audience" : expected.access);
    }
    for (const [kind, one] of Object.entries(silentTokens))
      check(`access token, ${kind}`, one, expected.silent);
    for (const [kind, one] of Object.entries(idTokens)) check(`ID token, ${kind}`, one, expected.id);
    for (const [kind, one] of Object.entries(idTokensOfApi))
      check(`ID token of the API's own client, ${kind}`, one, expected.idOfApi);
    for (const [kind, one] of Object.entries(others)) check(kind, one, "use");
  });
