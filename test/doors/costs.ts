/** The requests whose statements are counted: every operation, and the most frequent sign-ins and grants. */
import assert from "node:assert/strict";
import {
  AdminInitiateAuthCommand,
  AdminSetUserMFAPreferenceCommand,
  GetTokensFromRefreshTokenCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { Browser } from "../federation/browser-way.ts";
import {
  asked,
  type Providers,
  placeWith,
  posted,
  startProviders,
  wayBack,
} from "../federation/way-there.ts";
import { ask } from "../kit/ask.ts";
import { giveSoftwareToken, respond, start, totp, turnMfa } from "../kit/factors.ts";
import { everyFlow, makeClient, makePool, makeUser, password, secretHash, signIn } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import {
  annsAttributes,
  authorize,
  callback,
  goodbye,
  newCode,
  type OAuthPlace,
  oauthClient,
  post,
  redeem,
  signInBrowser,
} from "../oauth/support.ts";
import { operations } from "./operations.ts";
import { post as postCall, signedCall, unsigned } from "./wire.ts";
import { makeWorld } from "./world.ts";

/** A prepared request, which `make` sends. */
export interface Request {
  readonly title: string;
  readonly make: () => Promise<unknown>;
}

/** Operations that leave intact what others need, so that they can share a world. */
const harmless = /^(?:Admin)?(?:Describe|Get|List|Create|Add|Tag|Update)/;

/** One call of each operation, each in a world in which it can succeed. */
export async function* everyOperation(server: TestServer): AsyncGenerator<Request> {
  const shared = await makeWorld(server);
  for (const operation of operations) {
    // Of identity pools each has its own objects.
    const isIdentity = operation.service === "cognito-identity";
    const world = isIdentity || harmless.test(operation.name) ? shared : await makeWorld(server);
    const body = JSON.stringify(world.input(operation));
    const call = () =>
      operation.facts.authorization === "iam"
        ? signedCall(server.endpoint, operation, body, { now: server.clock.now })
        : unsigned(server.endpoint, operation, body);
    const title = isIdentity ? `${operation.name} (identity pools)` : operation.name;
    yield { title, make: () => postCall(server.endpoint, call()) };
  }
}

type Place = Readonly<{ UserPoolId: string; ClientId: string }>;

/** Sign-ins and refreshes at the API, in a pool that tracks neither devices nor sessions. */
async function* signIns(server: TestServer, place: Place): AsyncGenerator<Request> {
  const { client, clock } = server;
  const { UserPoolId, ClientId } = place;
  const AuthParameters = { USERNAME: "ann", PASSWORD: password };
  const initiate = (AuthFlow: "USER_PASSWORD_AUTH", parameters: Record<string, string>) =>
    client.send(new InitiateAuthCommand({ ClientId, AuthFlow, AuthParameters: parameters }));
  yield { title: "USER_PASSWORD_AUTH", make: () => initiate("USER_PASSWORD_AUTH", AuthParameters) };
  yield {
    title: "USER_PASSWORD_AUTH, wrong",
    make: () => assert.rejects(initiate("USER_PASSWORD_AUTH", { ...AuthParameters, PASSWORD: "wrong" })),
  };
  const admin = { UserPoolId, ClientId, AuthFlow: "ADMIN_USER_PASSWORD_AUTH", AuthParameters } as const;
  yield { title: "ADMIN_USER_PASSWORD_AUTH", make: () => client.send(new AdminInitiateAuthCommand(admin)) };
  const srp = new SrpClient();
  const begin = () =>
    client.send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: "USER_SRP_AUTH",
        AuthParameters: { USERNAME: "ann", SRP_A: srp.srpA },
      }),
    );
  yield { title: "USER_SRP_AUTH", make: begin };
  const { ChallengeParameters = {} } = await begin();
  const ChallengeResponses = srp.prove(UserPoolId, ChallengeParameters, password, new Date(clock.now));
  const proof = { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses } as const;
  yield { title: "PASSWORD_VERIFIER", make: () => client.send(new RespondToAuthChallengeCommand(proof)) };
  const { RefreshToken } = await signIn(server, ClientId, "ann");
  const refresh = {
    ClientId,
    AuthFlow: "REFRESH_TOKEN_AUTH",
    AuthParameters: { REFRESH_TOKEN: RefreshToken },
  } as const;
  yield { title: "REFRESH_TOKEN_AUTH", make: () => client.send(new InitiateAuthCommand(refresh)) };
}

/** A sign-in with a second factor: the request that asks for it, and the answer. */
async function* secondFactors(server: TestServer, place: Place): AsyncGenerator<Request> {
  const { client, clock } = server;
  const { UserPoolId, ClientId } = place;
  const Username = "bea";
  await makeUser(server, UserPoolId, Username);
  await turnMfa(server, place, "OPTIONAL", { SoftwareTokenMfaConfiguration: { Enabled: true } });
  const { AccessToken } = await signIn(server, ClientId, Username);
  const secret = await giveSoftwareToken(server, AccessToken);
  const SoftwareTokenMfaSettings = { Enabled: true, PreferredMfa: true };
  await client.send(new AdminSetUserMFAPreferenceCommand({ UserPoolId, Username, SoftwareTokenMfaSettings }));
  yield { title: "SOFTWARE_TOKEN_MFA, asked for", make: () => start(server, place, Username) };
  const asked = await start(server, place, Username);
  clock.advance(30_000);
  const answers = { USERNAME: Username, SOFTWARE_TOKEN_MFA_CODE: totp(secret, clock.now) };
  yield { title: "SOFTWARE_TOKEN_MFA", make: () => respond(server, place, asked, answers) };
}

/** Refreshes with SECRET_HASH, and with rotating refresh tokens. */
async function* refreshes(server: TestServer, { UserPoolId }: Place): AsyncGenerator<Request> {
  const { client } = server;
  const ExplicitAuthFlows = [...everyFlow];
  const app = await makeClient(server, UserPoolId, { GenerateSecret: true, ExplicitAuthFlows });
  const hash = { SECRET_HASH: secretHash("ann", app) };
  const ClientId = app.ClientId;
  const signedIn = await client.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: "ann", PASSWORD: password, ...hash },
    }),
  );
  const token = signedIn.AuthenticationResult?.RefreshToken ?? assert.fail("no refresh token");
  const refresh = {
    ClientId,
    AuthFlow: "REFRESH_TOKEN_AUTH",
    AuthParameters: { REFRESH_TOKEN: token, ...hash },
  } as const;
  yield {
    title: "REFRESH_TOKEN_AUTH with SECRET_HASH",
    make: () => client.send(new InitiateAuthCommand(refresh)),
  };
  const rotating = await makeClient(server, UserPoolId, {
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
    RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
  });
  const { RefreshToken } = await signIn(server, rotating.ClientId, "ann");
  const rotate = { ClientId: rotating.ClientId, RefreshToken };
  yield {
    title: "GetTokensFromRefreshToken, rotating",
    make: () => client.send(new GetTokensFromRefreshTokenCommand(rotate)),
  };
}

/** The grants of the authorization server, and the requests that lead to them. */
async function* grants(server: TestServer, { UserPoolId }: Place): AsyncGenerator<Request> {
  const app = await makeClient(server, UserPoolId, {
    ...oauthClient,
    AllowedOAuthFlows: ["code", "implicit"],
  });
  const base = `${server.endpoint}/${UserPoolId}`;
  const cookie = await signInBrowser(server, UserPoolId, "ann");
  const place = { base, ClientId: app.ClientId, cookie };
  yield { title: "authorization code", make: () => newCode(place) };
  const code = await newCode(place);
  yield { title: "authorization_code", make: () => redeem(place, code) };
  const { body } = await redeem(place, await newCode(place));
  const refresh = {
    grant_type: "refresh_token",
    client_id: app.ClientId,
    refresh_token: String(body["refresh_token"]),
  };
  yield { title: "refresh_token", make: () => post(place, refresh) };
  yield {
    title: "implicit",
    make: () => authorize(place, { response_type: "token", redirect_uri: callback }),
  };
  yield* otherPages(place);
}

/** What browsers open at the authorization server besides sign-in; the last of them ends the browser's session. */
async function* otherPages({ base, ClientId, cookie }: Pick<OAuthPlace, "base" | "ClientId" | "cookie">) {
  const about = { client_id: ClientId };
  const paths: Record<string, Record<string, string>> = {
    "/error": { ...about, error: "redirect_mismatch" },
    "/error, of no client": { client_id: "nobody", error: "invalid_client" },
    "/login": { ...about, response_type: "code", redirect_uri: callback },
    "/oauth2/authorize, refused": { ...about, redirect_uri: "https://app.example/" },
    "/logout, refused": { ...about, logout_uri: "https://app.example/" },
    "/logout, which asks": about,
    "/signout": about,
    "/signedout": {},
    "/logout": { ...about, logout_uri: goodbye },
  };
  for (const [title, query] of Object.entries(paths)) {
    const url = `${base}${title.split(",")[0]}?${new URLSearchParams(query)}`;
    yield { title, make: () => ask(url, { headers: { cookie } }) };
  }
}

/** Each request of a sign-in through a provider: the first one of a user, and the next in another browser. */
async function* elsewhere(server: TestServer, providers: Providers): AsyncGenerator<Request> {
  for (const type of ["OIDC", "SAML"] as const) {
    const place = await placeWith(providers, server, type);
    const title = (which: string, step: string) => `${type}, ${which}: ${step}`;
    // What is loaded and looked up once comes before.
    await asked(place, new Browser());
    for (const which of ["first", "again"]) {
      const browser = new Browser();
      yield { title: title(which, "/oauth2/authorize"), make: () => asked(place, browser) };
      const at = await asked(place, browser);
      if (type === "SAML") {
        const form = posted(place, await asked(place, browser), undefined);
        const make = () => new Browser().sent(`${place.base}/saml2/idpresponse`, form);
        yield { title: title(which, "/saml2/idpresponse, posted"), make };
      }
      const back = await wayBack(place, at, undefined);
      yield {
        title: title(which, new URL(back).pathname.replace(/^\/[^/]*/, "")),
        make: () => browser.sent(back),
      };
    }
  }
}

/** The most frequent requests. Each one must be made before the next is taken, which prepares it. */
export async function* commonRequests(server: TestServer): AsyncGenerator<Request> {
  const place = await makePool(server, {}, { ExplicitAuthFlows: [...everyFlow] });
  await makeUser(server, place.UserPoolId, "ann", annsAttributes);
  yield* signIns(server, place);
  yield* secondFactors(server, place);
  yield* refreshes(server, place);
  yield* grants(server, place);
  const providers = await startProviders();
  try {
    yield* elsewhere(server, providers);
  } finally {
    providers.own.close();
  }
}
