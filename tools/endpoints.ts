/**
 * The endpoints of the authorization server and the hosted pages: each path with where it knowingly differs from Cognito.
 * docs/fidelity.md is generated from it and from the routes themselves, which must be the same. `*` holds for all.
 */

import { hostedRoutes } from "../src/http/hosted-ui/routes.ts";
import { discoveryRoutes } from "../src/http/oauth/discovery.ts";
import { oauthRoutes } from "../src/http/oauth/routes.ts";
import { poolPath } from "../src/http/place.ts";

export const endpointDeviations: Readonly<Record<string, readonly string[]>> = {
  "*": [
    "They lie below `<public URL>/<pool id>`, and at each domain of the pool without the pool id.",
    "Pages work without script, and cannot be in a frame. Answers to prompt=none can, in frames of the client's own pages, for clients that the pool tag `poolhouse:silent-renewal` names.",
    "The pool tag `poolhouse:oidc` gives the clients it names max_age, ui_locales, response_mode, the scope `address`, booleans in userInfo, and claims by scope alone.",
    "Every error has an error_description. There are no identity providers and no triggers yet.",
    "The browser's session lasts an hour, as with Cognito, or what SetUserPoolClientSessionConfiguration says, and ends with a global sign-out, a disabling or a new password.",
    "The language is that of `lang`, kept in a cookie, else of Accept-Language: Cognito's eleven, and Arabic.",
  ],
  "/oauth2/authorize": [
    "POST too. Answers carry `iss` (RFC 9207). `state` goes back byte by byte. A request for a frame that may not have the answer gets interaction_required (prompt=none) or the sign-in page, whoever is signed in.",
    "identity_provider and idp_identifier are ignored. id_token_hint is not: only its user is answered (OpenID Connect Core 1.0 section 3.1.2.1).",
  ],
  "/authorize": ["As /oauth2/authorize."],
  "/oauth2/token": [
    "A code that is brought again revokes what was minted from it; a wrong verifier or redirect URI uses it up; a verifier where nothing was challenged is refused. A code is void when its session in the browser is over. Codes and refresh tokens grant those of their scopes that the client may have now: invalid_grant where none is left. aws_client_metadata is ignored.",
  ],
  "/oauth2/userInfo": ["POST too, with the token in the header or the form."],
  "/oauth2/revoke": [],
  "/logout": [
    "POST too, which goes on by GET. Ends the browser's session and the codes that came through it, no tokens. Besides Cognito's two forms id_token_hint, post_logout_redirect_uri (one of LogoutURLs) and state (OpenID Connect RP-Initiated Logout). Without an address to go to it ends at /signedout.",
  ],
  "/login": ["Who is signed in already is asked whether to go on as that user."],
  "/challenge": ["Ours: every further step of a sign-in, where Cognito has a path for each."],
  "/signup": ["Asks for what the schema requires, and for an address that a code can be sent to."],
  "/forgotPassword": [],
  "/confirmForgotPassword": [],
  "/confirmUser": [
    "A link of a message opens a page with a button; with Cognito opening it confirms, and so does a program that looks into mail.",
  ],
  "/resendcode": [],
  "/passkeys/add": [
    "Needs a sign-in of the last 15 minutes, and script for the passkey itself. Goes back to redirect_uri with `state` alone.",
  ],
  "/error": ["Tells users what happened, and developers what to do. 400."],
  "/signedout": ["Ours."],
  "/assets/:name": ["Ours: style and script of the pages."],
  "/assets/brand/:clientId/:name": ["Ours: colors and images of a client's look, named by what is in them."],
  "/.well-known/openid-configuration": ["At the domain too. Names no endpoint that does not exist."],
  "/.well-known/oauth-authorization-server": ["Ours (RFC 8414), also with the pool id behind it."],
  "/.well-known/jwks.json": ["At the domain too."],
};

/** Methods by path, from the routes that the server mounts. Nothing of the server is needed to make them. */
function routedEndpoints(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const make of [oauthRoutes, hostedRoutes, discoveryRoutes])
    for (const { path, method } of make(undefined as never).routes) {
      const name = path.replace(poolPath, "").replace("{[\\w+]{1,128}}", "");
      const known = methods.get(name) ?? [];
      methods.set(name, known);
      if ((method === "GET" || method === "POST") && !known.includes(method)) known.push(method);
    }
  return methods;
}

interface Client {
  readonly name: string;
  readonly files: string;
  /** How its use of a path looks there; undefined: it has none. */
  readonly uses: (path: string) => RegExp | undefined;
}

const escaped = (path: string) => path.replace(/\/:.*$/, "").replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** What clients call by names of their own. */
const byName =
  (names: Readonly<Record<string, RegExp>>) =>
  (path: string): RegExp | undefined =>
    names[path];

/** The path where a text begins with it, or goes on with it after what is filled in. */
const byPath = (path: string) => new RegExp(`[}"'\`]${escaped(path)}(?!\\w)`);

export const endpointClients: readonly Client[] = [
  { name: "HTTP", files: "test/{oauth,hosted-ui}/*.ts", uses: byPath },
  { name: "Chromium", files: "test/browser/{gallery,hosted-ui.test,silent-renewal.test}.ts", uses: byPath },
  {
    name: "openid-client",
    files: "test/oauth/openid-client.test.ts",
    uses: byName({
      "/.well-known/openid-configuration": /\.discovery\(/,
      "/oauth2/authorize": /\.buildAuthorizationUrl\(/,
      "/oauth2/token": /\.authorizationCodeGrant\(/,
      "/oauth2/userInfo": /\.fetchUserInfo\(/,
      "/oauth2/revoke": /\.tokenRevocation\(/,
      "/logout": /\.buildEndSessionUrl\(/,
    }),
  },
  {
    name: "aws-jwt-verify",
    files: "test/clients/verify-tokens.test.ts",
    uses: byName({ "/.well-known/jwks.json": /jwks\.json/ }),
  },
];

/** The rows of the table; throws when a path has no line, a line no path, or nothing proves it. */
export function endpointRows(textOf: (files: string) => string): string[] {
  const routed = routedEndpoints();
  const lines = Object.keys(endpointDeviations).filter((path) => path !== "*");
  const missing = [...routed.keys()].filter((path) => !lines.includes(path));
  const gone = lines.filter((path) => !routed.has(path));
  if (missing.length + gone.length > 0)
    throw new Error(`tools/endpoints.ts lacks a line for ${missing.join()}; there is none of ${gone.join()}`);
  return [...routed].map(([path, methods]) => {
    const proof = endpointClients
      .filter(({ files, uses }) => uses(path)?.test(textOf(files)))
      .map(({ name }) => name);
    if (proof.length === 0) throw new Error(`no test asks for ${path}`);
    const differs = (endpointDeviations[path] ?? []).join(" ");
    return `| ${path} | ${methods.join(", ")} | works | ${proof.join(", ")} | ${differs} |`;
  });
}
