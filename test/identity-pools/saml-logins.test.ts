/** Logins of SAML providers, through the AWS SDK for JavaScript v3: right ones, and each that is wrong in one place. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type CognitoIdentityClient,
  type CreateIdentityPoolCommandInput,
  DescribeIdentityCommand,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  GetOpenIdTokenCommand,
  UnlinkIdentityCommand,
} from "@aws-sdk/client-cognito-identity";
import { deleteTrustedProvider } from "../../src/store/trusted-providers.ts";
import { documents, keys, minute, signatures, statements, wrappings } from "../federation/saml-attacks.ts";
import { acs, base64, entityId, type Key, responseXml, type Said, sayings } from "../federation/saml-kit.ts";
import { makePool, makeSomebody, refused, signIn, unique } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { awsSignIn, samlArn, samlToken, sayingToAws, trustSaml } from "./saml-provider.ts";
import { allowing, giveRoles, identityClient, makeIdentityPool, providerOf } from "./setup.ts";

type Logins = Record<string, string>;
const refusal = "Invalid login token. The SAML response was refused: ";

forEachServer("Logins of SAML providers", (open, database) => {
  const clients: CognitoIdentityClient[] = [];
  after(() => {
    for (const client of clients) client.destroy();
  });

  /** A provider that is registered, and a pool that names it. */
  async function setUp(
    known: Parameters<typeof trustSaml>[3] = {},
    more: Partial<CreateIdentityPoolCommandInput> = {},
  ) {
    const server = await open();
    server.clock.freeze();
    const client = identityClient(server);
    clients.push(client);
    const arn = samlArn(unique("Corp"));
    await trustSaml(server, arn, keys.idp, known);
    const pool = await makeIdentityPool(client, { SamlProviderARNs: [arn], ...more });
    const id = async (logins: Logins, IdentityPoolId = pool) =>
      (await client.send(new GetIdCommand({ IdentityPoolId, Logins: logins }))).IdentityId!;
    const token = (said: Partial<Said> = {}, signer: Key = keys.idp) =>
      samlToken(server.clock.now, signer, said);
    return { server, client, arn, pool, id, token };
  }
  const credentials = (client: CognitoIdentityClient, IdentityId: string, Logins: Logins) =>
    client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
  const linked = async (client: CognitoIdentityClient, IdentityId: string) =>
    (await client.send(new DescribeIdentityCommand({ IdentityId }))).Logins;
  const refusedBecause = (why: RegExp | string) => (error: unknown) => {
    const { name, message } = error as Error;
    assert.equal(name, "NotAuthorizedException", message);
    assert.ok(message.startsWith(refusal), message);
    if (typeof why === "string") assert.ok(message.includes(why), `${message}\n${why}`);
    else assert.match(message, why);
    return true;
  };

  test("a response is the same identity whatever is signed, and counts again while it is valid", async () => {
    const { server, client, arn, pool, id, token } = await setUp();
    await giveRoles(server, client, pool, { authenticated: allowing("execute-api:Invoke") });
    const ids = new Set<string>();
    for (const signs of ["assertion", "response", "both"] as const) {
      const login = { [arn]: token({ signs, algorithm: "sha512" }) };
      const IdentityId = await id(login);
      ids.add(IdentityId);
      assert.equal(await id(login), IdentityId);
      assert.equal((await credentials(client, IdentityId, login)).IdentityId, IdentityId);
    }
    const [IdentityId = ""] = ids;
    assert.equal(ids.size, 1);
    assert.deepEqual(await linked(client, IdentityId), [arn]);
    // The application may have asked for it, and has to know that itself.
    assert.equal(await id({ [arn]: token({ requestId: "_anything" }) }), IdentityId);
    assert.notEqual(await id({ [arn]: token({ nameId: "bob@example.com" }) }), IdentityId);
    await assert.rejects(credentials(client, IdentityId, { [arn]: token({ nameId: "bob@example.com" }) }), {
      name: "NotAuthorizedException",
    });
    await assert.rejects(credentials(client, IdentityId, {}), { name: "NotAuthorizedException" });
  });

  // Nothing of this is stored.
  const groups = database === "sqlite" ? { wrappings, signatures, statements, documents } : {};
  /** What is no mistake here, or is refused before the provider is looked at. */
  const others: ReadonlySet<string> = new Set([
    ...["another request", "another request, in the assertion", "no request", "no request in the assertion"],
    ...["too long", "nothing"],
  ]);
  for (const [group, attacks] of Object.entries(groups)) {
    test(`refused, and right without the attack: ${group}`, async () => {
      const poolId = "us-east-1_Attacked";
      const { server, arn, id } = await setUp({
        ...{ audiences: ["urn:other", `urn:amazon:cognito:sp:${poolId}`], recipients: [acs] },
      });
      const say = (more: Partial<Said>) =>
        responseXml(sayings({ now: server.clock.now, poolId, signer: keys.idp }, "_request", more));
      let tried = 0;
      for (const [name, attack] of Object.entries(attacks)) {
        if (others.has(name)) continue;
        const { said, change, rightful = {}, form = base64 } = attack;
        const right = say(rightful);
        const wrong = said === undefined ? right : say({ ...rightful, ...said(server.clock.now) });
        const why = attack.refusal
          .replace("the Audience is not ", "the Audience is not urn:other or ")
          .replaceAll("?", '"');
        try {
          await assert.rejects(id({ [arn]: form(change?.(wrong) ?? wrong) }), refusedBecause(why));
          assert.ok(await id({ [arn]: base64(right) }));
        } catch (error) {
          throw new Error(name, { cause: error });
        }
        tried += 1;
      }
      assert.ok(tried >= 8, String(tried));
    });
  }

  test("a comment in the name cuts nothing off", async () => {
    const { arn, id, token } = await setUp();
    const admin = await id({ [arn]: token({ nameId: "admin@example.com" }) });
    for (const signs of ["assertion", "response"] as const) {
      const nameId = "admin@example.com<!-- -->.evil.example";
      assert.notEqual(await id({ [arn]: token({ signs, nameId }) }), admin);
    }
    const xml = responseXml(
      sayingToAws((await open()).clock.now, keys.idp, { nameId: "admin@example.com.evil" }),
    );
    const later = xml.replace("example.com.evil", "example.com<!-- -->.evil");
    const whole = await id({ [arn]: base64(xml) });
    assert.notEqual(whole, admin);
    assert.equal(await id({ [arn]: base64(later) }), whole);
  });

  test("it ends with its conditions; clocks may differ by three minutes", async () => {
    const { server, arn, id, token } = await setUp();
    const { now } = server.clock;
    const late = now - 3 * minute;
    const until = (at: number) => ({ [arn]: token({ notOnOrAfter: at, confirmedUntil: at }) });
    const whose = await id(until(late + 60_000));
    // Whatever its age: applications pass it on later than a sign-in page does.
    assert.equal(await id({ [arn]: token({ issued: now - 60 * minute }) }), whose);
    await assert.rejects(id(until(late)), refusedBecause("it is not valid any more"));
    const from = (at: number) => ({ [arn]: token({ notBefore: at, issued: now }) });
    assert.equal(await id(from(now + 2 * minute)), whose);
    await assert.rejects(id(from(now + 4 * minute)), refusedBecause("it is not valid yet"));
  });

  test("audience and recipient are those of AWS and of this server, or those that the operator names", async () => {
    const usual = await setUp();
    const issuer = `${usual.server.app.config.publicUrl}/identity`;
    const { arn, id, token } = usual;
    const whose = await id({ [arn]: token() });
    for (const audience of [awsSignIn, issuer]) assert.equal(await id({ [arn]: token({ audience }) }), whose);
    await assert.rejects(
      id({ [arn]: token({ audience: "urn:other" }) }),
      refusedBecause("the Audience is not"),
    );
    const app = "https://app.example/acs";
    for (const [wrong, why] of [
      [{ recipient: app }, "the Recipient is not"],
      [{ recipient: null }, "the Recipient is not"],
      [{ recipient: issuer }, "the Recipient is not"],
      [{ destination: app }, "the Destination of the Response is not"],
      [{ destination: null, signs: "response" }, "has no Destination"],
    ] as const)
      await assert.rejects(id({ [arn]: token(wrong) }), refusedBecause(why), JSON.stringify(wrong));
    assert.equal(await id({ [arn]: token({ destination: null }) }), whose);

    const own = await setUp({ audiences: ["urn:one", "urn:two"], recipients: [app, "https://b.example/"] });
    const said = { audience: "urn:two", recipient: app, destination: "https://b.example/" };
    const theirs = await own.id({ [own.arn]: token(said) });
    assert.equal(await own.id({ [own.arn]: token({ ...said, audience: "urn:one" }) }), theirs);
    for (const usually of [
      { audience: "urn:amazon:webservices" },
      { recipient: awsSignIn },
      { destination: awsSignIn },
    ])
      await assert.rejects(own.id({ [own.arn]: token({ ...said, ...usually }) }), refusedBecause(/ is not /));
  });

  test("names that are another each time, and whatever is encrypted", async () => {
    const { arn, id, token } = await setUp();
    const named = (format: string, name = "ann@example.com") =>
      `<saml:NameID Format="urn:oasis:names:tc:SAML:${format}">${name}</saml:NameID>`;
    const whose = await id({ [arn]: token() });
    for (const format of ["1.1:nameid-format:emailAddress", "1.1:nameid-format:unspecified"])
      assert.equal(await id({ [arn]: token({ named: named(format) }) }), whose);
    await assert.rejects(
      id({ [arn]: token({ named: named("2.0:nameid-format:transient") }) }),
      refusedBecause("the NameID is transient"),
    );
    const encrypted = (element: string) =>
      `<saml:${element}><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"/></saml:${element}>`;
    await assert.rejects(
      id({ [arn]: token({ named: encrypted("EncryptedID") }) }),
      refusedBecause("an EncryptedID, for which there is no key"),
    );
    const xml = responseXml(sayingToAws((await open()).clock.now, keys.idp, { signs: "nothing" }));
    const sealed = xml.replace(/<saml:Assertion [\s\S]*<\/saml:Assertion>/, encrypted("EncryptedAssertion"));
    await assert.rejects(
      id({ [arn]: base64(sealed) }),
      refusedBecause("is encrypted, for which there is no key"),
    );
  });

  test("a response counts for its provider alone, where the pool names it and it is registered", async () => {
    const { server, client, arn, pool, id, token } = await setUp();
    const [other, sameKey, unregistered] = [unique("Other"), unique("Same"), unique("Un")].map(samlArn);
    await trustSaml(server, other!, keys.foreign, { entity: "https://other.example" });
    await trustSaml(server, sameKey!, keys.idp, { entity: "https://same.example" });
    const both = await makeIdentityPool(client, { SamlProviderARNs: [arn, other!, sameKey!, unregistered!] });
    const theirs = { assertionIssuer: "https://other.example", responseIssuer: "https://other.example" };
    const [mine, others] = [
      await id({ [arn]: token() }, both),
      await id({ [other!]: token(theirs, keys.foreign) }, both),
    ];
    assert.notEqual(mine, others, "of the same name, at different providers");
    await assert.rejects(
      id({ [arn]: token(theirs, keys.foreign) }, both),
      refusedBecause("the Issuer of the Response"),
    );
    await assert.rejects(
      id({ [arn]: token({}, keys.foreign) }, both),
      refusedBecause("made with a key that is not in the provider's metadata"),
    );
    await assert.rejects(id({ [sameKey!]: token() }, both), refusedBecause("the Issuer of the Response"));
    await assert.rejects(
      id({ [sameKey!]: token({ responseIssuer: null }) }, both),
      refusedBecause("the Issuer of the Assertion"),
    );
    const unsupported = refused("NotAuthorizedException", /not from a supported provider/);
    await assert.rejects(id({ [other!]: token(theirs, keys.foreign) }, pool), unsupported);
    await assert.rejects(id({ [unregistered!]: token() }, both), unsupported);
    await assert.rejects(id({ [arn.toLowerCase()]: token() }, both), unsupported);
    await assert.rejects(id({ [entityId]: token() }, both), unsupported);
    assert.ok(await deleteTrustedProvider(server.app.db, arn));
    await assert.rejects(id({ [arn]: token() }, both), unsupported);
  });

  test("is linked with the login of a user pool, and unlinked", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const provider = providerOf(UserPoolId);
    const CognitoIdentityProviders = [{ ProviderName: provider, ClientId }];
    const { client, arn, id, token } = await setUp({}, { CognitoIdentityProviders });
    const user = async (): Promise<Logins> => {
      const { IdToken } = await signIn(server, ClientId, await makeSomebody(server, UserPoolId));
      return { [provider]: IdToken };
    };
    const [theirs, assertion] = [await user(), { [arn]: token() }];
    const IdentityId = await id(theirs);
    assert.equal(await id({ ...theirs, ...assertion }), IdentityId);
    assert.equal(await id(assertion), IdentityId);
    assert.deepEqual(new Set(await linked(client, IdentityId)), new Set([arn, provider]));
    await assert.rejects(
      id({ ...theirs, [arn]: token({ nameId: "bob@example.com" }) }),
      refused("ResourceConflictException"),
    );
    const unlink = (Logins: Logins) =>
      client.send(new UnlinkIdentityCommand({ IdentityId, Logins, LoginsToRemove: [arn] }));
    await assert.rejects(unlink(await user()), refused("NotAuthorizedException"));
    await unlink(assertion);
    assert.deepEqual(await linked(client, IdentityId), [provider]);
    assert.notEqual(await id(assertion), IdentityId);
    assert.equal(await id(theirs), IdentityId);
  });

  test("the basic flow is not for it", async () => {
    const { client, arn, id, token } = await setUp({}, { AllowClassicFlow: true });
    const login = { [arn]: token() };
    const IdentityId = await id(login);
    await assert.rejects(
      client.send(new GetOpenIdTokenCommand({ IdentityId, Logins: login })),
      refused("InvalidParameterException", /not supported with SAML, please use enhanced flow/),
    );
  });
});
