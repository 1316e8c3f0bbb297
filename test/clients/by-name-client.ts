/**
 * Applications as people write them for AWS: no endpoint, no issuer, no key set is configured anywhere. `node
 * by-name-client.ts <client>` runs one; what it is about is in the environment, and it prints what it found out.
 */
import assert from "node:assert/strict";
import type { CognitoUserSession } from "amazon-cognito-identity-js";
import { formsIn, keepCookie } from "../hosted-ui/visitor.ts";

const {
  POOL: UserPoolId = "",
  CLIENT: ClientId = "",
  USERNAME: Username = "",
  PASSWORD: Password = "",
} = process.env;
const region = "us-east-1";
const userPoolDomain = "shop.auth.us-east-1.amazoncognito.com";

/** What a page does: SRP through amazon-cognito-identity-js. */
async function signIn(): Promise<CognitoUserSession> {
  const { AuthenticationDetails, CognitoUser, CognitoUserPool } = await import("amazon-cognito-identity-js");
  const user = new CognitoUser({ Username, Pool: new CognitoUserPool({ UserPoolId, ClientId }) });
  return new Promise((onSuccess, onFailure) =>
    user.authenticateUser(new AuthenticationDetails({ Username, Password }), { onSuccess, onFailure }),
  );
}

interface EdgeAnswer {
  readonly status: string;
  readonly headers: Readonly<Record<string, readonly { readonly value: string }[]>>;
}

/** A request as CloudFront shows it to a function. */
function edgeRequest(querystring: string, cookies: readonly string[] = []) {
  const cookie = cookies.map((value) => ({ key: "Cookie", value }));
  const headers = { host: [{ key: "Host", value: "app.example" }], ...(cookie.length > 0 && { cookie }) };
  const request = { uri: "/", querystring, headers, method: "GET", clientIp: "192.0.2.1" };
  return { Records: [{ cf: { config: { distributionDomainName: "app.example" }, request } }] };
}

/** A browser at the hosted pages: from the authorization request to the redirect with the code. */
async function throughThePages(start: string): Promise<URL> {
  const cookies = new Map<string, string>();
  const browse = async (url: URL, body?: URLSearchParams): Promise<{ url: URL; text: string }> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, {
      ...(body && { method: "POST", body }),
      headers: { cookie, ...(body && { origin: url.origin }) },
      redirect: "manual",
    });
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line);
    const location = response.headers.get("location");
    const text = await response.text();
    if (location === null) return { url, text };
    const next = new URL(location, url);
    return next.hostname === "app.example" ? { url: next, text } : browse(next);
  };
  const page = await browse(new URL(start));
  const form = formsIn(page.text).find(({ action }) => action.includes("/login")) ?? assert.fail(page.text);
  const fields = { ...form.fields, username: Username, password: Password };
  return (await browse(new URL(form.action, page.url), new URLSearchParams(fields))).url;
}

const clients: Readonly<Record<string, () => Promise<unknown>>> = {
  async "sdk-v2"() {
    const { default: AWS } = await import("aws-sdk");
    const cognito = new AWS.CognitoIdentityServiceProvider({ region });
    const user = await cognito.adminGetUser({ UserPoolId, Username }).promise();
    return user.Username;
  },
  async "identity-js"() {
    const session = await signIn();
    return session.getIdToken().payload["iss"];
  },
  async "aws-jwt-verify"() {
    const session = await signIn();
    const { CognitoJwtVerifier } = await import("aws-jwt-verify");
    const verifier = CognitoJwtVerifier.create({
      userPoolId: UserPoolId,
      clientId: ClientId,
      tokenUse: "access",
    });
    const { iss } = await verifier.verify(session.getAccessToken().getJwtToken());
    await assert.rejects(verifier.verify(session.getIdToken().getJwtToken()), /Token use/);
    return iss;
  },
  async "cognito-express"() {
    const session = await signIn();
    const { default: CognitoExpress } = await import("cognito-express");
    const express = new CognitoExpress({ region, cognitoUserPoolId: UserPoolId, tokenUse: "access" });
    const { iss } = await express.validate(session.getAccessToken().getJwtToken());
    await assert.rejects(express.validate(session.getIdToken().getJwtToken()), /Not an access token/);
    return iss;
  },
  async "cognito-at-edge"() {
    const { Authenticator } = await import("cognito-at-edge");
    const edge = new Authenticator({
      region,
      userPoolId: UserPoolId,
      userPoolAppId: ClientId,
      userPoolDomain,
    });
    const handle = async (querystring: string, cookies?: readonly string[]) =>
      (await edge.handle(edgeRequest(querystring, cookies) as never)) as unknown as EdgeAnswer;
    const away = (await handle("")).headers["location"]![0]!.value;
    assert.ok(away.startsWith(`https://${userPoolDomain}/authorize?`), away);
    const back = await throughThePages(away);
    const signedIn = await handle(back.search.slice(1));
    assert.equal(signedIn.status, "302");
    const cookies = signedIn.headers["set-cookie"]!.map(({ value }) => value.split(";")[0]!);
    // Now the request goes through to the page that was asked for.
    assert.deepEqual((await handle("", cookies)).status, undefined);
    const idToken = cookies.find((cookie) => cookie.includes(".idToken="))!.split("=")[1]!;
    return JSON.parse(Buffer.from(idToken.split(".")[1]!, "base64url").toString()).iss;
  },
};

const [, , name = ""] = process.argv;
console.log(await clients[name]!());
