/** Paths that a proxy might read differently: none leads to what its normal form leads to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forOneServer } from "../kit/server.ts";
import { placesOf, requestText, sendRaw } from "./raw.ts";
import { setUp } from "./support.ts";

/** Spellings of a path by which a lenient reader would come to it. */
function spellings(path: string): string[] {
  const [, first = "", ...rest] = path.split("/");
  const tail = rest.map((segment) => `/${segment}`).join("");
  const encoded = (text: string) => `%${text.charCodeAt(0).toString(16)}`;
  return [
    ...[`/${path}`, `${path}//`, `/x//${first}${tail}`, `/${first}/${tail}`, `//localhost${path}`],
    ...[`/.${path}`, `/./${first}${tail}`, `/x/..${path}`, `/x/../..${path}`, `${path}/.`, `${path}/..`],
    ...[`/%2e${path}`, `/x/%2e%2e${path}`, `/x/%2E.${path}`, `/x/.%2e${path}`, `${path}/x/%2e%2e`],
    ...[`/x/%252e%252e${path}`, `/x/%c0%ae%c0%ae${path}`, `/x/%u002e%u002e${path}`, `/x/..;${path}/%2e%2e`],
    ...[`/x%2f..${path}`, `/x/..%2f${first}${tail}`, `/%2F${first}${tail}`, `${path}%2f`, `${path}%2Fx%2F..`],
    ...[`/\\${first}${tail}`, `/x\\..${path}`, `/x/..\\${first}${tail}`, `/x/%5c..%5c..${path}`, `${path}\\`],
    ...[`/${encoded(first)}${first.slice(1)}${tail}`, `${path.slice(0, -1)}${encoded(path.slice(-1))}`],
    ...["%00", "%09", "%0d%0aX:y", "%20", "%23x", "%3Fx", "%ff", "%C3%A4", "%", "%2", "%zz"].map(
      (end) => path + end,
    ),
    ...["#x", "|x", "^", "`", '"', "<", "{x}"].map((end) => path + end),
  ];
}

forOneServer("sqlite", "paths", (open) => {
  test("a path that is not in normal form leads nowhere", async () => {
    const server = await open();
    const place = await setUp(server);
    const { main, domain } = await placesOf(server, place);
    const { host } = new URL(server.endpoint);
    const own = ({ target }: { target: string }) =>
      sendRaw(server.endpoint, requestText({ target, headers: [`host: ${host}`] }));
    const places = {
      main,
      domain,
      server: own,
    };
    const ofPool = ["/oauth2/authorize", "/login", "/.well-known/jwks.json", "/signedout"];
    const paths = {
      main: ofPool,
      domain: ofPool,
      server: ["/readyz", "/metrics", "/tls/ask", "/inbox/messages"],
    };
    for (const [name, send] of Object.entries(places))
      for (const path of paths[name as keyof typeof paths]) {
        assert.notEqual((await send({ target: `${path}?domain=localhost` })).status, 404, path);
        for (const target of spellings(path)) {
          const { status, body } = await send({ target: `${target}?domain=localhost` });
          assert.equal(status, 404, `${target}, ${name}`);
          assert.equal(body, '{"message":"There is nothing here."}', target);
        }
      }
  });

  test("a browser gets the page for what is not there", async () => {
    const server = await open();
    const headers = { accept: "text/html,*/*;q=0.8", "accept-language": "de" };
    const pageAt = async (target: string) => {
      const answer = await fetch(`${server.endpoint}${target}`, { headers });
      return {
        status: answer.status,
        policy: answer.headers.get("content-security-policy"),
        text: await answer.text(),
      };
    };
    const expected = await pageAt("/nothing");
    assert.match(expected.text, /<html lang="de"/);
    for (const target of ["/%20", "//x", "/a%2fb"]) assert.deepEqual(await pageAt(target), expected, target);
  });

  test("nor to the API, nor the pool's own id in another spelling", async () => {
    const server = await open();
    const { UserPoolId } = await setUp(server);
    const { host } = new URL(server.endpoint);
    const headers = [`host: ${host}`, "x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth"];
    const post = (target: string) =>
      sendRaw(server.endpoint, requestText({ method: "POST", target, headers, body: "{}" }));
    assert.equal((await post("/")).status, 400);
    for (const target of ["//", "/.", "/x/..", "/%2e", "/./", "/x/%2e%2e", "/\\", "/%2f", "/%3f"])
      assert.equal((await post(target)).status, 404, target);
    for (const id of [
      UserPoolId.replace("_", "%5F"),
      UserPoolId.replace("-", "%2d"),
      `x/..;/${UserPoolId}`,
    ]) {
      const text = requestText({ target: `/${id}/.well-known/jwks.json`, headers: [`host: ${host}`] });
      assert.equal((await sendRaw(server.endpoint, text)).status, 404, id);
    }
  });
});
