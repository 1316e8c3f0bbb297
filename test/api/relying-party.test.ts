/** Whose name the passkeys of a pool are made under: by the API, and at the pages of its hosts. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import {
  CompleteWebAuthnRegistrationCommand,
  CreateUserPoolDomainCommand,
  DeleteUserPoolDomainCommand,
  SetUserPoolMfaConfigCommand,
  StartWebAuthnRegistrationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePasskeyApp } from "../hosted-ui/passkeys.ts";
import { queryOf } from "../hosted-ui/visitor.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { makeUser, refused, signIn } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";

const unique = () => `shop-${Math.random().toString(36).slice(2, 10)}`;

forOneServer("postgres", "relying parties", (open) => {
  async function setUp() {
    const server = await open();
    const app = await makePasskeyApp(server);
    const { UserPoolId } = app;
    await makeUser(server, UserPoolId, "ann");
    const { AccessToken } = await signIn(server, app.ClientId, "ann");
    const begin = async () =>
      (await server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken })))
        .CredentialCreationOptions as { rp: { id: string } };
    const complete = (options: unknown, origin: string) =>
      server.client.send(
        new CompleteWebAuthnRegistrationCommand({
          AccessToken,
          Credential: new Authenticator(origin).create(options) as never,
        }),
      );
    const { port } = new URL(server.endpoint);
    /** What the sign-in page of a host has browsers ask by; undefined: it asks for no passkeys. */
    const atHost = async (host: string): Promise<string | undefined> => {
      const path = host === "localhost" ? `/${UserPoolId}/login` : "/login";
      const body = await new Promise<string>((resolve, reject) => {
        const headers = { host: `${host}:${port}` };
        const to = { host: "localhost", port, path: `${path}?${queryOf(app)}`, headers };
        const asked = request(to, async (response) => {
          let text = "";
          for await (const chunk of response) text += chunk;
          resolve(text);
        });
        asked.once("error", reject);
        asked.end();
      });
      assert.match(body, /name="username"/);
      const [, options] = /data-passkey-autofill="([^"]*)"/.exec(body) ?? [];
      return options && JSON.parse(options.replaceAll("&quot;", '"')).rpId;
    };
    const addDomain = (Domain: string, custom: boolean) =>
      server.client.send(
        new CreateUserPoolDomainCommand({
          UserPoolId,
          Domain,
          ...(custom && {
            CustomDomainConfig: { CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/c1" },
          }),
        }),
      );
    return { server, app, begin, complete, atHost, addDomain };
  }

  test("without a domain it is the server's own name, with one that domain, a custom one first", async () => {
    const { server, app, begin, complete, atHost, addDomain } = await setUp();
    const { UserPoolId } = app;
    assert.equal((await begin()).rp.id, "localhost");
    const prefix = unique();
    await addDomain(prefix, false);
    const byPrefix = `${prefix}.auth.localhost`;
    const begun = await begin();
    assert.equal(begun.rp.id, byPrefix);
    assert.equal(await atHost(byPrefix), byPrefix);
    // Pages of the main host are on no domain of the pool.
    assert.equal(await atHost("localhost"), "localhost");
    await assert.rejects(
      complete(begun, "http://localhost:3000"),
      refused("WebAuthnOriginNotAllowedException"),
    );
    await complete(await begin(), `http://${byPrefix}:3000`);
    const custom = `${unique()}.localhost`;
    await addDomain(custom, true);
    const byCustom = await begin();
    assert.equal(byCustom.rp.id, custom);
    assert.equal(await atHost(custom), custom);
    // Browsers would refuse it there.
    assert.equal(await atHost(byPrefix), undefined);
    await complete(byCustom, `https://app.${custom}`);
    // A challenge of before is void: what it made would be for another relying party.
    const between = await begin();
    await server.client.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain: custom }));
    await assert.rejects(
      complete(between, `https://${custom}`),
      refused("WebAuthnRelyingPartyMismatchException"),
    );
    assert.equal((await begin()).rp.id, byPrefix);
  });

  test("RelyingPartyId goes before any domain, and pages elsewhere ask for no passkeys", async () => {
    const { server, app, begin, atHost, addDomain } = await setUp();
    const prefix = unique();
    await addDomain(prefix, false);
    const set = (RelyingPartyId: string) =>
      server.client.send(
        new SetUserPoolMfaConfigCommand({
          UserPoolId: app.UserPoolId,
          WebAuthnConfiguration: { RelyingPartyId },
        }),
      );
    await set("localhost");
    assert.equal((await begin()).rp.id, "localhost");
    for (const host of ["localhost", `${prefix}.auth.localhost`])
      assert.equal(await atHost(host), "localhost", host);
    await set("app.example");
    assert.equal((await begin()).rp.id, "app.example");
    for (const host of ["localhost", `${prefix}.auth.localhost`])
      assert.equal(await atHost(host), undefined, host);
  });

  test("at a host that browsers do not trust by plain http there are no passkeys", async () => {
    const { begin, atHost, addDomain } = await setUp();
    const custom = `${unique()}.example.com`;
    await addDomain(custom, true);
    assert.equal((await begin()).rp.id, custom);
    assert.equal(await atHost(custom), undefined);
  });
});
