/**
 * Another way to sign in, common with passport: passport-oauth2 with the sign-in page as its authorization endpoint,
 * and one pinned key. It shows the answer of the notice board's API for the user's access token.
 */
import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from "express";
import passport from "passport";
import OAuth2Strategy from "passport-oauth2";
import { createVerifier, TokenError } from "poolhouse/verify";
import { answerError } from "./answer-error.ts";
import { headers, inTurn, isStillThere, ownPagesOnly, sessions } from "./browsers.ts";
import { type Notice, noticesPage, problem, signedOutHere, welcome } from "./pages.ts";
import { appUrl, patience, setting } from "./settings.ts";
import type { User } from "./tokens.ts";

type SignedIn = User & { readonly accessToken: string; readonly refreshToken: string };

const here = new URL(setting("PASSPORT_URL"));
const pool = setting("POOL_URL");
const clientID = setting("CLIENT_ID");
const clientSecret = setting("CLIENT_SECRET");
/** The pool signs ID tokens with another key, so their signatures are refused here. */
const verifier = createVerifier({
  issuer: setting("ISSUER"),
  clientId: clientID,
  jwks: { keys: [JSON.parse(setting("ACCESS_TOKEN_JWK"))] },
});

/** The user; undefined if it is not an access token of this pool for us. */
async function userOf(accessToken: string, refreshToken: string): Promise<SignedIn | undefined> {
  try {
    const { username, subject, groups } = await verifier.verify(accessToken);
    return { name: username ?? subject, groups, accessToken, refreshToken };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    console.error(`The pool's access token is not valid here: ${error.message}`);
    return undefined;
  }
}

/** The user, unless the browser was signed out while the pool was asked: then these tokens end, too. */
async function admitted(
  request: Request,
  accessToken: string,
  refreshToken: string,
): Promise<SignedIn | undefined> {
  if (await isStillThere(request)) return userOf(accessToken, refreshToken);
  await revoke(refreshToken);
  return undefined;
}

/** By itself, passport-oauth2 waits for the pool without a limit. */
class ImpatientStrategy extends OAuth2Strategy {
  constructor(
    ...given: [
      options: OAuth2Strategy.StrategyOptionsWithRequest,
      verify: OAuth2Strategy.VerifyFunctionWithRequest,
    ]
  ) {
    super(...given);
    const agent = pool.startsWith("https:") ? new https.Agent() : new http.Agent();
    const connect = agent.createConnection;
    agent.createConnection = (...options) => {
      const socket = connect.apply(agent, options) as Socket;
      return socket.setTimeout(patience, () => socket.destroy(new Error("The user pool does not answer.")));
    };
    this._oauth2.setAgent(agent);
  }
}

passport.use(
  new ImpatientStrategy(
    {
      authorizationURL: `${pool}/login`,
      tokenURL: `${pool}/oauth2/token`,
      clientID,
      clientSecret,
      callbackURL: new URL("/callback", here).href,
      scope: ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
      state: true,
      pkce: true,
      passReqToCallback: true,
    },
    (
      request: Request,
      accessToken: string,
      refreshToken: string,
      _profile: unknown,
      done: OAuth2Strategy.VerifyCallback,
    ) => {
      admitted(request, accessToken, refreshToken).then(
        (user) => done(null, user ?? false),
        (error: unknown) => done(error),
      );
    },
  ),
);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user: SignedIn, done) => done(null, user));

const app = express();
app.disable("x-powered-by");
app.get("/style.css", (_request, response) => response.sendFile("style.css", { root: import.meta.dirname }));
app.use(
  headers(new URL(pool).origin),
  sessions("notices-passport", here),
  ownPagesOnly(here),
  passport.session(),
);

app.get("/authenticate", passport.authenticate("oauth2"));
app.get(
  "/callback",
  inTurn,
  passport.authenticate("oauth2", { successRedirect: "/", failureRedirect: "/failure" }) as RequestHandler,
);
app.get("/failure", (request, response) => {
  // Another tab was faster: the browser's tabs share one session.
  if (request.user !== undefined) return response.redirect("/");
  const message =
    "The user pool did not let you in, or this sign-in was not begun here, or was overtaken by another tab.";
  response.status(400).send(problem("Sign-in did not work", message));
});

app.get("/", async (request, response) => {
  const user = request.user as SignedIn | undefined;
  if (user === undefined) return response.send(welcome("/authenticate"));
  const answer = await fetch(new URL("/api/notices", appUrl), {
    headers: { authorization: `Bearer ${user.accessToken}` },
    signal: AbortSignal.timeout(patience),
  });
  // The access token has expired.
  if (answer.status === 401) {
    await endSession(request);
    return response.redirect("/authenticate");
  }
  response.status(answer.status);
  if (!answer.ok) return response.send(problem("Not for you", `The API answers ${answer.status}.`, user));
  const { notices } = (await answer.json()) as { notices: Notice[] };
  response.send(noticesPage(notices, user));
});

const endSession = (request: Request) =>
  new Promise<void>((resolve, reject) => request.logout((error) => (error ? reject(error) : resolve())));

/** Ends a sign-in at the pool: its refresh token gets no more access tokens (RFC 7009). */
async function revoke(token: string): Promise<void> {
  const answer = await fetch(`${pool}/oauth2/revoke`, {
    method: "POST",
    body: new URLSearchParams({ token, client_id: clientID, client_secret: clientSecret }),
    signal: AbortSignal.timeout(patience),
  });
  if (!answer.ok) throw new Error(`The pool answers ${answer.status} to a revocation.`);
}

app.post("/sign-out", async (request, response) => {
  const user = request.user as SignedIn | undefined;
  await endSession(request);
  try {
    if (user !== undefined) await revoke(user.refreshToken);
  } catch (error) {
    console.error(error);
    response.status(503).send(signedOutHere());
    return;
  }
  const query = new URLSearchParams({ client_id: clientID, logout_uri: here.href });
  response.redirect(`${pool}/logout?${query}`);
});

app.use((request, response) => {
  const user = request.user as SignedIn | undefined;
  response.status(404).send(problem("Not found", "There is no such page.", user));
});

/** A sign-in that the pool refuses, as for a wrong code, is no fault of ours. It may also refuse this application. */
const answerRefusal: ErrorRequestHandler = (error, _request, response, next) => {
  if (error.name !== "AuthorizationError" && error.code !== "invalid_grant") return next(error);
  if (error.code === "invalid_grant") console.error(error);
  response.redirect("/failure");
};
app.use(answerRefusal, answerError);

const server = app.listen(Number(here.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The application with passport is at ${here.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
