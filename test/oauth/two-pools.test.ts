/** Two pools on one host, with applications and people of the same names: nothing of one is valid in the other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateUserPoolDomainCommand,
  GetUserCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { requestText, sendRaw } from "./raw.ts";
import {
  authorize,
  callback,
  claimsOf,
  goodbye,
  newCode,
  type OAuthPlace,
  pkce,
  post,
  redeem,
  setUp,
  signInBrowser,
} from "./support.ts";

const otherPassword = "Other-Horse-8";

interface Pair {
  readonly server: TestServer;
  readonly a: OAuthPlace;
  readonly b: OAuthPlace;
}

/** A request as a browser makes it, at the main host or at a domain of the pool. */
interface Where {
  readonly authority: string;
  readonly root: string;
}

const query = ({ ClientId }: OAuthPlace) =>
  new URLSearchParams({ response_type: "code", client_id: ClientId, redirect_uri: callback });

forEachServer("two pools", (open) => {
  async function pair(): Promise<Pair> {
    const server = await open();
    const [a, b] = [await setUp(server), await setUp(server)];
    await server.client.send(
      new AdminSetUserPasswordCommand({
        UserPoolId: b.UserPoolId,
        Username: "ann",
        Password: otherPassword,
        Permanent: true,
      }),
    );
    // The existing session ended with the former password.
    return { server, a, b: { ...b, cookie: await signInBrowser(server, b.UserPoolId, "ann") } };
  }

  async function send(
    server: TestServer,
    { authority, root }: Where,
    path: string,
    { cookie = "", fields }: { cookie?: string; fields?: Record<string, string> } = {},
  ) {
    const own = [
      `host: ${authority}`,
      `origin: http://${authority}`,
      ...(cookie ? [`cookie: ${cookie}`] : []),
    ];
    const body = fields && new URLSearchParams(fields).toString();
    const request = { method: fields ? "POST" : "GET", target: `${root}${path}`, headers: own };
    return sendRaw(server.endpoint, requestText({ ...request, ...(body !== undefined && { body }) }));
  }

  /** The main host first, then a domain of each pool. */
  async function everywhere({ server, a, b }: Pair): Promise<[string, Where, Where][]> {
    const { host, port } = new URL(server.endpoint);
    const domain = async ({ UserPoolId }: OAuthPlace): Promise<Where> => {
      const Domain = `two-${Math.random().toString(36).slice(2, 10)}`;
      await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
      return { authority: `${Domain}.auth.localhost:${port}`, root: "" };
    };
    const main = ({ UserPoolId }: OAuthPlace): Where => ({ authority: host, root: `/${UserPoolId}` });
    return [
      ["one host", main(a), main(b)],
      ["a domain each", await domain(a), await domain(b)],
    ];
  }

  async function signIn(server: TestServer, where: Where, place: OAuthPlace, secret: string) {
    const fields = { username: "ann", password: secret };
    const answer = await send(server, where, `/login?${query(place)}`, { fields });
    const [cookie = ""] = (answer.headers["set-cookie"] ?? "").split(";");
    return { ...answer, cookie, code: /[?&]code=([^&]+)/.exec(answer.headers["location"] ?? "")?.[1] };
  }

  test("passwords, cookies and sign-outs of one pool are nothing at the other, at the main host and at domains", async () => {
    const both = await pair();
    const { server, a, b } = both;
    for (const [what, atA, atB] of await everywhere(both)) {
      const inA = await signIn(server, atA, a, password);
      const inB = await signIn(server, atB, b, otherPassword);
      assert.ok(inA.code && inB.code, what);
      assert.notEqual(
        inA.cookie.split("=")[0],
        inB.cookie.split("=")[0],
        "each pool has a cookie of its own",
      );
      for (const [where, place, secret] of [
        [atA, a, otherPassword],
        [atB, b, password],
      ] as const) {
        const refused = await signIn(server, where, place, secret);
        assert.deepEqual([refused.status, refused.code, refused.cookie], [200, undefined, ""], what);
      }
      const asked = async (where: Where, place: OAuthPlace, cookie: string) =>
        (await send(server, where, `/oauth2/authorize?${query(place)}&prompt=none`, { cookie })).headers[
          "location"
        ] ?? "";
      const rename = (cookie: string, from: OAuthPlace, to: OAuthPlace) =>
        cookie.replace(from.UserPoolId, to.UserPoolId);
      const jar = `${inA.cookie}; ${inB.cookie}`;
      assert.match(await asked(atA, a, jar), /[?&]code=/);
      assert.match(await asked(atB, b, jar), /[?&]code=/);
      for (const cookie of [
        inA.cookie,
        rename(inA.cookie, a, b),
        `${inA.cookie}; ${rename(inA.cookie, a, b)}`,
        inB.cookie.toLowerCase(),
        inB.cookie.slice(0, -1),
        `__Host-${inB.cookie}`,
      ])
        assert.match(await asked(atB, b, cookie), /error=login_required/, `${what}: ${cookie}`);
      const page = await send(server, atB, `/login?${query(b)}`, { cookie: rename(inA.cookie, a, b) });
      assert.match(page.body, /name="password"/, "nobody may go on as whom they are not");
      // The other browser has its own session, which no sign-out of the first ends.
      const other = await signIn(server, atA, a, password);
      const out = `/logout?${new URLSearchParams({ client_id: a.ClientId, logout_uri: goodbye })}`;
      const left = await send(server, atA, out, { cookie: jar });
      assert.equal(left.headers["location"], goodbye);
      assert.match(left.headers["set-cookie"] ?? "", new RegExp(`^poolhouse-${a.UserPoolId}=; Max-Age=0`));
      assert.match(await asked(atA, a, jar), /error=login_required/);
      assert.match(await asked(atB, b, jar), /[?&]code=/);
      assert.match(await asked(atA, a, other.cookie), /[?&]code=/);
      const crossed = `/logout?${new URLSearchParams({ client_id: a.ClientId, logout_uri: goodbye })}`;
      const refused = await send(server, atB, crossed, { cookie: inB.cookie });
      assert.match(refused.headers["location"] ?? "", /\/error\?error=invalid_client/);
      assert.match(await asked(atB, b, inB.cookie), /[?&]code=/);
    }
  });

  test("codes, tokens and hints of one pool are nothing at the other, and are not used up by it", async () => {
    const { server, a, b } = await pair();
    const { verifier, challenge } = pkce();
    const code = await newCode(a, { ...challenge, scope: "openid aws.cognito.signin.user.admin" });
    for (const [base, ClientId] of [
      [b.base, b.ClientId],
      [b.base, a.ClientId],
      [a.base, b.ClientId],
    ] as const) {
      const answer = await redeem({ base, ClientId }, code, { code_verifier: verifier });
      assert.equal(answer.status, 400);
      assert.match(String(answer.body["error"]), /^invalid_(?:grant|client)$/);
    }
    const { status, body } = await redeem(a, code, { code_verifier: verifier });
    assert.equal(status, 200, "at its own pool it is as good as before");
    const [access, refresh, id] = ["access_token", "refresh_token", "id_token"].map((name) =>
      String(body[name]),
    );
    assert.equal(claimsOf(id)["iss"], a.base);
    const info = (base: string) =>
      fetch(`${base}/oauth2/userInfo`, { headers: { authorization: `Bearer ${access}` } });
    assert.deepEqual([(await info(b.base)).status, (await info(a.base)).status], [401, 200]);
    for (const place of [b, { base: b.base, ClientId: a.ClientId }, { base: a.base, ClientId: b.ClientId }]) {
      const form = { client_id: place.ClientId, refresh_token: refresh!, token: refresh! };
      const fresh = await post(place, { ...form, grant_type: "refresh_token" });
      assert.equal(fresh.status, 400);
      const revoked = await post(place, form, { path: "/oauth2/revoke" });
      const expected = place === b ? 200 : 401;
      assert.equal(revoked.status, expected, `${place.ClientId} at ${place.base}`);
    }
    const user = await server.client.send(new GetUserCommand({ AccessToken: access }));
    assert.equal(user.Username, "ann", "nobody has revoked anything");
    const own = await post(a, {
      grant_type: "refresh_token",
      client_id: a.ClientId,
      refresh_token: refresh!,
    });
    assert.equal(own.status, 200);
    const hint = { id_token_hint: id!, post_logout_redirect_uri: goodbye };
    const left = await fetch(`${b.base}/logout?${new URLSearchParams(hint)}`, {
      redirect: "manual",
      headers: { cookie: b.cookie },
    });
    assert.match(left.headers.get("location") ?? "", /\/error\?error=invalid_request/);
    assert.ok((await authorize(b, { prompt: "none" })).searchParams.get("code"), "still in");
  });

  test("a sign-in that waits at one pool does not go on at the other, nor at another application", async () => {
    const { server, a, b } = await pair();
    for (const { UserPoolId } of [a, b])
      await server.client.send(
        new AdminCreateUserCommand({
          UserPoolId,
          Username: "newbie",
          TemporaryPassword: password,
          MessageAction: "SUPPRESS",
        }),
      );
    const { host } = new URL(server.endpoint);
    const at = ({ UserPoolId }: OAuthPlace): Where => ({ authority: host, root: `/${UserPoolId}` });
    const begun = await send(server, at(a), `/login?${query(a)}`, {
      fields: { username: "newbie", password },
    });
    const session = /name="session" value="([^"]+)"/.exec(begun.body)?.[1] ?? assert.fail(begun.body);
    const fields = {
      challenge: "NEW_PASSWORD_REQUIRED",
      session,
      username: "newbie",
      password: otherPassword,
    };
    const stolen = await send(server, at(b), `/challenge?${query(b)}`, { fields });
    assert.deepEqual(
      [stolen.status, stolen.headers["set-cookie"], stolen.headers["location"]],
      [200, undefined, undefined],
    );
    const done = await send(server, at(a), `/challenge?${query(a)}`, { fields });
    assert.match(done.headers["location"] ?? "", /[?&]code=/, done.body);
    const still = await send(server, at(b), `/login?${query(b)}`, {
      fields: { username: "newbie", password },
    });
    assert.match(
      still.body,
      /name="challenge" value="NEW_PASSWORD_REQUIRED"/,
      "at the other pool nothing has changed",
    );
  });
});
