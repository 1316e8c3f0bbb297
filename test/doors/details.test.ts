/** The detail of a refusal is logged exactly once, wherever it is refused, and is never sent to the client. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { forEachDatabase } from "../kit/databases.ts";
import type { LogLine } from "../kit/declared-errors.ts";
import { everyFlow, makePool, makeUser } from "../kit/people.ts";
import { startTestServer } from "../kit/server.ts";
import { callback, oauthClient } from "../oauth/support.ts";

forEachDatabase((database, _open, fresh) => {
  const lines: LogLine[] = [];

  const started = (async () => {
    const { server, test } = await startTestServer(database, fresh, {}, {}, (line) => lines.push(line));
    const { client } = test;
    const pool = await makePool(test, {}, { ...oauthClient, ExplicitAuthFlows: [...everyFlow] });
    await makeUser(test, pool.UserPoolId, "ann");
    return { server, client, ...pool };
  })();
  after(async () => {
    const { server, client } = await started;
    client.destroy();
    await server.close();
  });

  /** The details that a request leaves in the log, and the body of its answer. */
  async function refusal(request: () => Promise<Response>): Promise<{ details: string[]; text: string }> {
    lines.length = 0;
    const text = await (await request()).text();
    return { details: lines.flatMap(({ detail }) => detail ?? []), text };
  }

  const call = (url: string, operation: string, input: object) =>
    fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
      },
      body: JSON.stringify(input),
    });
  const form = (url: string, fields: Record<string, string>) =>
    fetch(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { origin: new URL(url).origin },
    });

  test("at the API, the authorization server and the pages", async () => {
    const { server, UserPoolId, ClientId } = await started;
    const proof = {
      USERNAME: "ann",
      PASSWORD_CLAIM_SECRET_BLOCK: "AAAA",
      PASSWORD_CLAIM_SIGNATURE: "AAAA",
      TIMESTAMP: "Mon Nov 30 10:00:00 UTC 2026",
    };
    const responses = { ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses: proof };
    const api = await refusal(() => call(server.url, "RespondToAuthChallenge", { ClientId, ...responses }));
    assert.deepEqual(api.details, ["foreign secret block"]);
    const ofCall = lines.filter(({ msg }) => msg === "call" || msg === "refused");
    assert.deepEqual(
      ofCall.map(({ msg, detail }) => [msg, detail]),
      [["call", "foreign secret block"]],
      "a refused call is one line, as it takes one of its address's share",
    );
    const base = `${server.url}/${UserPoolId}`;
    const grant = { grant_type: "authorization_code", client_id: ClientId, redirect_uri: callback };
    const oauth = await refusal(() => form(`${base}/oauth2/token`, { ...grant, code: "none" }));
    assert.deepEqual(oauth.details, ["unknown code"]);
    const query = new URLSearchParams({ client_id: ClientId, response_type: "code", redirect_uri: callback });
    const page = await refusal(() => form(`${base}/forgotPassword?${query}`, { username: "ann" }));
    assert.deepEqual(page.details, [
      "nothing sent: the user has no verified address that the pool recovers passwords by",
    ]);
    assert.match(page.text, /cannot be reset here/);
    for (const { details, text } of [api, oauth, page]) assert.ok(!text.includes(details[0]!), text);
  });

  test("a refused request of a browser is one line, which the id on its error page leads to", async () => {
    const { server, UserPoolId, ClientId } = await started;
    const base = `${server.url}/${UserPoolId}`;
    const asked = { client_id: ClientId, response_type: "code", redirect_uri: callback };
    const bad = "https://app.example/cb?a=b";
    const notRegistered = "The redirect_uri is not registered for the client.";
    const ofUri = { error: "redirect_mismatch", description: notRegistered, redirectUri: bad };
    const cases: [string, Record<string, string>, object][] = [
      ["/oauth2/authorize", { ...asked, redirect_uri: bad }, ofUri],
      ["/login", { ...asked, redirect_uri: bad }, ofUri],
      [
        "/oauth2/authorize",
        { ...asked, client_id: "nobody" },
        { error: "invalid_client", clientId: "nobody" },
      ],
      ["/logout", { client_id: ClientId, logout_uri: bad }, { error: "redirect_mismatch", logoutUri: bad }],
    ];
    const refusedOnce = (requestId: string | undefined, expected: object, path: string) => {
      const told = lines.filter(({ msg }) => msg === "refused");
      assert.equal(told.length, 1, path);
      assert.deepEqual(told[0], { ...told[0], ...expected }, path);
      if (requestId !== undefined) assert.equal(told[0]!.requestId, requestId, path);
    };
    for (const [path, query, expected] of cases) {
      lines.length = 0;
      const page = await fetch(`${base}${path}?${new URLSearchParams(query)}`);
      const text = await page.text();
      const [, requestId] = /Request ID: <bdi>([\w-]+)<\/bdi>/.exec(text) ?? [];
      refusedOnce(requestId, expected, path);
      assert.ok(requestId, path);
      const inputs = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([\w.-]+)">/g)];
      const inGerman = new URLSearchParams({ lang: "de" });
      for (const [, name = "", value = ""] of inputs) inGerman.set(name, value);
      const german = await (await fetch(`${base}/error?${inGerman}`)).text();
      assert.match(german, /<html lang="de"/);
      assert.ok(german.includes(`<bdi>${requestId}</bdi>`), "the same id in another language");
      // A link that somebody else has made shows no id of theirs.
      const link = new URL(page.url);
      const forged = "11111111-2222-4333-8444-555555555555";
      const [, proof] = link.searchParams.get("request_id")!.split(".");
      link.searchParams.set("request_id", `${forged}.${proof}`);
      const other = await (await fetch(link)).text();
      assert.ok(!other.includes(forged) && !other.includes(requestId), path);
    }
    const query = new URLSearchParams(asked);
    const elsewhere = `${server.url}/us-east-1_Nobody123`;
    const notFound = { error: "ResourceNotFoundException", redirectUri: callback, clientId: ClientId };
    const asBrowser = { accept: "text/html" };
    for (const path of ["/oauth2/authorize", "/authorize", "/logout"])
      for (const [url, init, expected] of [
        [`${elsewhere}${path}?${query}`, { headers: asBrowser }, notFound],
        [`${base}${path}?${query}&state=%00`, {}, { error: "invalid_request", clientId: ClientId }],
        [`${base}${path}`, { method: "POST", body: "{}" }, { error: "invalid_request" }],
      ] as const) {
        lines.length = 0;
        const answer = await fetch(url, { redirect: "manual", ...init });
        refusedOnce(undefined, expected, url);
        assert.equal(answer.headers.get("content-type")?.startsWith("text/html"), "headers" in init, url);
      }
    for (const [change, expected] of [
      [{ scope: "nothing" }, { error: "invalid_scope" }],
      [{ prompt: "none" }, { error: "login_required" }],
    ] as const) {
      lines.length = 0;
      const url = `${base}/oauth2/authorize?${new URLSearchParams({ ...asked, ...change })}`;
      await fetch(url, { redirect: "manual" });
      refusedOnce(undefined, { ...expected, redirectUri: callback, clientId: ClientId }, expected.error);
    }
    lines.length = 0;
    const posted = await fetch(`${base}/oauth2/authorize`, { method: "POST", body: "{}" });
    assert.equal(posted.status, 400);
    refusedOnce(undefined, { error: "invalid_request" }, "a body that is no form");
    lines.length = 0;
    const nowhere = await fetch(`${server.url}/us-east-1_NOBODYS01/login?${new URLSearchParams(asked)}`);
    const [, requestId] = /Request ID: <bdi>([\w-]+)<\/bdi>/.exec(await nowhere.text()) ?? [];
    refusedOnce(requestId, { error: "ResourceNotFoundException", redirectUri: callback }, "no such pool");
    assert.ok(requestId);
  });
});
