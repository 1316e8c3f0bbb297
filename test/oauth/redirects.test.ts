/** No parameter becomes a location that the client has not registered, byte by byte; registered ones do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateUserPoolClientCommand,
  UpdateUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { type Answered, type Asked, ask as request } from "../kit/ask.ts";
import { password } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { part } from "../kit/whole.ts";
import { hostileUrls, registered } from "./hostile-urls.ts";
import { newCode, type OAuthPlace, setUp, signInBrowser } from "./support.ts";

/** URIs that an application may have registered, however odd. */
const goodOnes = [
  registered,
  "https://app.example/cb?keep=1&empty=&a=b%20c",
  "https://app.example/%63b%2Fx%20y/%C3%A4?q=%7E",
  "https://app.example:8443/cb/../x",
  "https://App.Example/Cb",
  "https://bücher.example/zurück?von=日本",
  "http://localhost:9999/cb",
  "http://127.0.0.1:9999/signed-in",
  "http://[::1]:9999/signed-in",
  "myapp://signed-in",
  "com.example.app:/oauth2redirect",
];
const home = "https://app.example/home";

/** A URI as a header carries it: in ASCII (RFC 3986 section 2.5). */
const onTheWire = (uri: string) => uri.replace(/[^!-~]/gu, encodeURIComponent);

const ours = new Set([
  ...[
    "location",
    "content-type",
    "content-length",
    "cache-control",
    "pragma",
    "date",
    "connection",
    "keep-alive",
  ],
  ...["transfer-encoding", "set-cookie", "referrer-policy", "content-security-policy", "vary"],
  ...["x-content-type-options", "x-frame-options", "cross-origin-opener-policy", "x-amz-cognito-request-id"],
  ...["access-control-allow-origin"],
]);

/** Runs a function for each item, several at a time. */
async function forEach<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  const rest = [...all];
  const worker = async () => {
    for (let one = rest.pop(); one !== undefined; one = rest.pop()) await run(one);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/** Fails if an answer would take a browser elsewhere, or contains something from the request. */
async function staysHere(place: OAuthPlace, answer: Answered, value: string): Promise<string> {
  const told = JSON.stringify(value);
  const text = await answer.text();
  for (const [name, content] of answer.headers) {
    assert.ok(ours.has(name), `${name}: ${content} for ${told}`);
    assert.ok(!/evil|alert\(/i.test(name === "location" ? "" : content), `${name}: ${content} for ${told}`);
  }
  for (const cookie of answer.headers.getSetCookie())
    assert.ok(cookie.startsWith(`poolhouse-${place.UserPoolId}=;`), `${cookie} for ${told}`);
  for (const [, link = ""] of text.matchAll(/\s(?:href|src|action|formaction|content)\s*=\s*"([^"]*)"/gi))
    assert.ok(!/^\s*(?:[a-z][\w+.-]*:(?!,$)|\/\/|\\)/i.test(link), `a link to ${link} for ${told}`);
  assert.doesNotMatch(text, /<script>|<meta http-equiv|<base/i, told);
  // The form for another language has the parameters of the request, of which this one may be the address's beginning.
  const others = text.replaceAll(`name="redirect_uri" value="${registered}"`, "");
  if (value.length > 5 && /["'<>]/.test(value)) assert.ok(!others.includes(value), told);
  return answer.headers.get("location") ?? "";
}

const errorPage = ({ base, ClientId }: OAuthPlace) =>
  new RegExp(
    `^${base}/error\\?error=(?:redirect_mismatch|invalid_request)(?:&client_id=${ClientId})?&request_id=[\\w.-]+$`,
  );

forOneServer(
  "sqlite",
  "redirects",
  (open, database) => {
    // Those with U+0000 do not come so far (extremes.test.ts).
    const hostile = hostileUrls.filter((uri) => !uri.includes("\0"));
    // Each of them is tried at every fifth place; no database is involved in URIs, so the other sees fewer.
    const share = database === "sqlite" ? 5 : 25;
    const place = async () =>
      setUp(await open(), {
        CallbackURLs: goodOnes,
        LogoutURLs: [...goodOnes, home],
        AllowedOAuthFlows: ["code"],
      });
    const ask = (at: OAuthPlace, path: string, asked: Asked = {}) =>
      request(`${at.base}${path}`, {
        ...asked,
        headers: { cookie: at.cookie, origin: new URL(at.base).origin },
      });
    const query = (at: OAuthPlace, redirect_uri: string, more: Record<string, string> = {}) =>
      new URLSearchParams({ response_type: "code", client_id: at.ClientId, redirect_uri, ...more });

    test("there are more than 500 hostile addresses, distinct and none of them registered", () => {
      assert.ok(hostileUrls.length > 500);
      assert.equal(new Set(hostileUrls).size, hostileUrls.length);
      assert.ok(goodOnes.every((uri) => !hostileUrls.includes(uri)));
    });

    const pages = [
      ...[
        "login",
        "challenge",
        "signup",
        "forgotPassword",
        "confirmForgotPassword",
        "confirmUser",
        "resendcode",
      ],
      "passkeys/add",
    ];
    const asked: Readonly<Record<string, (at: OAuthPlace, uri: string) => Promise<Answered>>> = {
      "GET /oauth2/authorize": (at, uri) => ask(at, `/oauth2/authorize?${query(at, uri)}`),
      "POST /oauth2/authorize": (at, uri) =>
        ask(at, "/oauth2/authorize", { method: "POST", body: query(at, uri) }),
      "POST /login": (at, uri) =>
        ask(at, `/login?${query(at, uri)}`, {
          method: "POST",
          body: new URLSearchParams({ username: "ann", password }),
        }),
      "POST /login, to go on": (at, uri) =>
        ask(at, `/login?${query(at, uri)}`, { method: "POST", body: new URLSearchParams({ continue: "1" }) }),
      ...Object.fromEntries(
        pages.map((page) => [
          `GET /${page}`,
          (at: OAuthPlace, uri: string) => ask(at, `/${page}?${query(at, uri)}`),
        ]),
      ),
      "GET /login, on the way to /passkeys/add": (at, uri) =>
        ask(at, `/login?${query(at, uri, { to: "passkeys/add" })}`),
      "POST /passkeys/add": (at, uri) =>
        ask(at, `/passkeys/add?${query(at, uri)}`, {
          method: "POST",
          body: new URLSearchParams({ make: "1" }),
        }),
      "POST /signup": (at, uri) =>
        ask(at, `/signup?${query(at, uri)}`, {
          method: "POST",
          body: new URLSearchParams({ username: "eve" }),
        }),
      "GET /logout with redirect_uri": (at, uri) => ask(at, `/logout?${query(at, uri)}`),
      "GET /logout with logout_uri": (at, uri) =>
        ask(at, `/logout?${new URLSearchParams({ client_id: at.ClientId, logout_uri: uri })}`),
      "GET /logout with post_logout_redirect_uri": (at, uri) =>
        ask(
          at,
          `/logout?${new URLSearchParams({ client_id: at.ClientId, post_logout_redirect_uri: uri, state: "s" })}`,
        ),
      // Continues with a GET, at the same endpoint.
      "POST /logout": async (at, uri) => {
        const body = new URLSearchParams({ client_id: at.ClientId, post_logout_redirect_uri: uri });
        const location = await staysHere(at, await ask(at, "/logout", { method: "POST", body }), uri);
        assert.ok(location.startsWith(`${at.base}/logout?client_id=`), location);
        return ask(at, location.slice(at.base.length));
      },
      "POST /signout": (at, uri) =>
        ask(at, `/signout?${new URLSearchParams({ client_id: at.ClientId, logout_uri: uri })}`, {
          method: "POST",
        }),
    };
    /** An empty URI counts as none: then signing out has nowhere to go, and asks first where only a link wants it. */
    const withoutUri: Readonly<Record<string, (at: OAuthPlace) => string>> = {
      "GET /logout with redirect_uri": (at) => `${at.base}/signout?${query(at, "")}`,
      "GET /logout with logout_uri": (at) => `${at.base}/signout?client_id=${at.ClientId}&logout_uri=`,
      "GET /logout with post_logout_redirect_uri": (at) =>
        `${at.base}/signout?client_id=${at.ClientId}&post_logout_redirect_uri=&state=s`,
      "POST /logout": (at) => `${at.base}/signout?client_id=${at.ClientId}`,
      "POST /signout": (at) => `${at.base}/signedout`,
    };
    for (const [offset, [what, send]] of Object.entries(asked).entries())
      test(`${what}: hostile addresses end at a page of ours`, async () => {
        const at = await place();
        const allowed = errorPage(at);
        await forEach(part(hostile, share, offset), async (uri) => {
          const answer = await send(at, uri);
          assert.ok([302, 303].includes(answer.status), `${answer.status} for ${JSON.stringify(uri)}`);
          const location = await staysHere(at, answer, uri);
          const expected = uri === "" ? withoutUri[what]?.(at) : undefined;
          const isOurs = expected === undefined ? allowed.test(location) : location === expected;
          assert.ok(isOurs, `${location} for ${JSON.stringify(uri)}`);
        });
        assert.ok(
          await newCode(
            { ...at, cookie: await signInBrowser(at.server, at.UserPoolId, "ann") },
            { redirect_uri: registered },
          ),
        );
      });

    test("POST /oauth2/token: another redirect_uri burns the code and is told in JSON", async () => {
      const at = await place();
      await forEach(part(hostile, share), async (uri) => {
        const code = await newCode(at, { redirect_uri: registered });
        const form = { grant_type: "authorization_code", client_id: at.ClientId, code };
        const redeem = (redirect_uri: string) =>
          ask(at, "/oauth2/token", { method: "POST", body: new URLSearchParams({ ...form, redirect_uri }) });
        const answer = await redeem(uri);
        assert.equal(answer.status, 400);
        assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
        assert.equal(await staysHere(at, answer, uri), "");
        assert.equal((await redeem(registered)).status, 400, "it was burnt");
      });
    });

    test("the parameter given twice is never chosen from, whichever comes first", async () => {
      const at = await place();
      const evil = encodeURIComponent("https://evil.example/cb");
      const good = encodeURIComponent(registered);
      for (const [name, path] of [
        ["redirect_uri", "/oauth2/authorize?response_type=code&"],
        ["redirect_uri", "/login?response_type=code&"],
        ["redirect_uri", "/logout?response_type=code&"],
        ["logout_uri", "/logout?"],
        ["post_logout_redirect_uri", "/logout?"],
      ] as const)
        for (const [first, second] of [
          [good, evil],
          [evil, good],
          [good, good],
        ]) {
          const answer = await ask(at, `${path}client_id=${at.ClientId}&${name}=${first}&${name}=${second}`);
          const location = await staysHere(at, answer, `${name} twice`);
          assert.match(location, errorPage(at), `${path} ${name} ${first} ${second}`);
        }
    });

    const parameters = "error client_id lang redirect_uri error_uri error_description state next url".split(
      " ",
    );

    test("parameters of the error page and of others lead nowhere and come back as text", async () => {
      const at = await place();
      await forEach(part(hostile, share, 1), async (uri) => {
        const told = new URLSearchParams();
        for (const name of parameters) told.set(name, uri.slice(0, 400));
        for (const path of ["/error", "/signedout"]) {
          const answer = await ask(at, `${path}?${told}`);
          assert.equal(answer.status, path === "/error" ? 400 : 200);
          assert.equal(await staysHere(at, answer, uri), "");
        }
        const shown = await ask(
          { ...at, cookie: "" },
          `/login?${query(at, registered, { login_hint: uri.slice(0, 200), lang: uri.slice(0, 200), next: uri.slice(0, 200) })}`,
        );
        assert.equal(shown.status, 200, JSON.stringify(uri));
        await staysHere(at, shown, uri);
      });
    });

    test("state: every hostile value comes back byte by byte, and nothing else of it is anywhere", async () => {
      const at = await place();
      await forEach(part(hostile, share, 2), async (value) => {
        // As fetch and browsers encode a quote.
        const raw = encodeURIComponent(value).replaceAll("'", "%27");
        const allowed = [
          await ask(at, `/oauth2/authorize?${query(at, registered)}&state=${raw}`),
          await ask(at, `/oauth2/authorize?${query(at, registered, { scope: "none" })}&state=${raw}`),
          await ask(at, `/login?${query(at, registered)}&state=${raw}`, {
            method: "POST",
            body: new URLSearchParams({ continue: "1" }),
          }),
          await ask(
            { ...at, cookie: "" },
            `/logout?client_id=${at.ClientId}&post_logout_redirect_uri=${encodeURIComponent(registered)}&state=${raw}`,
          ),
        ];
        for (const answer of allowed) {
          const location = await staysHere(at, answer, value);
          const told = `${location} for ${JSON.stringify(value)}`;
          assert.ok(location.startsWith(registered), told);
          assert.ok(value === "" ? !location.includes("state=") : location.endsWith(`state=${raw}`), told);
          assert.equal(
            new URL(location).searchParams.get("state"),
            value === "" ? null : value.toWellFormed(),
          );
        }
      });
    });

    for (const uri of goodOnes)
      test(`registered: ${uri} is where the browser is sent, byte by byte`, async () => {
        const at = await place();
        const wire = onTheWire(uri);
        const mark = uri.includes("?") ? "&" : "?";
        const sent = [
          await ask(at, `/oauth2/authorize?${query(at, uri)}`),
          await ask(at, "/oauth2/authorize", { method: "POST", body: query(at, uri) }),
          await ask(at, `/login?${query(at, uri)}`, {
            method: "POST",
            body: new URLSearchParams({ username: "ann", password }),
          }),
        ];
        for (const answer of sent) {
          const page = await answer.text();
          // Where no Content-Security-Policy can name the host, a page takes the place of the redirect after a form.
          const onward = /content="0; url=([^"]*)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");
          const location = answer.headers.get("location") ?? onward ?? "";
          assert.ok(location.startsWith(`${wire}${mark}code=`), `${answer.status} ${location}`);
          const form = { grant_type: "authorization_code", client_id: at.ClientId, redirect_uri: uri };
          const code = /[?&]code=([^&]+)/.exec(location)?.[1] ?? "";
          const body = new URLSearchParams({ ...form, code });
          assert.equal((await ask(at, "/oauth2/token", { method: "POST", body })).status, 200);
        }
        const out = (parameters: Record<string, string>) =>
          ask(at, `/logout?${new URLSearchParams({ client_id: at.ClientId, ...parameters })}`);
        assert.equal((await out({ logout_uri: uri })).headers.get("location"), wire);
        assert.equal((await out({ post_logout_redirect_uri: uri })).headers.get("location"), wire);
        const { headers } = await out({ post_logout_redirect_uri: uri, state: "a b" });
        assert.equal(headers.get("location"), `${wire}${mark}state=a+b`);
        const again = await out({ redirect_uri: uri, response_type: "code" });
        assert.ok(again.headers.get("location")?.startsWith(`${at.base}/login?client_id=`));
        assert.equal((await request(again.headers.get("location")!)).status, 200);
        // URIs for returning are not accepted for signing out, and vice versa.
        const { headers: wrong } = await ask(at, `/oauth2/authorize?${query(at, home)}`);
        assert.match(wrong.get("location") ?? "", errorPage(at));
      });

    test("addresses that run, show what they hold, or leave the network cannot be registered", async () => {
      const server = await open();
      const at = await place();
      const schemes = [
        "javascript",
        "data",
        "vbscript",
        "file",
        "blob",
        "about",
        "filesystem",
        "view-source",
        "ftp",
        "ws",
      ];
      const unfit = [
        ...schemes.flatMap((scheme) => [
          `${scheme}://app.example/cb`,
          `${scheme}:/app.example`,
          `${scheme}:alert(1)`,
          `${scheme.toUpperCase()}://app.example/cb`,
        ]),
        ...["http://app.example/cb", "http://localhost.evil.example/", "http://localhost@evil.example/"],
        ...[
          "http://127.0.0.1.evil.example/",
          "http:/localhost/cb",
          "http:localhost/cb",
          "https:///app.example",
        ],
        ...["https:/app.example", "https:app.example", "//app.example/cb", "/cb", "app.example/cb", "myapp:"],
        ...["https://app.example/cb#", "https://app.example/cb#a", "https://app.example\\@evil.example/"],
        ...[
          "https:\\\\app.example\\cb",
          "https://",
          "https://:443/",
          "https://app.example:99999/",
          "https://[::1/cb",
        ],
        ...["https://app.example/c b", "https://app.example/c\tb", "https://app.example/\r\nSet-Cookie:a=b"],
        ...[
          "\u0000https://app.example/",
          " https://app.example/cb",
          "java\nscript://app.example/%0aalert(1)",
        ],
        ...[
          "https://app.example/\u202ecb",
          "https://app.example/\u2028cb",
          `https://app.example/${"a".repeat(1_100)}`,
        ],
      ];
      const settings = {
        UserPoolId: at.UserPoolId,
        ClientName: "hostile",
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code" as const],
        AllowedOAuthScopes: ["openid"],
      };
      for (const uri of unfit) {
        const refusal = { name: uri.includes("\0") ? "SerializationException" : "InvalidParameterException" };
        for (const lists of [
          { CallbackURLs: [registered, uri] },
          { CallbackURLs: [registered], LogoutURLs: [uri] },
          { CallbackURLs: [registered], DefaultRedirectURI: uri },
        ]) {
          const told = JSON.stringify(lists);
          await assert.rejects(
            server.client.send(new CreateUserPoolClientCommand({ ...settings, ...lists })),
            refusal,
            told,
          );
          const update = new UpdateUserPoolClientCommand({ ...settings, ...lists, ClientId: at.ClientId });
          await assert.rejects(server.client.send(update), refusal, told);
        }
      }
    });
  },
  // Every hostile URI asks for codes, all with one sign-in.
  { POOLHOUSE_LIMITS: "authorization-codes=100000" },
);
