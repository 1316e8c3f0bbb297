/** The requests of a second address while the first one holds what it took; each of them must be served. */
import assert from "node:assert/strict";
import { makeUser, password } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { callback, type OAuthPlace, setUp } from "../oauth/support.ts";
import { type Answered, type Asking, ask } from "./sockets.ts";

export const attacker = "127.0.0.2";
export const other = "127.0.0.3";

const form = "application/x-www-form-urlencoded";

export interface Town {
  readonly server: TestServer;
  readonly place: OAuthPlace;
  /** The request for a page, from any address. */
  readonly login: Asking;
  /** A call of the API. */
  call(operation: string, input: object, headers?: Readonly<Record<string, string>>): Asking;
  /** Ann's sign-in with a password. */
  readonly signIn: Asking;
  /** The path of a large image, once it exists. */
  logo?: Promise<string>;
}

export async function settle(server: TestServer): Promise<Town> {
  const place = await setUp(server, {
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
  });
  await makeUser(server, place.UserPoolId, "bob");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: place.ClientId,
    redirect_uri: callback,
    state: "s",
  });
  const call = (operation: string, input: object, headers = {}): Asking => ({
    method: "POST",
    path: "/",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
      ...headers,
    },
    body: JSON.stringify(input),
  });
  return {
    server,
    place,
    call,
    login: { path: `/${place.UserPoolId}/login?${query}` },
    signIn: call("InitiateAuth", {
      ClientId: place.ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: "ann", PASSWORD: password },
    }),
  };
}

/** Makes each request once. Fails unless all are served. */
export async function isServed(
  town: Town,
  from = other,
  headers: Record<string, string> = {},
): Promise<void> {
  const { server, place, login, signIn } = town;
  const as = (asking: Asking) =>
    ask(server.endpoint, from, { ...asking, headers: { ...asking.headers, ...headers } });
  const told = ({ status, body }: Answered) => `${status} ${body.slice(0, 200)}`;
  const page = await as(login);
  assert.equal(page.status, 200, `GET /login: ${told(page)}`);
  const posted = await as({
    ...login,
    method: "POST",
    headers: { "content-type": form, "sec-fetch-site": "same-origin" },
    body: new URLSearchParams({ username: "ann", password }).toString(),
  });
  assert.match(
    `${posted.status} ${posted.headers["location"]}`,
    /^303 .*code=/,
    `POST /login: ${told(posted)}`,
  );
  const code = new URL(String(posted.headers["location"])).searchParams.get("code") ?? "";
  const redeemed = await as({
    method: "POST",
    path: `/${place.UserPoolId}/oauth2/token`,
    headers: { "content-type": form },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: place.ClientId,
      redirect_uri: callback,
      code,
    }).toString(),
  });
  assert.equal(redeemed.status, 200, `POST /oauth2/token: ${told(redeemed)}`);
  const signedIn = await as(signIn);
  assert.equal(signedIn.status, 200, `InitiateAuth: ${told(signedIn)}`);
}
