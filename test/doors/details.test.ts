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
});
