/** mod_auth_openidc, a certified client in C, protects pages of Apache with users and groups of a pool, by TLS. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { AdminAddUserToGroupCommand, CreateGroupCommand } from "@aws-sdk/client-cognito-identity-provider";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { freePort } from "../kit/ports.ts";
import { forOneServer } from "../kit/server.ts";
import { annsAttributes } from "../oauth/support.ts";
import { type Apache, startApache } from "./apache.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Form {
  readonly fields: Record<string, string>;
  readonly origin: string;
}

/** As somebody who opens a page: the module answers the requests of scripts, which fetch makes, with 401. */
async function ask(url: string, cookie: string, form?: Form): Promise<Answer> {
  const body = form && new URLSearchParams(form.fields).toString();
  const headers = {
    accept: "text/html",
    ...(cookie && { cookie }),
    ...(form && { origin: form.origin, "content-type": "application/x-www-form-urlencoded" }),
  };
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  const asked = request(url, { method: form ? "POST" : "GET", headers });
  asked.end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of answer) text += chunk;
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}

/** A browser without script, on whose one host everything is: cookies are kept by name. */
function newBrowser() {
  const jar = new Map<string, string>();
  const get = async (url: string, form?: Form): Promise<Answer> => {
    const answer = await ask(url, [...jar].map(([name, value]) => `${name}=${value}`).join("; "), form);
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /max-age=0|expires=thu, 01.jan.1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  /** Follows redirects until something is shown; `seen` has every address on the way. */
  const open = async (url: string, form?: Form) => {
    const seen = [url];
    let answer = await get(url, form);
    while ([302, 303].includes(answer.status) && seen.length < 12) {
      const next = new URL(answer.headers.location ?? "", seen.at(-1)).href;
      seen.push(next);
      answer = await get(next);
    }
    return { ...answer, seen, url: seen.at(-1) ?? url };
  };
  /** Fills the first form of a page of ours. */
  const submit = (page: { url: string; text: string }, fields: Record<string, string>) => {
    const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1] ?? assert.fail(page.text);
    const to = new URL(action.replaceAll("&amp;", "&"), page.url);
    return open(to.href, { fields, origin: to.origin });
  };
  return { open, submit };
}

const data = temporaryFolder();

describe("mod_auth_openidc", needs("mod_auth_openidc"), () => {
  const running: Apache[] = [];
  after(async () => {
    for (const one of running) await one.close();
  });

  forOneServer(
    "sqlite",
    "in front of pages",
    (open) => {
      async function setUp() {
        const server = await open();
        const { config } = server.app;
        const authority = join(config.data, "secrets", "tls", "ca.pem");
        setDefaultCACertificates([...getCACertificates("default"), readFileSync(authority, "utf8")]);
        const port = await freePort();
        const own = `http://localhost:${port}`;
        const app = await makePool(
          server,
          {},
          {
            GenerateSecret: true,
            CallbackURLs: [`${own}/oidc`],
            LogoutURLs: [`${own}/open/`],
            AllowedOAuthFlowsUserPoolClient: true,
            AllowedOAuthFlows: ["code"],
            AllowedOAuthScopes: ["openid", "email", "profile"],
          },
        );
        const { UserPoolId, ClientId, ClientSecret } = app;
        await server.client.send(new CreateGroupCommand({ UserPoolId, GroupName: "admins" }));
        for (const Username of ["ann", "bob"]) await makeUser(server, UserPoolId, Username, annsAttributes);
        await server.client.send(
          new AdminAddUserToGroupCommand({ UserPoolId, Username: "ann", GroupName: "admins" }),
        );
        const issuer = `${server.endpoint}/${UserPoolId}`;
        const apache = await startApache(
          port,
          authority,
          directives({ issuer, own, ClientId, ClientSecret }),
        );
        running.push(apache);
        return { apache, issuer };
      }

      test("signs in, shows the claims, refreshes, keeps other groups out, signs out", async () => {
        const { apache, issuer } = await setUp();
        assert.match(issuer, /^https:/);
        const ann = newBrowser();
        const asked = await ann.open(`${apache.url}/app/`);
        assert.equal(asked.status, 200, `${asked.seen.join("\n")}\n${apache.log()}`);
        assert.ok(asked.url.startsWith(`${issuer}/login?`), `${asked.seen.join("\n")}\n${apache.log()}`);
        const authorize = new URL(asked.seen[1] ?? "");
        assert.equal(authorize.searchParams.get("code_challenge_method"), "S256");
        assert.ok(authorize.searchParams.get("nonce"));
        const wrong = await ann.submit(asked, { username: "ann", password: "Wrong-Horse-1" });
        const inside = await ann.submit(wrong, { username: "ann", password });
        assert.equal(inside.status, 200, `${inside.seen.join("\n")}\n${apache.log()}`);
        assert.equal(inside.text, "This is app.");
        const claim = (page: typeof inside, name: string) => page.headers[`x-claim-${name}`];
        assert.equal(claim(inside, "email"), "ann@example.com");
        assert.equal(claim(inside, "iss"), issuer);
        assert.equal(claim(inside, "name"), "Ann Example");
        assert.match(String(claim(inside, "sub")), /^[0-9a-f-]{36}$/);
        assert.equal(claim(inside, "user"), claim(inside, "sub"));
        assert.equal((await ann.open(`${apache.url}/admins/`)).text, "This is admins.");

        const token = String(claim(inside, "token") ?? assert.fail("no access token"));
        const back = `${apache.url}/app/`;
        const again = await ann.open(
          `${apache.url}/oidc?${new URLSearchParams({ refresh: back, access_token: token })}`,
        );
        assert.equal(again.url, back, `${again.seen.join("\n")}\n${apache.log()}`);
        const fresh = claim(again, "token") ?? assert.fail("no access token");
        assert.notEqual(fresh, token);

        const bob = newBrowser();
        await bob.submit(await bob.open(`${apache.url}/app/`), { username: "bob", password });
        assert.equal((await bob.open(`${apache.url}/app/`)).text, "This is app.");
        assert.ok([401, 403].includes((await bob.open(`${apache.url}/admins/`)).status));

        const gone = await ann.open(
          `${apache.url}/oidc?${new URLSearchParams({ logout: `${apache.url}/open/` })}`,
        );
        assert.ok(
          gone.seen.some((url) => url.startsWith(`${issuer}/logout?`)),
          gone.seen.join("\n"),
        );
        assert.equal(gone.url.replace(/\?.*/, ""), `${apache.url}/open/`);
        assert.equal(gone.text, "This is open.");
        assert.ok((await ann.open(`${apache.url}/app/`)).url.startsWith(`${issuer}/login?`), "asked again");
        assert.equal(
          (await bob.open(`${apache.url}/app/`)).text,
          "This is app.",
          "the other one is still in",
        );
      });
    },
    { POOLHOUSE_TLS: "dev", POOLHOUSE_HTTPS_PORT: "0", POOLHOUSE_DATA: data },
  );
});

interface Settings {
  readonly issuer: string;
  readonly own: string;
  readonly ClientId: string;
  readonly ClientSecret: string | undefined;
}

const directives = ({ issuer, own, ClientId, ClientSecret }: Settings) => `
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${ClientId}
OIDCClientSecret ${ClientSecret}
OIDCRedirectURI ${own}/oidc
OIDCCryptoPassphrase for-this-run-alone
OIDCScope "openid email profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCUnAutzAction 403
<Location /oidc>
  AuthType openid-connect
  Require valid-user
</Location>
<LocationMatch "^/(app|admins)/">
  AuthType openid-connect
  Header always set X-Claim-User "expr=%{REMOTE_USER}"
  ${["email", "iss", "name", "sub"].map((name) => `Header always set X-Claim-${name} "%{OIDC_CLAIM_${name}}e"`).join("\n  ")}
  Header always set X-Claim-Token "%{OIDC_access_token}e"
</LocationMatch>
<Location /app/>
  Require valid-user
</Location>
<Location /admins/>
  Require claim cognito:groups:admins
</Location>
`;
