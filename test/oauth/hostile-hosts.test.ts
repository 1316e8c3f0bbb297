/** Whatever a request claims about its host, scheme, port or path elsewhere: no answer and no message contains it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  CreateUserPoolDomainCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { newAddress, password } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forOneServer } from "../kit/server.ts";
import { type RawAnswer, type RawRequest, requestText, sendRaw } from "./raw.ts";
import { callback, goodbye, setUp } from "./support.ts";

const evil = "evil.example";

/** Headers that proxies add, frameworks trust, and scanners try. */
const lies = [
  ...["host", "server", "proto", "scheme", "port", "prefix", "path", "uri", "url", "ssl", "protocol"].map(
    (what) => `x-forwarded-${what}: ${evil}`,
  ),
  ...["x-forwarded-proto: https", "x-forwarded-port: 1", "x-forwarded-prefix: //evil.example/x"],
  ...[`forwarded: for=192.0.2.1;host=${evil};proto=https`, `forwarded: host="${evil}:1"`],
  ...[`x-host: ${evil}`, `x-original-host: ${evil}`, `x-http-host-override: ${evil}`, `x-real-host: ${evil}`],
  ...[
    `x-original-url: //${evil}/`,
    `x-rewrite-url: //${evil}/`,
    `x-original-uri: /${evil}`,
    "x-script-name: /evil",
  ],
  ...[
    "front-end-https: on",
    "x-url-scheme: evil",
    `cf-visitor: {"scheme":"${evil}"}`,
    `x-proxy-url: //${evil}`,
  ],
  ...["x-http-method-override: DELETE", "x-method-override: PUT", `referer: https://${evil}/?code=1`],
  ...[
    `x-forwarded-for: ${evil}`,
    `x-forwarded-host: localhost, ${evil}`,
    `:authority: ${evil}`,
    `base-url: ${evil}`,
  ],
];

/** An answer without what differs between two answers to the same request. */
function same({ status, headers, body }: RawAnswer): unknown {
  const plain = (text: string) =>
    text
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.[\w-]{22})?/g, "ID")
      .replace(/(?<=poolhouse-[\w-]+=)[\w.-]{20,}/g, "SECRET")
      .replace(/(?<=name="session" value=")[^"]+/g, "SESSION");
  const { date, ...rest } = headers;
  assert.ok(date === undefined || !date.includes("evil"));
  const kept = Object.entries(rest).filter(([name]) => !/^(?:content-length|transfer-encoding)$/.test(name));
  return {
    status,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, plain(value)])),
    body: plain(body),
  };
}

for (const trustedProxies of ["", "127.0.0.0/8,::1/128"])
  forOneServer(
    trustedProxies === "" ? "sqlite" : "postgres",
    `hostile hosts, ${trustedProxies === "" ? "no proxy is" : "this machine's proxies are"} trusted`,
    (open) => {
      async function withDomain() {
        const server = await open();
        const place = await setUp(server, { GenerateSecret: false }, { AutoVerifiedAttributes: ["email"] });
        const Domain = `shop-${Math.random().toString(36).slice(2, 10)}`;
        await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId: place.UserPoolId, Domain }));
        const { port, host } = new URL(server.endpoint);
        return { server, place, host, domain: `${Domain}.auth.localhost:${port}` };
      }

      /** One request for each kind of answer, with the links that it should contain. */
      function requests(
        { UserPoolId, ClientId, cookie }: Awaited<ReturnType<typeof setUp>>,
        origin: string,
        root: string,
      ): Record<string, RawRequest> {
        const query = new URLSearchParams({
          response_type: "code",
          client_id: ClientId,
          redirect_uri: callback,
        });
        const out = new URLSearchParams({ client_id: ClientId, logout_uri: goodbye });
        const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
        const own = [`origin: ${origin}`];
        return {
          authorize: { target: `${root}/oauth2/authorize?${query}` },
          "authorize, signed in": {
            target: `${root}/oauth2/authorize?${query}`,
            headers: [`cookie: ${cookie}`],
          },
          "authorize, refused": { target: `${root}/oauth2/authorize?${query}&redirect_uri=x` },
          "sign-in page": { target: `${root}/login?${query}` },
          "sign-in": {
            method: "POST",
            target: `${root}/login?${query}`,
            headers: own,
            body: form({ username: "ann", password }),
          },
          "foreign form": {
            method: "POST",
            target: `${root}/login?${query}`,
            body: form({ username: "ann" }),
          },
          recovery: { target: `${root}/forgotPassword?${query}` },
          "error page": { target: `${root}/error?error=redirect_mismatch` },
          "signed out": { target: `${root}/signedout` },
          "sign-out": { target: `${root}/logout?${out}` },
          token: {
            method: "POST",
            target: `${root}/oauth2/token`,
            body: form({ grant_type: "authorization_code", client_id: ClientId, code: "x" }),
          },
          userInfo: { target: `${root}/oauth2/userInfo` },
          discovery: { target: `${root}/.well-known/openid-configuration` },
          keys: { target: `${root}/.well-known/jwks.json` },
          nothing: { target: `${root}/nothing` },
          ...(root !== "" && {
            "RFC 8414": { target: `/.well-known/oauth-authorization-server/${UserPoolId}` },
          }),
        };
      }

      test("headers that name another host, scheme, port or path change no answer", async () => {
        const { server, place, host, domain } = await withDomain();
        for (const [authority, root] of [
          [host, `/${place.UserPoolId}`],
          [domain, ""],
        ] as const)
          for (const [what, request] of Object.entries(requests(place, `http://${authority}`, root))) {
            const send = (more: readonly string[]) =>
              sendRaw(
                server.endpoint,
                requestText({
                  ...request,
                  headers: [`host: ${authority}`, ...(request.headers ?? []), ...more],
                }),
              );
            const expected = same(await send([]));
            assert.doesNotMatch(JSON.stringify(expected), /evil|"domain=|; domain=/i, what);
            // One by one for the most frequent requests, all together for the rest.
            const tried = /^(?:authorize|sign-in page|discovery)$/.test(what) ? lies.map((lie) => [lie]) : [];
            for (const headers of [...tried, lies.filter((lie) => !lie.startsWith(":"))]) {
              const answer = await send(headers);
              if (headers.length === 1 && headers[0]!.startsWith(":")) assert.equal(answer.status, 400);
              else assert.deepEqual(same(answer), expected, `${what} at ${authority} with ${headers}`);
            }
          }
      });

      test("a Host that is not ours gets nothing, in whatever way it is said", async () => {
        const { server, place, host, domain } = await withDomain();
        const { UserPoolId } = place;
        const { target } = requests(place, "", `/${UserPoolId}`)["authorize"]!;
        const [, port] = host.split(":");
        const hosts = [
          ...[evil, `${evil}:${port}`, `localhost.${evil}`, `${host}.${evil}`, `${evil}.localhost`],
          ...[
            `localhost:80@${evil}`,
            `localhost@${evil}`,
            `${evil}#localhost`,
            `${evil}?localhost`,
            `${evil}/localhost`,
          ],
          ...[
            `localhost/${evil}`,
            `localhost\\${evil}`,
            `localhost ${evil}`,
            `localhost,${evil}`,
            `localhost;${evil}`,
          ],
          ...[
            `[::1]${evil}`,
            `[::1].${evil}`,
            `[::1]@${evil}`,
            `[${evil}]`,
            `127.0.0.1.${evil}`,
            `127.0.0.1@${evil}`,
          ],
          ...[
            `localhost%00${evil}`,
            `localhost%2e${evil}`,
            `localhost:${evil}`,
            `localhost:80:${evil}`,
            `.${evil}`,
          ],
          ...[
            `${domain}.${evil}`,
            `${domain}@${evil}`,
            `x.${domain}`,
            `xn--${evil}`,
            "evil",
            `-${evil}`,
            "0",
            "..",
            "",
          ],
          ...[
            "2130706433",
            "0x7f.1",
            "localhost..",
            "*",
            "*.auth.localhost",
            "evil.auth.localhost",
            "auth.localhost",
          ],
          ...[`'"><script>${evil}`, "{{evil}}", "${evil}", "a".repeat(300), "localhоst"],
        ];
        for (const name of hosts) {
          const text = requestText({ target, headers: [`host: ${name}`] });
          const { status, headers, body } = await sendRaw(server.endpoint, text);
          assert.ok(
            [400, 421].includes(status),
            `${status} ${headers["location"]} for ${JSON.stringify(name)}`,
          );
          assert.doesNotMatch(JSON.stringify(headers) + body, /evil|script/i, name);
        }
        for (const names of [
          [host, evil],
          [evil, host],
          [host, host],
          [domain, host],
          [host, ""],
          ["", host],
        ]) {
          const lines = names.map((name, at) => `${at === 0 ? "Host" : "hOST"}: ${name}`);
          const { status, body } = await sendRaw(server.endpoint, requestText({ target, headers: lines }));
          assert.deepEqual([status, body], [400, ""], names.join());
        }
        assert.equal((await sendRaw(server.endpoint, requestText({ target }))).status, 400, "without a Host");
        const old = await sendRaw(server.endpoint, `GET ${target} HTTP/1.0\r\n\r\n`);
        assert.ok([400, 421].includes(old.status), "without a Host, of HTTP/1.0");
      });

      test("an absolute request target names no host of ours, and no other pool", async () => {
        const { server, place, host, domain } = await withDomain();
        const other = await setUp(server);
        const at = (authority: string, target: string) =>
          sendRaw(server.endpoint, requestText({ target, headers: [`host: ${authority}`] }));
        const { target } = requests(place, "", `/${place.UserPoolId}`)["authorize"]!;
        const expected = same(await at(host, target));
        const [name, port] = host.split(":");
        for (const origin of [`http://${host}`, `HTTP://${name!.toUpperCase()}`, `https://${name}.:1`])
          assert.deepEqual(same(await at(host, `${origin}${target}`)), expected, origin);
        for (const origin of [
          ...[`http://${evil}`, `https://${evil}:1`, `http://${host}@${evil}`, `http://${evil}@${host}`],
          ...[`http://${domain}`, "http://", `http://.${host}`, `http://127.0.0.1:${port}`, `http://[::1]`],
        ]) {
          const { status, body } = await at(host, `${origin}${target}`);
          assert.deepEqual([status, body], [400, ""], origin);
        }
        const elsewhere = requests(other, "", `/${other.UserPoolId}`)["sign-in page"]!.target;
        for (const odd of [
          `http://${host}${elsewhere}`,
          `http://${evil}${elsewhere}`,
          `http://${evil}/../${other.UserPoolId}/signedout`,
          `//${host}${elsewhere}`,
          `//${evil}/${other.UserPoolId}/login`,
          `http://${evil}?${elsewhere}`,
          `http:${elsewhere}`,
          "*",
          "evil",
          "/\\evil.example/",
          "//evil.example/..",
          "/%2f%2fevil.example/",
          "/login/..//evil.example",
        ])
          for (const authority of [domain, host]) {
            // On the main host that pool is at its place.
            if (authority === host && odd.startsWith("http://") && odd.includes(other.UserPoolId)) continue;
            const { status, headers, body } = await at(authority, odd);
            assert.ok([400, 404, 421].includes(status), `${status} at ${authority} for ${odd}`);
            assert.doesNotMatch(JSON.stringify(headers) + body, new RegExp(`evil|${other.UserPoolId}`), odd);
          }
        assert.equal((await at(evil, `http://${host}${target}`)).status, 400);
        assert.equal((await at(evil, `http://${evil}${target}`)).status, 421);
      });

      test("hostile headers do not change the messages that are sent", async () => {
        const { server, place, host } = await withDomain();
        const told = lies.filter((lie) => !lie.startsWith(":"));
        const call = async (operation: string, input: object) => {
          const head = [`host: ${host}`, "content-type: application/x-amz-json-1.1"];
          const target = `x-amz-target: AWSCognitoIdentityProviderService.${operation}`;
          const request = { method: "POST", target: "/", body: JSON.stringify(input) };
          const text = requestText({ ...request, headers: [...head, target, ...told] });
          const { status, body } = await sendRaw(server.endpoint, text);
          assert.equal(status, 200, body);
        };
        const { ClientId, UserPoolId } = place;
        const Username = `u${Math.random().toString(36).slice(2)}`;
        const email = newAddress();
        const UserAttributes = [{ Name: "email", Value: email }];
        await call("SignUp", { ClientId, Username, Password: password, UserAttributes });
        await call("ResendConfirmationCode", { ClientId, Username });
        await call("ConfirmSignUp", { ClientId, Username, ConfirmationCode: await server.code(email) });
        await call("ForgotPassword", { ClientId, Username });
        const query = new URLSearchParams({
          response_type: "code",
          client_id: ClientId,
          redirect_uri: callback,
        });
        const page = await sendRaw(
          server.endpoint,
          requestText({
            method: "POST",
            target: `/${UserPoolId}/forgotPassword?${query}`,
            headers: [`host: ${host}`, `origin: http://${host}`, ...told],
            body: new URLSearchParams({ username: Username }).toString(),
          }),
        );
        assert.equal(page.status, 200);
        const sdk = newSdk(server.endpoint);
        sdk.middlewareStack.add(
          (next) => (args) => {
            const { headers } = args.request as { headers: Record<string, string> };
            for (const lie of told) headers[lie.slice(0, lie.indexOf(":"))] = lie.slice(lie.indexOf(" ") + 1);
            return next(args);
          },
          { step: "finalizeRequest", priority: "low" },
        );
        const invited = newAddress();
        await sdk.send(
          new AdminCreateUserCommand({
            UserPoolId,
            Username: `${Username}2`,
            UserAttributes: [{ Name: "email", Value: invited }],
          }),
        );
        sdk.destroy();
        const messages = [...(await server.inbox(email)), ...(await server.inbox(invited))];
        assert.equal(messages.length, 5);
        for (const message of messages)
          assert.doesNotMatch(JSON.stringify({ ...message, to: "" }), /evil|https?:|localhost/i);
      });
    },
    { POOLHOUSE_TRUSTED_PROXIES: trustedProxies },
  );
