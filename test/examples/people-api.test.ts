/** examples/people: the API on each kind of database, called by programs with access tokens, good and bad. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CreateGroupCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { openDatabase } from "../../examples/people/api/database.ts";
import { makeClient, makePool } from "../kit/people.ts";
import { addressOf, openRelay } from "../kit/relay.ts";
import { forOneServer } from "../kit/server.ts";
import { type Api, forEachStore, type Pool, setUp, signInByApi, startApi, stopProgram } from "./people.ts";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Words of our statements and of what databases say about them. */
const ofDatabases =
  /select|insert|update|delete from|sqlite|mysql|mariadb|postgres|knex|syntax|constraint|column|stack|\.ts\b/i;

/** Asks, and holds every error against RFC 9457. */
async function ask(
  api: Api,
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
): Promise<Answer> {
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { "content-type": type }),
  };
  const init = { method, headers, ...(body !== undefined && { body: written(body) }) };
  const answer = await fetch(new URL(path, api.url), init);
  const text = await answer.text();
  if (!answer.ok) {
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json\b/);
    const problem = JSON.parse(text) as Record<string, unknown>;
    assert.equal(problem["status"], answer.status);
    assert.equal(typeof problem["title"], "string");
    assert.equal(typeof problem["detail"], "string");
    assert.doesNotMatch(text, ofDatabases);
  }
  return { status: answer.status, headers: answer.headers, body: text === "" ? {} : JSON.parse(text) };
}

const written = (body: unknown) => (typeof body === "string" ? body : JSON.stringify(body));

const ada = {
  name: "Ada Lovelace",
  email: "ada@mail.example",
  status: "away",
  address: { street: "12 St James's Square", postcode: "SW1Y 4JH", city: "London" },
};

const pointersOf = ({ body }: Answer) =>
  (body["errors"] as { pointer: string }[]).map(({ pointer }) => pointer);

const namesOf = ({ body }: Answer) => (body["people"] as { name: string }[]).map(({ name }) => name);

forOneServer("sqlite", "the API of examples/people", (open) => {
  let made: Promise<Pool> | undefined;
  const pool = () => {
    made ??= open().then(setUp);
    return made;
  };

  forEachStore((fresh, name) => {
    let started: Promise<Api> | undefined;
    const start = async () => {
      started ??= fresh().then(async (url) => startApi(url, { settings: (await pool()).settings }));
      const { AccessToken } = await signInByApi(await pool(), "ada");
      return { api: await started, token: AccessToken! };
    };

    test("people are added, read, changed and removed", async () => {
      const { api, token } = await start();
      const added = await ask(api, token, "POST", "/people", ada);
      assert.equal(added.status, 201);
      const { id } = added.body;
      assert.equal(typeof id, "number");
      assert.equal(added.headers.get("location"), `/people/${id}`);
      const path = `/people/${id}`;
      const read = async () => (await ask(api, token, "GET", path)).body;
      assert.deepEqual(await read(), { id, ...ada });
      const moved = { ...ada, status: "active", address: { ...ada.address, city: "Ockham" } };
      // The second time nothing changes, but she is there.
      for (const _ of [1, 2]) assert.equal((await ask(api, token, "PUT", path, moved)).status, 204);
      assert.deepEqual(await read(), { id, ...moved });
      const { address: _, status: __, ...least } = ada;
      assert.equal((await ask(api, token, "PUT", path, least)).status, 204);
      assert.deepEqual(await read(), { id, ...least, status: "active", address: null });
      assert.equal((await ask(api, token, "PUT", path, ada)).status, 204);
      assert.equal((await ask(api, token, "DELETE", path)).status, 204);
      for (const method of ["GET", "PUT", "DELETE"])
        assert.equal((await ask(api, token, method, path, method === "PUT" ? ada : undefined)).status, 404);
      assert.deepEqual((await ask(api, token, "GET", "/people")).body, {
        ...{ people: [], total: 0, page: 1, pages: 1 },
      });
    });

    test("a list is searched and comes in pages, and what is searched for is text", async () => {
      const { api, token } = await start();
      const names = [
        "Zoë Ångström",
        "ann 100%",
        "Bob_Jones",
        "O'Brien; drop table people; --",
        "名前",
        "C!",
        "D\\E",
      ];
      for (const one of names)
        await ask(api, token, "POST", "/people", { name: one, email: `x${names.indexOf(one)}@mail.example` });
      const list = (query: Record<string, string>) =>
        ask(api, token, "GET", `/people?${new URLSearchParams(query)}`);
      const everybody = await list({});
      assert.equal(everybody.body["total"], names.length);
      assert.deepEqual(namesOf(everybody).toSorted(), names.toSorted());
      assert.deepEqual(namesOf(everybody).slice(0, 2), ["ann 100%", "Bob_Jones"], "in the order of names");
      const pages = await Promise.all(["1", "2", "3", "4"].map((page) => list({ page, limit: "3" })));
      assert.deepEqual(pages.flatMap(namesOf), namesOf(everybody));
      assert.deepEqual(
        pages.map(({ body }) => [(body["people"] as unknown[]).length, body["page"], body["pages"]]),
        [
          [3, 1, 3],
          [3, 2, 3],
          [1, 3, 3],
          [0, 4, 3],
        ],
      );
      const found: Record<string, string[]> = {
        "ANN 1": ["ann 100%"],
        ZOË: ["Zoë Ångström"],
        ångSTRÖM: ["Zoë Ångström"],
        "%": ["ann 100%"],
        _: ["Bob_Jones"],
        "!": ["C!"],
        "\\": ["D\\E"],
        "' or 1=1 --": [],
        "O'Brien; drop": [names[3]!],
        名: ["名前"],
        "X3@mail": [names[3]!],
        "🙂": [],
      };
      for (const [search, expected] of Object.entries(found))
        assert.deepEqual(namesOf(await list({ search })), expected, search);
      for (const wrong of [
        "page=0",
        "page=-1",
        "page=1e3",
        "page=a",
        "page=1&page=2",
        "limit=0",
        "limit=101",
      ])
        assert.equal((await ask(api, token, "GET", `/people?${wrong}`)).status, 400, wrong);
      for (const wrong of ["search=%00", `search=${"x".repeat(201)}`, "search=a&search=b"])
        assert.equal((await ask(api, token, "GET", `/people?${wrong}`)).status, 400, wrong);
    });

    test("what is no person is refused, and it is said what is wrong with it", async () => {
      const { api, token } = await start();
      const before = (await ask(api, token, "GET", "/people")).body["total"];
      const wrong: [unknown, string[]][] = [
        [{}, ["#/name", "#/email"]],
        [[ada], ["#/name", "#/email"]],
        [{ ...ada, name: 1 }, ["#/name"]],
        [{ ...ada, name: { $ne: "" } }, ["#/name"]],
        [{ ...ada, name: " " }, ["#/name"]],
        [{ ...ada, name: "x".repeat(201) }, ["#/name"]],
        [{ ...ada, name: "a\0b" }, ["#/name"]],
        [{ ...ada, name: "a\nb" }, ["#/name"]],
        ['{"name":"a\\ud800","email":"a@b"}', ["#/name"]],
        [{ ...ada, email: "ada" }, ["#/email"]],
        [{ ...ada, email: `${"x".repeat(250)}@mail` }, ["#/email"]],
        [{ ...ada, status: "gone" }, ["#/status"]],
        [{ ...ada, status: null }, ["#/status"]],
        [{ ...ada, address: "London" }, ["#/address"]],
        [{ ...ada, address: [] }, ["#/address"]],
        [{ ...ada, address: { ...ada.address, postcode: " " } }, ["#/address/postcode"]],
        [{ ...ada, address: { city: "London" } }, ["#/address/street", "#/address/postcode"]],
      ];
      for (const [body, pointers] of wrong) {
        const answer = await ask(api, token, "POST", "/people", body);
        assert.equal(answer.status, 400, JSON.stringify(body));
        assert.deepEqual(pointersOf(answer), pointers, JSON.stringify(body));
        if (pointers.includes("#/address/postcode"))
          assert.match(JSON.stringify(answer.body), /is missing: an address needs a street, a postcode/);
      }
      for (const body of ["{", '"text"', "null"])
        assert.equal((await ask(api, token, "POST", "/people", body)).status, 400, body);
      const large = { ...ada, more: "x".repeat(20_000) };
      assert.equal((await ask(api, token, "POST", "/people", large)).status, 413);
      for (const [method, path] of [
        ["POST", "/people"],
        ["PUT", "/people/1"],
      ] as const)
        for (const type of ["application/x-www-form-urlencoded", "application/json;charset=latin1", ""]) {
          const answer = await ask(api, token, method, path, ada, type);
          assert.deepEqual([answer.status, answer.body["title"]], [415, "Unsupported Media Type"], type);
        }
      assert.equal((await ask(api, token, "GET", "/people")).body["total"], before);
      // The longest that is allowed is kept as it is, in characters outside of the first plane as well.
      const longest = {
        ...ada,
        name: "🙂".repeat(200),
        address: { ...ada.address, street: "Ä".repeat(200) },
      };
      const { id } = (await ask(api, token, "POST", "/people", longest)).body;
      assert.deepEqual((await ask(api, token, "GET", `/people/${id}`)).body, { id, ...longest });
    });

    test("who is not there is not found, whatever stands for the id", async () => {
      const { api, token } = await start();
      const ids = [
        "0",
        "-1",
        "999999",
        "9999999999999",
        "1e1",
        "01",
        "a",
        "1;drop%20table%20people",
        "%00",
        "null",
      ];
      for (const id of ids) assert.equal((await ask(api, token, "GET", `/people/${id}`)).status, 404, id);
      for (const path of ["/people/1/more", "/nothing"])
        assert.equal((await ask(api, token, "GET", path)).status, 404, path);
      assert.equal((await ask(api, token, "GET", "/people/%E0%A4%A")).status, 400);
    });

    test("a table that is gone is an error without a word of it", async () => {
      const url = await fresh();
      const { token } = await start();
      const api = await startApi(url, { settings: (await pool()).settings });
      const other = openDatabase(url);
      await other.schema.dropTable("addresses");
      await other.destroy();
      const broken = await ask(api, token, "POST", "/people", ada);
      assert.deepEqual(
        [broken.status, broken.body["detail"]],
        [500, "Something went wrong here. The change may have been made: check before you try again."],
      );
      const read = await ask(api, token, "GET", "/people/1");
      assert.equal(read.body["detail"], "Something went wrong here. Please try again in a moment.");
      assert.match(api.said(), /addresses/, "the log has it");
      assert.doesNotMatch(api.said(), /Lovelace|ada@|St James|London/, "without the values");
      await stopProgram(api);
    });

    test("what an index of the operator's own refuses is logged without the values", async () => {
      const url = await fresh();
      const { token } = await start();
      const api = await startApi(url, { settings: (await pool()).settings });
      const other = openDatabase(url);
      await other.schema.alterTable("people", (table) => void table.unique(["email"]));
      await other.destroy();
      assert.equal((await ask(api, token, "POST", "/people", ada)).status, 201);
      assert.equal((await ask(api, token, "POST", "/people", ada)).status, 500);
      assert.match(api.said(), /^Error.*\n +at /m);
      assert.doesNotMatch(api.said(), /Lovelace|ada@/);
      await stopProgram(api);
    });

    if (name === "sqlite") {
      test("reading needs a token, writing the group Admin", async () => {
        const { api, token: admin } = await start();
        const { AccessToken: reader } = await signInByApi(await pool(), "rob");
        const { id } = (await ask(api, admin, "POST", "/people", ada)).body;
        const routes: [string, string, unknown?][] = [
          ["GET", "/people"],
          ["GET", `/people/${id}`],
          ["POST", "/people", ada],
          ["PUT", `/people/${id}`, ada],
          ["DELETE", `/people/${id}`],
        ];
        const statuses = async (token: string | undefined) => {
          const all = [];
          for (const [method, path, body] of routes)
            all.push((await ask(api, token, method, path, body)).status);
          return all;
        };
        assert.deepEqual(await statuses(undefined), [401, 401, 401, 401, 401]);
        assert.deepEqual(await statuses(reader), [200, 200, 403, 403, 403]);
        assert.deepEqual(await statuses(admin), [200, 200, 201, 204, 204]);
        // Rights come first: who may not write learns nothing about bodies and ids.
        assert.equal((await ask(api, undefined, "POST", "/people", "x".repeat(20_000))).status, 401);
        assert.equal((await ask(api, reader, "PUT", "/people/999999", "{")).status, 403);
        assert.equal((await fetch(new URL("/healthz", api.url))).status, 200);
      });

      test("every token that is not a live access token of this pool for it is refused", async () => {
        const { api } = await start();
        const refused = await badTokens(await pool());
        for (const [what, token] of Object.entries(refused)) {
          const answer = await ask(api, token, "GET", "/people");
          assert.equal(answer.status, 401, what);
          const challenge = token === "" ? /^Bearer$/ : /^Bearer error="invalid_token"/;
          assert.match(answer.headers.get("www-authenticate") ?? "", challenge, what);
        }
        const none = await ask(api, undefined, "GET", "/people");
        assert.equal(none.headers.get("www-authenticate"), "Bearer");
      });

      test("another connection that writes is waited for, while all else is answered; its file is private", async () => {
        const file = await fresh();
        const api = await startApi(file, { settings: (await pool()).settings });
        const { token } = await start();
        assert.equal(statSync(file).mode & 0o777, 0o600);
        const healthy = () => fetch(new URL("/healthz", api.url)).then(({ status }) => status);
        const other = new DatabaseSync(file);
        other.exec("begin immediate");
        const waiting = ask(api, token, "POST", "/people", ada);
        for (const _ of Array(20)) assert.equal(await healthy(), 200);
        other.exec("commit");
        assert.equal((await waiting).status, 201);
        other.exec("begin immediate");
        const busy = await ask(api, token, "POST", "/people", ada);
        assert.deepEqual(
          [busy.status, busy.body["detail"]],
          [503, "The database is busy. Please try again in a moment."],
        );
        other.exec("commit");
        other.close();
        await stopProgram(api);
      });

      test("a user pool that cannot be reached, or hangs, is not the token's fault", async () => {
        const hanging = await openRelay(addressOf((await pool()).server.endpoint), () => false);
        for (const port of [1, hanging.port]) {
          const ISSUER = `http://localhost:${port}/us-east-1_None`;
          const api = await startApi(await fresh(), { settings: { ...(await pool()).settings, ISSUER } });
          // Only a token that names this issuer has its keys asked for.
          const token = new SignJWT({ iss: ISSUER, sub: "somebody" }).setExpirationTime("1h");
          const signed = await token.setProtectedHeader({ alg: "RS256", kid: "k" }).sign(privateKey);
          assert.equal((await ask(api, signed, "GET", "/people")).status, 503);
          await stopProgram(api);
        }
        await hanging.cut();
      });
    }
  });
});

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

async function badTokens(pool: Pool): Promise<Record<string, string>> {
  const genuine = await signInByApi(pool, "rob");
  const token = genuine.AccessToken!;
  const [header, , signature] = token.split(".");
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = part({ ...decodeJwt(token), "cognito:groups": ["Admin"] });
  const forged = new SignJWT(decodeJwt(token)).setProtectedHeader({
    ...decodeProtectedHeader(token),
    alg: "RS256",
  });
  return {
    nothing: "",
    "no token": "ada",
    "an ID token": genuine.IdToken!,
    "a refresh token": genuine.RefreshToken!,
    "other claims": `${header}.${claims}.${signature}`,
    "alg none": `${part({ alg: "none" })}.${claims}.`,
    "another key": await forged.sign(privateKey),
    "another client": await tokenOfOtherClient(pool),
    "another pool": await tokenOfOtherPool(pool),
    expired: await expiredToken(pool),
  };
}

async function tokenOfOtherClient(pool: Pool): Promise<string> {
  const { ClientId } = await makeClient(pool.server, pool.settings["USER_POOL_ID"]!, {
    ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
  });
  return (await signInByApi(pool, "ada", { ClientId })).AccessToken!;
}

/** Of a user of the same name, in a group of the same name. */
async function tokenOfOtherPool(pool: Pool): Promise<string> {
  const { client } = pool.server;
  const { UserPoolId, ClientId } = await makePool(
    pool.server,
    {},
    { ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] },
  );
  const other = { UserPoolId, Username: "ada" };
  await client.send(new AdminCreateUserCommand({ ...other, MessageAction: "SUPPRESS" }));
  const Password = pool.settings["USERS_PASSWORD"]!;
  await client.send(new AdminSetUserPasswordCommand({ ...other, Password, Permanent: true }));
  await client.send(new CreateGroupCommand({ UserPoolId, GroupName: "Admin" }));
  await client.send(new AdminAddUserToGroupCommand({ ...other, GroupName: "Admin" }));
  return (await signInByApi(pool, "ada", { UserPoolId, ClientId })).AccessToken!;
}

/** The tokens of scripts live for five minutes, as those of browsers do. */
async function expiredToken(pool: Pool): Promise<string> {
  const { clock } = pool.server;
  const longAgo = 6 * 60_000;
  clock.advance(-longAgo);
  try {
    return (await signInByApi(pool, "ada")).AccessToken!;
  } finally {
    clock.advance(longAgo);
  }
}
