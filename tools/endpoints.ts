/**
 * The endpoints of the authorization server and the hosted pages, with their known differences from Cognito; `*` applies to
 * all of them. docs/fidelity.md is generated from this table and from the routes, which must agree.
 */

import { federationRoutes } from "../src/http/federation/routes.ts";
import { hostedRoutes } from "../src/http/hosted-ui/routes.ts";
import { discoveryRoutes } from "../src/http/oauth/discovery.ts";
import { oauthRoutes } from "../src/http/oauth/routes.ts";
import { poolPath } from "../src/http/place.ts";

export const endpointDeviations: Readonly<Record<string, readonly string[]>> = {
  "*": [
    "They are below `<public URL>/<pool id>`, and on each domain of the pool without the pool id.",
    "Pages work without script, and cannot be framed. Answers to prompt=none can be framed by the client's own pages, for clients that the pool tag `poolhouse:silent-renewal` lists.",
    "The pool tag `poolhouse:oidc` gives the clients that it lists max_age, ui_locales, response_mode, the scope `address`, booleans in userInfo, and only claims of the granted scopes. Request objects are refused, `resource` must be a resource server of the pool (RFC 8707), the port of a loopback redirect URI is free (RFC 8252), a failed Basic is 401 with WWW-Authenticate, and another redirect URI at the token endpoint is invalid_grant.",
    "The pool tag `poolhouse:require-pkce` refuses authorization requests for a code without code_challenge, for the clients that it lists, or with `public` for all without a secret.",
    "Every error has an error_description.",
    "The browser session lasts an hour, as with Cognito, or as set by SetUserPoolClientSessionConfiguration, and ends with a global sign-out, when the user is disabled, or with a new password.",
    "The language is that of `lang`, remembered in a cookie, else that of Accept-Language: Cognito's eleven, and Arabic. Pages offer the choice unless their style turns it off (`languageSelector`), which Cognito's default does. Codes and links that a page sends are in its language where the pool has no template of its own and the user no `locale`.",
  ],
  "/oauth2/authorize": [
    "Also supports POST. Answers carry `iss` (RFC 9207). `state` is returned byte by byte. A request for a frame that may not have the answer gets interaction_required (prompt=none) or the sign-in page, whoever is signed in.",
    "`resource` may be any URL, as with Cognito, unless `poolhouse:oidc` lists the client: an API must not take `aud` alone for a permission that the pool has given. URLs that execute or display their content (javascript:, data:) are refused with invalid_target; on a domain with the classic hosted UI the answer is invalid_scope.",
    "identity_provider and idp_identifier lead to the provider, and only a session through it is enough then; a provider that the client does not offer gets invalid_request. A sign-in at a provider may take ten minutes (Cognito: five). id_token_hint is supported: only its user gets an answer (OpenID Connect Core 1.0 section 3.1.2.1).",
  ],
  "/authorize": ["As /oauth2/authorize."],
  "/oauth2/token": [
    "Using a code again revokes the tokens issued for it; a wrong verifier or redirect URI uses it up; a verifier without a challenge is refused. A code is void once its browser session has ended. Codes and refresh tokens grant those of their scopes that the client may have now; invalid_grant if none is left. aws_client_metadata is ignored. `scope` is in the answer if it is not what was asked for, and redirect_uri may be omitted if the authorization request did.",
  ],
  "/oauth2/userInfo": [
    "Also supports POST, with the token in the header or the form. A token that is given twice is invalid_request.",
  ],
  "/oauth2/revoke": [],
  "/logout": [
    "Also supports POST, which redirects to a GET. Requests for parts of pages (images, scripts) and prefetches are refused. Ends the browser session and the codes issued through it, but no tokens. IDPSignout in the settings of a SAML provider, as in Cognito, or of an OpenID provider, which is ours, has the browser sign out there, too, and come back. Besides Cognito's two forms it supports id_token_hint, post_logout_redirect_uri (one of LogoutURLs) and state (OpenID Connect RP-Initiated Logout): without an id_token_hint of the signed-in user it asks, at /signout. Without a URL to return to it ends at /signedout.",
  ],
  "/oauth2/idpresponse": [
    "An answer is taken only from the browser that began, at the same host, once; everybody else gets the error page. A posted answer (Sign in with Apple) leads to a GET with a handle, since browsers send no cookie with another site's form. A sign-in fails if the provider's settings change meanwhile.",
  ],
  "/oauth2/backchannel-logout": [
    "Ours (OpenID Connect Back-Channel Logout 1.0), by the provider's name: ends the browser sessions, and the tokens of that user's sign-ins through the provider.",
  ],
  "/saml2/idpresponse": [
    "The POST leads to a GET with a handle, as at /oauth2/idpresponse. A sign-in that the provider begins (IDPInit) needs a client all of whose providers are of SAML, as with Cognito, and gets no state.",
  ],
  "/saml2/logout": [
    "Also by HTTP-Redirect. A provider's LogoutRequest ends the browser sessions here, and the tokens of that user's sign-ins through the provider; Cognito ends neither.",
  ],
  "/saml2/metadata": [
    "Ours: the pool's metadata as a SAML service provider; `provider` names the identity provider that it is for.",
  ],
  "/login": [
    "A client without COGNITO shows no form for the pool's own users and refuses them; with one provider it leads there at once. Buttons of providers follow `categories.auth.federation.order`, `authMethodOrder` and `idpButtons.icons` of the style. If every SAML provider of the client has identifiers, an e-mail address is asked for, whose domain leads to the provider with that identifier; a subdomain is another domain, and an international one may be written in Unicode or in ASCII.",
    "A user who is already signed in is asked whether to continue.",
    "In pools with several first factors, asks at once for the one used last in this browser, or for a passkey (if the client tells who exists) or the password; another method is offered there.",
  ],
  "/challenge": [
    "The pool tags `poolhouse:custom-auth` and `poolhouse:custom-auth-after-password` have users of the clients that they list sign in by the functions of CUSTOM_AUTH, which Cognito does not offer at its pages. UserMigration is not asked there, passkeys and codes are not offered, and a sign-in without them, for another client of the pool, does not suffice.",
    "Ours: all further steps of a sign-in, for which Cognito has separate paths. Pages that ask for a code can have another one sent; a choice of second factors shows where codes go, masked.",
  ],
  "/signup": [
    "Asks for the attributes that the schema requires, and for an address that can receive a code.",
  ],
  "/forgotPassword": [],
  "/confirmForgotPassword": [],
  "/confirmUser": [
    "A link in a message opens a page with a button; with Cognito, opening the link confirms, even if a mail scanner does.",
  ],
  "/resendcode": [],
  "/passkeys/add": [
    "Requires a sign-in within the last 15 minutes, and script for the passkey itself. Returns to redirect_uri with only `state`.",
  ],
  "/error": [
    "Tells users what happened, and developers what to do, for known errors and existing clients. Status 400. Links to it also have our `request_id`, which leads to the line of the log.",
  ],
  "/signedout": ["Ours."],
  "/signout": ["Ours: asks whether to sign out."],
  "/assets/:name": ["Ours: style sheet and script of the pages."],
  "/assets/brand/:clientId/:name": [
    "Ours: styles and images of a client's branding, named by a hash of the content.",
  ],
  "/.well-known/openid-configuration": [
    "Also on the domain. Lists only endpoints that exist, and prompts that do something.",
  ],
  "/.well-known/oauth-authorization-server": ["Ours (RFC 8414), also followed by the pool id."],
  "/.well-known/jwks.json": ["Also on the domain."],
};

/** The methods by path, from the server's routes, which can be created without a server. */
function routedEndpoints(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const make of [oauthRoutes, federationRoutes, hostedRoutes, discoveryRoutes])
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
  /** A pattern for its use of a path; undefined if it does not use the path. */
  readonly uses: (path: string) => RegExp | undefined;
}

const escaped = (path: string) => path.replace(/\/:.*$/, "").replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** Patterns for clients that have their own names for paths. */
const byName =
  (names: Readonly<Record<string, RegExp>>) =>
  (path: string): RegExp | undefined =>
    names[path];

/** A pattern for the path at the beginning of a string, or after a placeholder. */
const byPath = (path: string) => new RegExp(`[}"'\`]${escaped(path)}(?!\\w)`);

export const endpointClients: readonly Client[] = [
  { name: "HTTP", files: "test/{oauth,hosted-ui,federation}/*.ts", uses: byPath },
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

/** The rows of the table. Throws if a path has no row, a row no path, or no test uses it. */
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
