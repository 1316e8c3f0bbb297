/** Passkeys in Chromium, with a virtual authenticator: made, listed, used to sign in, refused, deleted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminGetUserCommand,
  AdminUpdateUserAttributesCommand,
  CompleteWebAuthnRegistrationCommand,
  DeleteWebAuthnCredentialCommand,
  GetUserAuthFactorsCommand,
  ListWebAuthnCredentialsCommand,
  SetUserMFAPreferenceCommand,
  type SetUserMFAPreferenceCommandInput,
  SetUserPoolMfaConfigCommand,
  StartWebAuthnRegistrationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { type Authenticator, addAuthenticator, browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { forceMfaOn, respond, start, turnMfa } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

interface Browser extends Authenticator {
  readonly page: Page;
}

let browser: Promise<Browser> | undefined;

/** A page of localhost, which is the relying party of a server there. */
async function openBrowser(): Promise<Browser> {
  const site = await serveSite("<!doctype html><title>An application</title>");
  keepOpen(site);
  const context = await browse();
  keepOpen(context);
  const page = await context.newPage();
  await page.goto(`http://localhost:${site.port}/`);
  return { page, ...(await addAuthenticator(page)) };
}

/** What a page does with the options of StartWebAuthnRegistration. As text: the types here are those of Node. */
function make({ page }: Browser, options: unknown): Promise<Record<string, unknown>> {
  return page.evaluate(`(async () => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(${JSON.stringify(options)});
    return (await navigator.credentials.create({ publicKey })).toJSON();
  })()`);
}

/** What a page does with CREDENTIAL_REQUEST_OPTIONS. */
function use({ page }: Browser, options: string): Promise<string> {
  return page.evaluate(`(async () => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(${options});
    return JSON.stringify((await navigator.credentials.get({ publicKey })).toJSON());
  })()`);
}

forOneServer("sqlite", "passkeys in Chromium", (open) => {
  async function setUp() {
    const server = await open();
    browser ??= openBrowser();
    const own = await browser;
    await own.devtools.send("WebAuthn.clearCredentials", { authenticatorId: own.authenticatorId });
    const place = await makePool(
      server,
      { Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "WEB_AUTHN"] } } },
      { ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"] },
    );
    await makeUser(server, place.UserPoolId, "ann");
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    return { server, place, AccessToken, own };
  }

  type World = Awaited<ReturnType<typeof setUp>>;

  async function register({ server, AccessToken, own }: World, token = AccessToken): Promise<void> {
    const begun = await server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken: token }));
    const Credential = await make(own, begun.CredentialCreationOptions);
    await server.client.send(
      new CompleteWebAuthnRegistrationCommand({ AccessToken: token, Credential: Credential as never }),
    );
  }

  const byPasskey = ({ server, place }: World, name = "ann") =>
    start(server, place, name, "USER_AUTH", { PREFERRED_CHALLENGE: "WEB_AUTHN" });

  async function answer(world: World, challenge: Awaited<ReturnType<typeof byPasskey>>) {
    const CREDENTIAL = await use(world.own, challenge.ChallengeParameters!["CREDENTIAL_REQUEST_OPTIONS"]!);
    return { USERNAME: "ann", CREDENTIAL };
  }

  /** A verified address, which codes of a second factor can go to. */
  const giveAddress = ({ server, place }: World) =>
    server.client.send(
      new AdminUpdateUserAttributesCommand({
        UserPoolId: place.UserPoolId,
        Username: "ann",
        UserAttributes: [
          { Name: "email", Value: newAddress() },
          { Name: "email_verified", Value: "true" },
        ],
      }),
    );

  const prefer = (
    { server, AccessToken }: World,
    settings: Omit<SetUserMFAPreferenceCommandInput, "AccessToken">,
  ) => server.client.send(new SetUserMFAPreferenceCommand({ AccessToken, ...settings }));

  const list = ({ server, AccessToken }: World) =>
    server.client.send(new ListWebAuthnCredentialsCommand({ AccessToken }));

  test("a passkey is made, listed, signs in, and is deleted", async () => {
    const world = await setUp();
    const { server, place, AccessToken } = world;
    assert.equal((await byPasskey(world)).ChallengeName, "SELECT_CHALLENGE");
    await register(world);
    const [passkey] = (await list(world)).Credentials ?? [];
    assert.equal(passkey?.RelyingPartyId, "localhost");
    assert.equal(passkey?.AuthenticatorAttachment, "platform");
    assert.deepEqual(passkey?.AuthenticatorTransports, ["internal"]);
    assert.ok(passkey?.CreatedAt instanceof Date);
    const factors = await server.client.send(new GetUserAuthFactorsCommand({ AccessToken }));
    assert.deepEqual(factors.ConfiguredUserAuthFactors, ["PASSWORD", "WEB_AUTHN"]);
    const challenge = await byPasskey(world);
    assert.equal(challenge.ChallengeName, "WEB_AUTHN");
    assert.deepEqual(challenge.AvailableChallenges, ["WEB_AUTHN"]);
    const responses = await answer(world, challenge);
    const done = await respond(server, place, challenge, responses);
    assert.ok(done.AuthenticationResult?.IdToken);
    await assert.rejects(respond(server, place, challenge, responses), refused("NotAuthorizedException"));
    const CredentialId = passkey!.CredentialId;
    await server.client.send(new DeleteWebAuthnCredentialCommand({ AccessToken, CredentialId }));
    await assert.rejects(
      server.client.send(new DeleteWebAuthnCredentialCommand({ AccessToken, CredentialId })),
      refused("ResourceNotFoundException"),
    );
    assert.equal((await byPasskey(world)).ChallengeName, "SELECT_CHALLENGE");
  });

  test("what a passkey signed is good for that challenge, that user and that passkey only", async () => {
    const world = await setUp();
    const { server, place, AccessToken } = world;
    await register(world);
    const first = await byPasskey(world);
    const responses = await answer(world, first);
    const second = await byPasskey(world);
    await assert.rejects(respond(server, place, second, responses), refused("NotAuthorizedException"));
    await makeUser(server, place.UserPoolId, "bob");
    const bob = await signIn(server, place.ClientId, "bob");
    await register(world, bob.AccessToken);
    const bobs = await byPasskey(world, "bob");
    await assert.rejects(
      respond(server, place, bobs, { ...(await answer(world, await byPasskey(world))), USERNAME: "bob" }),
      refused("NotAuthorizedException"),
    );
    const altered = await byPasskey(world);
    const { CREDENTIAL } = await answer(world, altered);
    const credential = JSON.parse(CREDENTIAL);
    const signature = Buffer.from(credential.response.signature, "base64url");
    signature[signature.length - 1]! ^= 1;
    credential.response.signature = signature.toString("base64url");
    await assert.rejects(
      respond(server, place, altered, { USERNAME: "ann", CREDENTIAL: JSON.stringify(credential) }),
      refused("NotAuthorizedException"),
    );
    const malformed = await byPasskey(world);
    for (const CREDENTIAL of ["{}", "no JSON", "null", '{"id":1,"response":{}}'])
      await assert.rejects(
        respond(server, place, malformed, { USERNAME: "ann", CREDENTIAL }),
        refused("InvalidParameterException", "Credential data is not valid"),
      );
    const gone = await byPasskey(world);
    const late = await answer(world, gone);
    const [passkey] = (await list(world)).Credentials ?? [];
    await server.client.send(
      new DeleteWebAuthnCredentialCommand({ AccessToken, CredentialId: passkey!.CredentialId }),
    );
    await assert.rejects(respond(server, place, gone, late), refused("NotAuthorizedException"));
  });

  test("instead of the passkey another factor may be chosen, once, and then the passkey proves nothing", async () => {
    const world = await setUp();
    const { server, place } = world;
    await register(world);
    const challenge = await byPasskey(world);
    const signed = await answer(world, challenge);
    const instead = { ...challenge, ChallengeName: "SELECT_CHALLENGE" } as const;
    await assert.rejects(
      respond(server, place, instead, { USERNAME: "ann", ANSWER: "EMAIL_OTP" }),
      refused("InvalidParameterException"),
    );
    const chosen = await respond(server, place, instead, { USERNAME: "ann", ANSWER: "PASSWORD" });
    assert.equal(chosen.ChallengeName, "PASSWORD");
    assert.equal(chosen.AuthenticationResult, undefined);
    await assert.rejects(respond(server, place, challenge, signed), refused("NotAuthorizedException"));
    await assert.rejects(
      respond(server, place, { ...chosen, ChallengeName: "WEB_AUTHN" }, signed),
      refused("NotAuthorizedException"),
    );
    await assert.rejects(
      respond(server, place, instead, { USERNAME: "ann", ANSWER: "PASSWORD" }),
      refused("NotAuthorizedException"),
    );
    await assert.rejects(
      respond(
        server,
        place,
        { ...chosen, ChallengeName: "SELECT_CHALLENGE" },
        { USERNAME: "ann", ANSWER: "PASSWORD" },
      ),
      refused("NotAuthorizedException"),
    );
    const done = await respond(server, place, chosen, { USERNAME: "ann", PASSWORD: password });
    assert.ok(done.AuthenticationResult?.AccessToken);
  });

  test("a registration is bound to its challenge, its user and its origin", async () => {
    const world = await setUp();
    const { server, place, AccessToken, own } = world;
    const complete = (Credential: unknown, token = AccessToken) =>
      server.client.send(
        new CompleteWebAuthnRegistrationCommand({ AccessToken: token, Credential: Credential as never }),
      );
    const begin = async () =>
      (await server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken })))
        .CredentialCreationOptions;
    const made = await make(own, await begin());
    await makeUser(server, place.UserPoolId, "bob");
    const bob = await signIn(server, place.ClientId, "bob");
    await assert.rejects(complete(made, bob.AccessToken), refused("WebAuthnChallengeNotFoundException"));
    await complete(made);
    await assert.rejects(complete(made), refused("WebAuthnChallengeNotFoundException"));
    const late = await make(own, { ...((await begin()) as object), excludeCredentials: [] });
    server.clock.advance(6 * 60_000);
    await assert.rejects(complete(late), refused("WebAuthnChallengeNotFoundException"));
    const elsewhere = await make(own, { ...((await begin()) as object), excludeCredentials: [] });
    const response = elsewhere["response"] as Record<string, string>;
    const data = JSON.parse(Buffer.from(response["clientDataJSON"]!, "base64url").toString());
    const from = (origin: string) => ({
      ...elsewhere,
      response: {
        ...response,
        clientDataJSON: Buffer.from(JSON.stringify({ ...data, origin })).toString("base64url"),
      },
    });
    await assert.rejects(
      complete(from("https://evil.example")),
      refused("WebAuthnOriginNotAllowedException"),
    );
    for (const nothing of [{}, { id: "x" }, []])
      await assert.rejects(complete(nothing), refused("InvalidParameterException"));
  });

  test("a second factor is demanded after a passkey, unless pool and user take a verified one for two", async () => {
    const world = await setUp();
    const { server, place } = world;
    await register(world);
    await giveAddress(world);
    await forceMfaOn(server, place);
    assert.equal((await byPasskey(world)).ChallengeName, "SELECT_CHALLENGE");
    const WebAuthnConfiguration = {
      UserVerification: "required",
      FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION",
    } as const;
    await server.client.send(
      new SetUserPoolMfaConfigCommand({ UserPoolId: place.UserPoolId, WebAuthnConfiguration }),
    );
    assert.equal((await byPasskey(world)).ChallengeName, "SELECT_CHALLENGE");
    await prefer(world, { WebAuthnMfaSettings: { Enabled: true } });
    const challenge = await byPasskey(world);
    assert.equal(challenge.ChallengeName, "WEB_AUTHN");
    const done = await respond(server, place, challenge, await answer(world, challenge));
    assert.ok(done.AuthenticationResult?.AccessToken);
    // The pool demands it no more, the user does.
    await turnMfa(server, place, "OPTIONAL");
    await prefer(world, { EmailMfaSettings: { Enabled: true }, WebAuthnMfaSettings: { Enabled: false } });
    assert.equal((await byPasskey(world)).ChallengeName, "SELECT_CHALLENGE");
  });

  test("a passkey is turned on as a factor only beside another one, where the pool takes it for two", async () => {
    const world = await setUp();
    const { server, place } = world;
    await giveAddress(world);
    await turnMfa(server, place, "OPTIONAL");
    const on = { WebAuthnMfaSettings: { Enabled: true } };
    const both = { ...on, EmailMfaSettings: { Enabled: true } };
    const refusal = refused("InvalidParameterException");
    await assert.rejects(prefer(world, both), refusal);
    await server.client.send(
      new SetUserPoolMfaConfigCommand({
        UserPoolId: place.UserPoolId,
        WebAuthnConfiguration: {
          UserVerification: "required",
          FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION",
        },
      }),
    );
    await assert.rejects(prefer(world, on), refusal);
    await prefer(world, both);
    const named = { UserPoolId: place.UserPoolId, Username: "ann" };
    const settings = async () =>
      (await server.client.send(new AdminGetUserCommand(named))).UserMFASettingList?.toSorted();
    assert.deepEqual(await settings(), ["EMAIL_OTP", "WEB_AUTHN"]);
    await assert.rejects(prefer(world, { EmailMfaSettings: { Enabled: false } }), refusal);
    await prefer(world, { EmailMfaSettings: { Enabled: false }, WebAuthnMfaSettings: { Enabled: false } });
    assert.deepEqual(await settings(), undefined);
  });

  test("where the client hides who exists the authenticator finds the passkey by itself", async () => {
    const world = await setUp();
    const { server } = world;
    await register(world);
    const app = await makeClient(server, world.place.UserPoolId, {
      ExplicitAuthFlows: ["ALLOW_USER_AUTH"],
      PreventUserExistenceErrors: "ENABLED",
    });
    const hidden = { ...world, place: { ...world.place, ...app } };
    const asked = async (name: string) => {
      const challenge = await byPasskey(hidden, name);
      assert.equal(challenge.ChallengeName, "WEB_AUTHN");
      const text = challenge.ChallengeParameters!["CREDENTIAL_REQUEST_OPTIONS"]!;
      const { challenge: _, ...options } = JSON.parse(text) as Record<string, unknown>;
      return { challenge, options };
    };
    const [anns, nobodys] = [await asked("ann"), await asked("nobody")];
    assert.deepEqual(anns.options, nobodys.options);
    const responses = await answer(hidden, anns.challenge);
    const done = await respond(server, hidden.place, anns.challenge, responses);
    assert.ok(done.AuthenticationResult?.AccessToken);
    const theirs = { ...(await answer(hidden, nobodys.challenge)), USERNAME: "nobody" };
    await assert.rejects(
      respond(server, hidden.place, nobodys.challenge, theirs),
      refused("NotAuthorizedException", "Incorrect username or password."),
    );
  });

  test("pools that do not offer passkeys", async () => {
    const server: TestServer = await open();
    const place = await makePool(server);
    await makeUser(server, place.UserPoolId, "ann");
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    await assert.rejects(
      server.client.send(new StartWebAuthnRegistrationCommand({ AccessToken })),
      refused("WebAuthnNotEnabledException"),
    );
  });
});
