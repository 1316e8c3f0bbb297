/** The routes that are remembered by path are those that Hono's router finds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TrieRouter } from "hono/router/trie-router";
import { poolPath } from "../../src/http/place.ts";
import { PoolRouter } from "../../src/http/pool-router.ts";

const routes: readonly [method: string, path: string][] = [
  ["ALL", "/*"],
  ["GET", "/readyz"],
  ["GET", `${poolPath}/login`],
  ["POST", `${poolPath}/login`],
  ["ALL", `${poolPath}/oauth2/authorize`],
  ["GET", `${poolPath}/.well-known/jwks.json`],
  ["GET", `${poolPath}/assets/:name`],
  ["GET", `${poolPath}/:page{about}`],
  ["GET", "/.well-known/oauth-authorization-server/:poolId{[\\w-]+_[0-9a-zA-Z]+}"],
];

const pools = ["us-east-1_Abc", "eu-west-3_Z9"];
const paths = [
  ...[
    "/readyz",
    "/nothing",
    "/login",
    "/us-east-1/login",
    "/.well-known/oauth-authorization-server/us-east-1_Abc",
  ],
  ...pools.flatMap((pool) =>
    [
      "/login",
      "/oauth2/authorize",
      "/.well-known/jwks.json",
      "/assets/login",
      "/about",
      "/other",
      "",
      "/",
    ].map((below) => `/${pool}${below}`),
  ),
];

test("the same handlers with the same pool, the first time and again", () => {
  const [ours, honos] = [new PoolRouter<string>(), new TrieRouter<string>()];
  for (const [method, path] of routes)
    for (const router of [ours, honos]) router.add(method, path, `${method} ${path}`);
  for (const _time of [1, 2])
    for (const method of ["GET", "POST", "OPTIONS"])
      for (const path of paths) {
        const [[found], [expected]] = [ours.match(method, path), honos.match(method, path)];
        const about = `${method} ${path}`;
        assert.deepEqual(
          found.map(([handler]) => handler),
          expected.map(([handler]) => handler),
          about,
        );
        for (const [at, [, params]] of expected.entries())
          for (const [name, value] of Object.entries(params))
            assert.equal((found[at]![1] as Record<string, unknown>)[name], value, about);
      }
});

test("routes that are added later are found", () => {
  const router = new PoolRouter<string>();
  router.add("GET", `${poolPath}/login`, "first");
  const handlers = () => router.match("GET", "/us-east-1_Abc/login")[0].map(([handler]) => handler);
  assert.deepEqual(handlers(), ["first"]);
  assert.deepEqual(handlers(), ["first"]);
  router.add("GET", `${poolPath}/login`, "second");
  assert.deepEqual(handlers(), ["first", "second"]);
});
