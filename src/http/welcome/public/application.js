/**
 * An OpenID Connect client in the browser: authorization code grant with PKCE, verified tokens, userInfo, refresh,
 * revocation and sign-out. It uses nothing but the public endpoints of the pool.
 */
import { createLocalJWKSet } from "./jose/jwks/local.js";
import { jwtVerify } from "./jose/jwt/verify.js";

const place = document.getElementById("application");
const { client: clientId, callback, home, discovery, user, signIn: signInUrl } = place.dataset;
const scope = "openid email profile";

/** Kept in this tab only: the request that is under way, and the tokens. */
const kept = {
  get: (name) => JSON.parse(sessionStorage.getItem(`demo-${name}`) ?? "null"),
  set: (name, value) => sessionStorage.setItem(`demo-${name}`, JSON.stringify(value)),
  drop: (name) => sessionStorage.removeItem(`demo-${name}`),
};

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

async function ask(url, options) {
  const answer = await fetch(url, { cache: "no-store", ...options });
  const text = await answer.text();
  const body = text === "" ? {} : JSON.parse(text);
  if (!answer.ok)
    throw new Error(`${body.error ?? answer.status}: ${body.error_description ?? body.message ?? ""}`);
  return body;
}

const post = (url, parameters) => ask(url, { method: "POST", body: new URLSearchParams(parameters) });

/** Sends the browser to the sign-in page. */
async function begin(server) {
  const request = { verifier: random(), state: random(), nonce: random() };
  kept.set("request", request);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(request.verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: callback,
    scope,
    login_hint: user,
    state: request.state,
    nonce: request.nonce,
    code_challenge: base64url(new Uint8Array(hash)),
    code_challenge_method: "S256",
  });
  location.replace(`${server.authorization_endpoint}?${query}`);
}

/** Redeems the code of the callback's URL, once. */
async function redeem(server, answer) {
  const request = kept.get("request");
  kept.drop("request");
  // A reload must not redeem the code again.
  history.replaceState(null, "", callback);
  if (request === null || answer.get("state") !== request.state)
    throw new Error("This answer belongs to no sign-in that was begun in this tab.");
  if (answer.has("error"))
    throw new Error(`${answer.get("error")}: ${answer.get("error_description") ?? ""}`);
  const issuer = answer.get("iss");
  if (issuer !== null && issuer !== server.issuer) throw new Error("The answer comes from another issuer.");
  const tokens = await post(server.token_endpoint, {
    grant_type: "authorization_code",
    client_id: clientId,
    code: answer.get("code") ?? "",
    redirect_uri: callback,
    code_verifier: request.verifier,
  });
  const session = { tokens, nonce: request.nonce };
  kept.set("session", session);
  return session;
}

/** The verified claims. Throws if a token does not hold. */
async function verified(server, { tokens, nonce }) {
  const keys = createLocalJWKSet(await ask(server.jwks_uri));
  const options = { issuer: server.issuer, algorithms: ["RS256"], requiredClaims: ["exp", "sub"] };
  const id = await jwtVerify(tokens.id_token, keys, { ...options, audience: clientId });
  const access = await jwtVerify(tokens.access_token, keys, options);
  if (id.payload.token_use !== "id" || access.payload.token_use !== "access")
    throw new Error("A token is of the wrong kind.");
  // A refreshed ID token needs no nonce (OpenID Connect Core 1.0 section 12.2); the session then has none either.
  if (nonce !== undefined && id.payload.nonce !== nonce) throw new Error("The nonce is another.");
  if (access.payload.client_id !== clientId) throw new Error("The access token is another client's.");
  if (access.payload.sub !== id.payload.sub) throw new Error("The tokens are of two users.");
  return { id, access };
}

/** An element with these properties and children. */
function element(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const button = (label, kind, action) => {
  const made = element("button", { type: "button", ...(kind && { class: kind }) }, label);
  made.addEventListener("click", action);
  return made;
};

/** A block of text that can be scrolled by keyboard. */
const block = (label, text, kind = "") =>
  element("pre", { tabindex: "0", role: "region", "aria-label": label, class: kind }, text);

function tokenSection(title, raw, proof, token) {
  const section = element(
    "section",
    {},
    element("h2", {}, title),
    element("p", { class: "note good" }, proof),
  );
  section.append(
    element("h3", {}, "Claims"),
    block(`Claims of the ${title}`, JSON.stringify(token.payload, null, 2)),
  );
  section.append(element("h3", {}, "As it is sent"), block(`${title} as it is sent`, raw, "wrapped"));
  return section;
}

/** Shows the tokens and what can be done with them. */
async function show(server, session, said = "") {
  const { id, access } = await verified(server, session);
  const { tokens } = session;
  const who = id.payload.email ?? id.payload["cognito:username"] ?? id.payload.sub;
  const output = element("div", { class: "outcome", role: "status" });
  const tell = (title, text) => output.replaceChildren(element("h2", {}, title), block(title, text));
  const act = (action) => async () => {
    try {
      await action();
    } catch (error) {
      output.replaceChildren(element("p", { class: "note bad" }, error.message));
    }
  };
  const userInfo = act(async () => {
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    tell("userInfo", JSON.stringify(await ask(server.userinfo_endpoint, { headers }), null, 2));
  });
  const refresh = act(async () => {
    const given = { grant_type: "refresh_token", client_id: clientId, refresh_token: tokens.refresh_token };
    const next = { tokens: { ...tokens, ...(await post(server.token_endpoint, given)) } };
    kept.set("session", next);
    await show(server, next, `New tokens, issued at ${new Date().toLocaleTimeString()}.`);
  });
  const signOut = act(async () => {
    await post(server.revocation_endpoint, { client_id: clientId, token: tokens.refresh_token });
    kept.drop("session");
    location.assign(
      `${server.end_session_endpoint}?${new URLSearchParams({ client_id: clientId, logout_uri: home })}`,
    );
  });
  const refreshButton = button("Refresh", "", refresh);
  const checks = (token, more) =>
    `Verified: signature (${token.protectedHeader.alg}, key ${token.protectedHeader.kid}), issuer, expiry, ${more}.`;
  place.replaceChildren(
    element("p", { class: "lead" }, `Signed in as ${who}.`),
    element(
      "p",
      { class: "actions" },
      button("Call userInfo", "primary", userInfo),
      refreshButton,
      button("Sign out", "", signOut),
    ),
    output,
    tokenSection(
      "ID token",
      tokens.id_token,
      checks(id, session.nonce === undefined ? "audience" : "audience, nonce"),
      id,
    ),
    tokenSection("Access token", tokens.access_token, checks(access, "client, user"), access),
  );
  if (said === "") return;
  // Said once the element is there, so that screen readers read it out; the button that was pressed is a new one.
  output.append(element("p", { class: "note good" }, said));
  refreshButton.focus();
}

/** Shows why nobody is signed in, and lets one begin. */
function invite(problem) {
  const text = problem ?? "Nobody is signed in here.";
  place.replaceChildren(
    element("p", { class: problem === undefined ? "note" : "note bad", role: "status" }, text),
    element("p", { class: "actions" }, element("a", { class: "button primary", href: signInUrl }, "Sign in")),
  );
}

async function run() {
  // The page may have been opened by another name of this machine, and what is kept belongs to one origin.
  const here = new URL(location.href);
  const isCallback = here.pathname === new URL(callback).pathname;
  if (here.origin !== new URL(callback).origin) return location.replace(isCallback ? callback : signInUrl);
  const server = await ask(discovery);
  if (!isCallback) return begin(server);
  if (here.searchParams.has("code") || here.searchParams.has("error"))
    return show(server, await redeem(server, here.searchParams));
  const session = kept.get("session");
  return session === null ? invite() : show(server, session);
}

try {
  await run();
} catch (error) {
  kept.drop("session");
  invite(error.message);
}
