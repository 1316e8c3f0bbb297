/** What is neither a right request nor an honest mistake: types, doubled and oversized parameters, odd headers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeClient } from "../api/people.ts";
import { forEachServer } from "../api/server.ts";
import { placesOf } from "./raw.ts";
import { authorize, callback, claimsOf, newCode, pkce, post, redeem, setUp } from "./support.ts";

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

forEachServer("confusion", (open) => {
  test("the token endpoint takes forms alone, and nothing out of the query", async () => {
    const server = await open();
    const place = await setUp(server);
    const fields = { grant_type: "authorization_code", client_id: place.ClientId, redirect_uri: callback };
    const code = await newCode(place);
    const body = form({ ...fields, code });
    const { main } = await placesOf(server, place);
    const token = (target: string, type: string | undefined, text: string) =>
      main({ method: "POST", target, body: text, headers: [`content-type: ${type}`] });
    for (const type of [
      ...["application/json", "text/plain", "text/html", "multipart/form-data; boundary=x", "*/*", "", ";"],
      ...[
        "application/x-www-form-urlencodedx",
        "x-application/x-www-form-urlencoded",
        "application/x-www-form",
      ],
      ...[
        "text/plain; application/x-www-form-urlencoded",
        "application/json, application/x-www-form-urlencoded",
      ],
    ]) {
      const answer = await token("/oauth2/token", type, body);
      assert.equal(answer.status, 400, type);
      assert.equal(JSON.parse(answer.body).error, "invalid_request", type);
    }
    for (const text of [
      JSON.stringify({ ...fields, code }),
      `\r\n${body}`,
      `code=${code}`,
      "",
      "&&&",
      "====",
      "%",
      "\0",
    ]) {
      const answer = await token(`/oauth2/token?${body}`, "application/x-www-form-urlencoded", text);
      assert.equal(answer.status, 400, text);
    }
    const odd = "Application/X-WWW-Form-Urlencoded ;charset=ISO-8859-1";
    const answer = await token("/oauth2/token?grant_type=client_credentials&code=x", odd, body);
    assert.equal(answer.status, 200, "none of these has burnt the code");
  });

  test("a parameter twice is refused in every form, however its name is written", async () => {
    const server = await open();
    const place = await setUp(server);
    const code = await newCode(place);
    const { main } = await placesOf(server, place);
    const body = form({
      grant_type: "authorization_code",
      client_id: place.ClientId,
      redirect_uri: callback,
      code,
    });
    const headers = [`cookie: ${place.cookie}`];
    for (const more of [
      ...[
        "code=x",
        "%63ode=x",
        "client_id=x",
        `redirect_uri=${encodeURIComponent(callback)}`,
        "grant_type=",
        "code=",
      ],
      ...["grant_type=authorization_code", "client%5Fid=x", "redirect_uri=", "x=1&x=2", "=&="],
    ])
      for (const text of [`${body}&${more}`, `${more}&${body}`]) {
        const answer = await main({ method: "POST", target: "/oauth2/token", body: text });
        assert.deepEqual([answer.status, JSON.parse(answer.body).error], [400, "invalid_request"], text);
        const asked = await main({ method: "POST", target: "/oauth2/authorize", body: text, headers });
        assert.equal(asked.status, 400, text);
      }
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    for (const more of [
      "client_id=x",
      "client%5fid=x",
      "redirect_uri=https://evil.example/",
      "redirect%5Furi=x",
    ])
      for (const text of [`${query}&${more}`, `${more}&${query}`])
        for (const path of ["/oauth2/authorize", "/login"]) {
          const { headers: told } = await main({ target: `${path}?${text}`, headers });
          assert.match(told["location"] ?? "", /\/error\?error=invalid_request/, `${path} ${text}`);
        }
    // Of a POST the form counts, whatever stands in its query.
    const evil = form({ redirect_uri: "https://evil.example/", client_id: "x", state: "evil" });
    const { headers: told } = await main({
      method: "POST",
      target: `/oauth2/authorize?${evil}`,
      body: query,
      headers,
    });
    assert.match(told["location"] ?? "", /^http:\/\/localhost:9999\/callback\?kept=1&code=/);
    assert.doesNotMatch(told["location"] ?? "", /evil/);
    assert.equal((await redeem(place, code)).status, 200);
  });

  test("an empty value before the real one takes nothing away from it", async () => {
    const place = await setUp(await open());
    const { verifier, challenge } = pkce();
    const raw = `&scope=&code_challenge=&code_challenge_method=&nonce=&state=&prompt=&${form({ ...challenge, scope: "openid", nonce: "n1", state: "s2" })}`;
    const location = await authorize(place, { state: undefined }, raw);
    assert.equal(location.searchParams.get("state"), "s2");
    const code = location.searchParams.get("code") ?? assert.fail(location.href);
    const { body } = await redeem(place, code, { code_verifier: verifier });
    assert.equal(claimsOf(body["access_token"])["scope"], "openid");
    assert.equal(claimsOf(body["id_token"])["nonce"], "n1");
    const bare = (await authorize(place, {}, raw.replace("&state=s2", ""))).searchParams.get("code") ?? "";
    assert.equal((await redeem(place, bare)).body["error"], "invalid_grant", "the challenge is in force");
    const none = await authorize(place, {}, "&prompt=&prompt=login");
    assert.match(none.pathname, /\/login$/);
  });

  test("response types that are not one of the two give nothing", async () => {
    const place = await setUp(await open());
    for (const response_type of [
      ...["code token", "token code", "code id_token", "id_token token", "id_token", "none", "code,token"],
      ...[
        "CODE",
        "Token",
        " code",
        "code ",
        "code\0",
        "code\ttoken",
        "code;token",
        "[code]",
        "toString",
        "__proto__",
      ],
    ]) {
      const location = await authorize(place, { response_type, nonce: "n" });
      const told = new URLSearchParams(`${location.search.slice(1)}&${location.hash.slice(1)}`);
      assert.equal(told.get("error"), "unsupported_response_type", JSON.stringify(response_type));
      assert.deepEqual(
        [told.get("code"), told.get("access_token"), told.get("id_token")],
        [null, null, null],
      );
    }
  });

  test("odd Authorization headers are no client, and no defect", async () => {
    const server = await open();
    const place = await setUp(server, { GenerateSecret: true });
    const { ClientId, ClientSecret = "" } = place;
    const other = await makeClient(server, place.UserPoolId, { GenerateSecret: true });
    const { main } = await placesOf(server, place);
    const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString("base64")}`;
    const right = `${ClientId}:${ClientSecret}`;
    const headers = [
      ...[
        "Basic",
        "Basic ",
        "Basic =",
        "Basic !!!",
        "Basic ====",
        "Bearer x",
        `Basic ${right}`,
        "Digest a=b",
        ",",
      ],
      ...[
        "",
        ":",
        "::",
        ClientId,
        `${ClientId}:`,
        `:${ClientSecret}`,
        `${ClientId}::${ClientSecret}`,
        `${right}\0`,
      ].map(basic),
      ...[
        `${right}\n`,
        ` ${right}`,
        `${right} `,
        `${right}:`,
        `\ufeff${right}`,
        `${ClientId}\0:${ClientSecret}`,
      ].map(basic),
      ...[
        "%:%",
        "%00:%00",
        "%zz:%zz",
        `${ClientId}:%`,
        `${ClientId}:%25`,
        `${right}%00`,
        "é:ü",
        "\u{1f600}:x",
      ].map(basic),
      ...[
        `${other.ClientId}:${ClientSecret}`,
        `${ClientId}:${other.ClientSecret}`,
        `${ClientId.toUpperCase()}:${ClientSecret}`,
      ].map(basic),
      ...[Buffer.from([0xff, 0xfe, 0x3a, 0xff]), Buffer.alloc(3_000, "a:")].map(basic),
      `${basic(right)}, ${basic(right)}`,
      `${basic(right)} x`,
    ];
    for (const header of headers) {
      const answer = await main({
        method: "POST",
        target: "/oauth2/token",
        headers: [`authorization: ${header}`],
        body: form({ grant_type: "authorization_code", code: "x", redirect_uri: callback }),
      });
      const { error } = JSON.parse(answer.body);
      assert.ok([400, 401].includes(answer.status), `${answer.status} for ${header}`);
      // "Basic :secret" names nobody, which is another mistake.
      assert.match(error, /^(?:invalid_client|invalid_request)$/, header);
    }
    const encoded = [...right]
      .map((one) => (one === ":" ? one : `%${one.charCodeAt(0).toString(16)}`))
      .join("");
    for (const text of [right, encoded]) {
      const form_ = { grant_type: "authorization_code", code: await newCode(place), redirect_uri: callback };
      assert.equal((await post(place, form_, { basic: text })).status, 200, text);
    }
    const both = {
      grant_type: "authorization_code",
      code: "x",
      redirect_uri: callback,
      client_secret: ClientSecret,
    };
    assert.equal((await post(place, both, { basic: right })).body["error"], "invalid_request");
    const mixed = { grant_type: "authorization_code", code: "x", client_id: other.ClientId };
    assert.equal((await post(place, mixed, { basic: right })).body["error"], "invalid_request");
  });

  test("what is too big is refused, and a big cookie is no reason to fail", async () => {
    const server = await open();
    const place = await setUp(server);
    const { main } = await placesOf(server, place);
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    const long = (bytes: number) => "a".repeat(bytes);
    assert.equal((await main({ target: `/login?${query}&x=${long(20_000)}` })).status, 431);
    assert.equal((await main({ target: `/login?${query}`, headers: [`x: ${long(20_000)}`] })).status, 431);
    const headers = [`origin: ${server.endpoint}`];
    for (const [path, status] of [
      ["/oauth2/token", 400],
      ["/oauth2/revoke", 400],
      ["/oauth2/userInfo", 400],
      ["/oauth2/authorize", 400],
      ["/logout", 400],
      [`/login?${query}`, 303],
      [`/signup?${query}`, 303],
    ] as const) {
      const many = Array.from({ length: 9_000 }, (_, index) => `p${index}=1`).join("&");
      for (const body of [`username=${long(70_000)}`, many, `${"&".repeat(70_000)}a=b`]) {
        const answer = await main({ method: "POST", target: path, headers, body });
        assert.equal(answer.status, status, `${path}: ${answer.body}`);
        if (status === 303) assert.match(answer.headers["location"] ?? "", /\/error\?error=invalid_request/);
      }
    }
    const [name = ""] = place.cookie.split("=");
    const crowd = Array.from({ length: 200 }, (_, index) => `c${index}=v`).join("; ");
    for (const [cookie, isIn] of [
      [`big=${long(8_000)}; ${place.cookie}`, true],
      [`${crowd}; ${place.cookie}; ${crowd}`, true],
      [`${name}=${long(8_000)}`, false],
      [`${name}=`, false],
      [`${name}=%00`, false],
      [`${name}="; ${name}=x`, false],
      [`=; ;;; ${place.cookie.toUpperCase()}`, false],
      [`__proto__=x; ${name}`, false],
    ] as const) {
      const answer = await main({ target: `/oauth2/authorize?${query}`, headers: [`cookie: ${cookie}`] });
      assert.equal(answer.status, 302);
      assert.match(answer.headers["location"] ?? "", isIn ? /[?&]code=/ : /\/login\?/, cookie.slice(0, 60));
    }
  });

  test("the work that a form makes grows with its length, not with the square of it", async () => {
    const place = await setUp(await open());
    const known = { response_type: "none", client_id: place.ClientId, redirect_uri: callback };
    /** Processor time, which waiting does not add to. */
    const cost = async (count: number) => {
      const names = Array.from({ length: count }, (_, index) => `p${index}=1`);
      const body = `${form(known)}&${names.join("&")}`;
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const before = process.cpuUsage();
      for (let turn = 0; turn < 3; turn++) {
        const request = { method: "POST", body, headers, redirect: "manual" } as const;
        const answer = await fetch(`${place.base}/oauth2/authorize`, request);
        assert.match(answer.headers.get("location") ?? "", /error=unsupported_response_type/);
      }
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    await cost(900);
    const [few, many] = [await cost(900), await cost(7_200)];
    assert.ok(many < 20 * few, `${many} µs for eight times what costs ${few} µs`);
  });

  test("bytes that no URL has: the state goes back as it came, at the domain as well", async () => {
    const server = await open();
    const place = await setUp(server);
    const query = form({ response_type: "code", client_id: place.ClientId, redirect_uri: callback });
    for (const [where, send] of Object.entries(await placesOf(server, place)))
      for (const [raw, back = raw] of [
        ["a'b"],
        ['"<>'],
        ["{|}^`\\"],
        ["a%2fb%2Fc%20+d"],
        ["%ff%00%0d%0a"],
        ["~!*()';:@,/?$="],
        ["a#b", "a"],
      ] as [string, string?][]) {
        const answer = await send({
          target: `/oauth2/authorize?${query}&state=${raw}`,
          headers: [`cookie: ${place.cookie}`],
        });
        assert.ok(
          answer.headers["location"]?.endsWith(`&state=${back}`),
          `${where}: ${raw}: ${answer.headers["location"]}`,
        );
      }
    const { main } = await placesOf(server, place);
    for (const raw of ["\xc3\xa4", "a\tb", "a\x7fb", "a\0b", "a\x01b", "a\rb", "\xff"])
      assert.equal((await main({ target: `/oauth2/authorize?${query}&state=${raw}` })).status, 400, raw);
  });

  test("a code used again while its tokens are refreshed leaves none of them alive", async () => {
    const place = await setUp(await open());
    const code = await newCode(place, { scope: "openid" });
    const { body } = await redeem(place, code);
    const refresh = () =>
      post(place, {
        grant_type: "refresh_token",
        client_id: place.ClientId,
        refresh_token: String(body["refresh_token"]),
      });
    const raced = await Promise.all([
      refresh(),
      redeem(place, code),
      refresh(),
      redeem(place, code),
      refresh(),
      refresh(),
    ]);
    assert.ok(raced.every(({ status }) => [200, 400].includes(status)));
    assert.equal((await refresh()).body["error"], "invalid_grant");
    for (const token of [body, ...raced.map((one) => one.body)]
      .map((one) => one["access_token"])
      .filter(Boolean)) {
      const told = await fetch(`${place.base}/oauth2/userInfo`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(told.status, 401);
    }
  });

  test("of right and wrong verifiers at once at most one gets tokens", async () => {
    const place = await setUp(await open());
    for (let turn = 0; turn < 5; turn++) {
      const { verifier, challenge } = pkce();
      const code = await newCode(place, challenge);
      const tries = [pkce().verifier, verifier, "", verifier, pkce().verifier];
      const answers = await Promise.all(
        tries.map((one) => redeem(place, code, one === "" ? {} : { code_verifier: one })),
      );
      assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
      assert.equal((await redeem(place, code, { code_verifier: verifier })).status, 400);
    }
  });
});
