/**
 * Tokens of a pool, and changed ones that are signed rightly, as aws-jwt-verify's CognitoJwtVerifier and `poolhouse/verify` judge
 * them. docs/verify.md says where the two differ.
 */
import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { CognitoJwtVerifier } from "aws-jwt-verify";
import type { Jwks } from "aws-jwt-verify/jwk";
import { decodeJwt } from "jose";
import { type Access, createVerifier, TokenError, type TokenProblem } from "../../src/verify/index.ts";
import { everyFlow, makeClient, makePool, makeSomebody, signIn, verifiedByMail } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";

type Claims = Readonly<Record<string, unknown>>;

/** How a token differs from one that the pool issued, and what each verifier says of it. */
interface Row {
  readonly use?: "access" | "id";
  readonly claims?: Claims | (() => Claims);
  readonly header?: Claims;
  /** Claims that stand behind the others as they are written here. */
  readonly raw?: string;
  /** What is put behind the token. */
  readonly end?: string;
  /** What both are asked for: one of these groups, all of these scopes (aws-jwt-verify: one of them). */
  readonly access?: Access;
  /** Members of the key that it is signed by. */
  readonly key?: Claims;
  readonly aws: "accepts" | "refuses";
  readonly ours: TokenProblem | "accepts";
}

const seconds = () => Math.floor(Date.now() / 1000);
const group = { groups: ["staff"] };
const scope = { scopes: ["aws.cognito.signin.user.admin"] };
const both = { aws: "refuses", ours: "malformed" } as const;
const stricter = { aws: "accepts", ours: "malformed" } as const;

/** Where both agree. */
const alike: Readonly<Record<string, Row>> = {
  "an access token": { aws: "accepts", ours: "accepts" },
  "an ID token": { use: "id", aws: "accepts", ours: "accepts" },
  "of another client": { claims: { client_id: "x" }, aws: "refuses", ours: "audience" },
  "of no client": { claims: { client_id: undefined }, aws: "refuses", ours: "audience" },
  "an ID token of another client": { use: "id", claims: { aud: "x" }, aws: "refuses", ours: "audience" },
  "an ID token for nobody": { use: "id", claims: { aud: undefined }, aws: "refuses", ours: "audience" },
  "of another issuer": { claims: { iss: "https://x.example" }, aws: "refuses", ours: "issuer" },
  "of no use": { claims: { token_use: undefined }, aws: "refuses", ours: "use" },
  "of a third use": { claims: { token_use: "refresh" }, aws: "refuses", ours: "use" },
  "long expired": { claims: { exp: 1 }, aws: "refuses", ours: "expired" },
  "of tomorrow": { claims: { nbf: seconds() + 86_400 }, aws: "refuses", ours: "not yet valid" },
  "exp as text": { claims: { exp: "9999999999" }, ...both },
  "exp without end": { claims: { exp: undefined }, raw: '"exp":1e999', ...both },
  "nbf without beginning": { raw: '"nbf":-1e999', ...both },
  "iat as text": { claims: { iat: "x" }, ...both },
  "iat without end": { claims: { iat: undefined }, raw: '"iat":1e999', ...both },
  "jti as a number": { claims: { jti: 1 }, ...both },
  "sub as a list": { claims: { sub: ["x"] }, ...both },
  "aud as an object": { claims: { aud: {} }, ...both },
  "aud with a number": { claims: { aud: ["x", 1] }, ...both },
  "a line break behind it": { end: "\n", ...both },
  "a part behind it": { end: ".x", ...both },
  "an unknown key": { header: { kid: "x" }, aws: "refuses", ours: "signature" },
  "another algorithm than the key's": { header: { alg: "RS512" }, aws: "refuses", ours: "signature" },
  "a key for encryption": { key: { use: "enc" }, aws: "refuses", ours: "signature" },
  "one of the groups": {
    claims: { "cognito:groups": ["x", "staff"] },
    access: group,
    aws: "accepts",
    ours: "accepts",
  },
  "none of the groups": { claims: { "cognito:groups": ["x"] }, access: group, aws: "refuses", ours: "group" },
  "without groups": { access: group, aws: "refuses", ours: "group" },
  "the scope": { access: scope, aws: "accepts", ours: "accepts" },
  "without scopes": { claims: { scope: undefined }, access: scope, aws: "refuses", ours: "scope" },
};

/** Where they differ. */
const different: Readonly<Record<string, Row>> = {
  "no exp": { claims: { exp: undefined }, ...stricter },
  "no sub": { claims: { sub: undefined }, ...stricter },
  crit: { header: { crit: ["x"], x: 1 }, ...stricter },
  "a claim twice": { raw: '"sub":"x"', ...stricter },
  "typ of another kind": { header: { typ: "logout+jwt" }, aws: "accepts", ours: "use" },
  "typ as a number": { header: { typ: 1 }, ...stricter },
  events: { claims: { events: {} }, aws: "accepts", ours: "use" },
  "RS512, as the key says": {
    header: { alg: "RS512" },
    key: { alg: "RS512" },
    aws: "accepts",
    ours: "signature",
  },
  "a key for signing only": { key: { key_ops: ["sign"] }, aws: "accepts", ours: "signature" },
  "one scope of two": {
    access: { scopes: [...scope.scopes, "x"] },
    aws: "accepts",
    ours: "scope",
  },
  "groups as a text": { claims: { "cognito:groups": "staff" }, access: group, aws: "accepts", ours: "group" },
  "groups with a number": {
    claims: { "cognito:groups": ["staff", 1] },
    access: group,
    aws: "accepts",
    ours: "group",
  },
  "expired a second ago": { claims: () => ({ exp: seconds() - 1 }), aws: "refuses", ours: "accepts" },
  "the client in azp": {
    claims: { client_id: undefined, azp: "the client" },
    aws: "refuses",
    ours: "accepts",
  },
  "at+jwt instead of token_use": {
    claims: { token_use: undefined },
    header: { typ: "at+jwt" },
    aws: "refuses",
    ours: "accepts",
  },
  "an ID token for a list of one": {
    use: "id",
    claims: { aud: ["the client"] },
    aws: "refuses",
    ours: "accepts",
  },
  "scope as a list": { claims: { scope: scope.scopes }, access: scope, aws: "refuses", ours: "accepts" },
};

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const privateKey = createPrivateKey(pair.privateKey.export({ type: "pkcs8", format: "pem" }));
const publicJwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "ours", alg: "RS256", use: "sig" };

/** The token with what is changed in it, signed anew by a key of ours. */
function change(token: string, clientId: string, { claims = {}, header = {}, raw, end = "" }: Row): string {
  const all = { ...decodeJwt(token), ...(typeof claims === "function" ? claims() : claims) };
  const text = JSON.stringify(all).replaceAll("the client", clientId);
  const head = { alg: "RS256", kid: "ours", ...header };
  const payload = raw === undefined ? text : `${text.slice(0, -1)},${raw}}`;
  const input = [JSON.stringify(head), payload]
    .map((part) => Buffer.from(part).toString("base64url"))
    .join(".");
  const hash = head.alg === "RS512" ? "RSA-SHA512" : "RSA-SHA256";
  return `${input}.${sign(hash, Buffer.from(input), privateKey).toString("base64url")}${end}`;
}

async function awsSays(verifying: Promise<unknown>): Promise<"accepts" | "refuses"> {
  return verifying.then(
    () => "accepts",
    () => "refuses",
  );
}

async function weSay(verifying: Promise<unknown>): Promise<TokenProblem | "accepts"> {
  return verifying.then(
    () => "accepts",
    (error: unknown) => {
      if (error instanceof TokenError) return error.problem;
      throw error;
    },
  );
}

forEachServer("two verifiers", (open) => {
  const start = async () => {
    const server = await open();
    const { UserPoolId: userPoolId } = await makePool(server, {
      ...verifiedByMail,
      UserPoolTags: { "poolhouse:issuer": "aws" },
    });
    const { ClientId: clientId } = await makeClient(server, userPoolId, { ExplicitAuthFlows: everyFlow });
    const tokens = await signIn(server, clientId, await makeSomebody(server, userPoolId));
    const published = await fetch(`${server.endpoint}/${userPoolId}/.well-known/jwks.json`);
    return { userPoolId, clientId, tokens, published: (await published.json()) as Jwks };
  };

  test("tokens as the pool issued them: both accept each for its use, and for no other", async () => {
    const { userPoolId, clientId, tokens, published } = await start();
    const issuer = `https://cognito-idp.us-east-1.amazonaws.com/${userPoolId}`;
    for (const [use, other] of [
      ["access", "id"],
      ["id", "access"],
    ] as const) {
      const aws = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: use });
      aws.cacheJwks(published);
      const ours = createVerifier({ issuer, clientId, use, jwks: published as never });
      const [right, wrong] = [use, other].map((one) =>
        one === "id" ? tokens.IdToken : tokens.AccessToken,
      ) as [string, string];
      assert.deepEqual(await aws.verify(right), (await ours.verify(right)).claims);
      assert.deepEqual(
        [await awsSays(aws.verify(wrong)), await weSay(ours.verify(wrong))],
        ["refuses", "use"],
      );
    }
  });

  test("changed ones: both say what the tables say", async () => {
    const { userPoolId, clientId, tokens, published } = await start();
    const issuer = `https://cognito-idp.us-east-1.amazonaws.com/${userPoolId}`;
    for (const [name, row] of Object.entries({ ...alike, ...different })) {
      const { use = "access", key = {}, access = {} } = row;
      const token = change(use === "id" ? tokens.IdToken : tokens.AccessToken, clientId, row);
      const keys = { keys: [...published.keys, { ...publicJwk, ...key }] };
      const { groups = null, scopes = null } = access as { groups?: string[]; scopes?: string[] };
      const aws = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: use, groups, scope: scopes });
      aws.cacheJwks(keys as Jwks);
      const ours = createVerifier({ issuer, clientId, use, jwks: keys as never });
      const said = [await awsSays(aws.verify(token)), await weSay(ours.verify(token, access))];
      assert.deepEqual(said, [row.aws, row.ours], name);
    }
  });
});
