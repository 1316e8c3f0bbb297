/**
 * `npm run test:saml-providers`: SAML with identity providers that are programs of others, in Chromium. Nothing is
 * skipped: what is not installed fails.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { inflateRawSync } from "node:zlib";
import type { Page } from "playwright-core";
import { forEachServer, type TestServer } from "../kit/server.ts";
import {
  arrival,
  atCampus,
  attributesFrom,
  authorizeUrl,
  errorAt,
  isSignedIn,
  logoutUrl,
  newSamlPlace,
  openBrowser,
  refreshError,
  type SamlPlace,
  tokensAt,
  userOf,
} from "./saml-browser.ts";
import { newKey } from "./saml-kit.ts";
import {
  enterPassword,
  nameIdFormats,
  type ServiceSettings,
  schemaProblems,
  startSimpleSaml,
} from "./simplesamlphp.ts";

const campus = await startSimpleSaml();
after(() => campus.close());

const mapping = { email: "mail", name: "displayName", "custom:groups": "groups" };
const file = async () => ({ MetadataFile: await (await fetch(campus.metadataUrl)).text() });
const byUrl = { MetadataURL: campus.metadataUrl };

interface Setting {
  readonly details?: Readonly<Record<string, string>>;
  readonly settings?: ServiceSettings;
  readonly providers?: readonly string[];
  /** By which of our two bindings it sends its messages of single logout; it prefers Redirect. */
  readonly binding?: "Redirect" | "POST";
}

/** A pool and the provider, each of which knows the other by its metadata. */
async function setUp(server: TestServer, setting: Setting = {}): Promise<SamlPlace> {
  const { details, settings, providers, binding } = setting;
  const given = { ...(details?.["MetadataURL"] ? {} : await file()), ...details };
  const place = await newSamlPlace(server, given, { attributes: mapping, ...(providers && { providers }) });
  const Binding = `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-${binding}`;
  await campus.trust(place, {
    NameIDFormat: nameIdFormats.emailAddress,
    // In seconds. By itself it gives a frame five, which a busy machine may not keep to.
    "core:logout-timeout": 3600,
    ...(binding && { SingleLogoutService: [{ Binding, Location: `${place.base}/saml2/logout` }] }),
    ...settings,
  });
  return place;
}

/** Signs in with a password at the provider. */
async function signIn(page: Page, place: SamlPlace, name = "ann", more = {}) {
  await page.goto(authorizeUrl(place, { ...atCampus, ...more }));
  await enterPassword(page, name);
  return tokensAt(page, place);
}

/** Goes to the provider, whose session is still there, without the session at the pool. */
async function goAgain(page: Page, place: SamlPlace): Promise<void> {
  await page.context().clearCookies({ domain: new URL(place.base).hostname });
  await page.goto(authorizeUrl(place, atCampus));
}

async function comeAgain(page: Page, place: SamlPlace) {
  await goAgain(page, place);
  return tokensAt(page, place);
}

const askedForPassword = (page: Page) => page.locator("input[name=password]").waitFor();

const algorithm = (name: string) => `http://www.w3.org/2001/04/xmldsig-more#${name}`;
const signs = (response: boolean, assertion: boolean) => ({
  "saml20.sign.response": response,
  "saml20.sign.assertion": assertion,
});

/** What is signed, and how. */
const forms: Readonly<Record<string, ServiceSettings>> = {
  "a signed assertion": signs(false, true),
  "a signature of its own": signs(true, false),
  "two signatures": signs(true, true),
  "signatures with SHA-512": { ...signs(true, true), "signature.algorithm": algorithm("rsa-sha512") },
};

const encryptedForms: Readonly<Record<string, ServiceSettings>> = {
  "signed inside": signs(false, true),
  "in a signed response": signs(true, false),
};

const waysOut = {
  "one after the other": { logouttype: "traditional", binding: "Redirect" },
  "one after the other, by HTTP-POST": { logouttype: "traditional", binding: "POST" },
  "in frames": { logouttype: "iframe", binding: "Redirect" },
  "in frames, by HTTP-POST": { logouttype: "iframe", binding: "POST" },
} as const;

const refusing = `throw new \\SimpleSAML\\Module\\saml\\Error(
  'urn:oasis:names:tc:SAML:2.0:status:Responder', 'urn:oasis:names:tc:SAML:2.0:status:RequestDenied', 'Not today');`;

/** The messages in a URL, by HTTP-Redirect. */
function messagesIn(url: string): string[] {
  const { searchParams } = new URL(url);
  const found = ["SAMLRequest", "SAMLResponse"].flatMap((name) => searchParams.get(name) ?? []);
  return found.map((value) => inflateRawSync(Buffer.from(value, "base64")).toString());
}

forEachServer("SimpleSAMLphp", (open) => {
  test("a sign-in from the button of the hosted page, and from the application, with what is said of the user", async () => {
    const place = await setUp(await open());
    const { page } = await openBrowser();
    await page.goto(authorizeUrl(place));
    await page.locator("a.provider").click();
    await enterPassword(page, "ann");
    assert.equal((await arrival(page, place)).get("state"), "s-1");
    const tokens = await tokensAt(page, place);
    assert.equal(userOf(tokens), "Campus_ann@example.com");
    const { email, name, ...more } = await attributesFrom(place, tokens);
    assert.deepEqual(
      { email, name, groups: more["custom:groups"] },
      { email: "ann@example.com", name: "ann Ünal <ann>", groups: "[staff, admins]" },
    );
    const other = await openBrowser();
    assert.equal(userOf(await signIn(other.page, place, "ben")), "Campus_ben@example.com");
    assert.equal(userOf(await comeAgain(other.page, place)), "Campus_ben@example.com");
  });

  test("its metadata from a URL, signed by its key and by none other", async () => {
    const server = await open();
    const MetadataSigningCertificate = campus.certificate();
    const place = await setUp(server, { details: { ...byUrl, MetadataSigningCertificate } });
    const { page } = await openBrowser();
    assert.equal(userOf(await signIn(page, place)), "Campus_ann@example.com");
    const { certificate } = await newKey("another");
    await assert.rejects(setUp(server, { details: { ...byUrl, MetadataSigningCertificate: certificate } }), {
      name: "InvalidParameterException",
      message: /The SAML metadata cannot be used: .*signature/,
    });
  });

  test("our metadata and all that we send are valid by the schemas", async () => {
    const server = await open();
    const details = { RequestSigningAlgorithm: "rsa-sha256", EncryptedResponses: "true", IDPSignout: "true" };
    const place = await setUp(server, { details, settings: { "assertion.encryption": true } });
    const { page } = await openBrowser();
    const sent: string[] = [];
    const { origin } = new URL(campus.entityId);
    page.on("request", (request) => {
      if (request.url().startsWith(origin)) sent.push(...messagesIn(request.url()));
    });
    await signIn(page, place);
    await page.goto(logoutUrl(place));
    await page.waitForURL(place.goodbye);
    await signIn(page, place);
    await page.goto(campus.signOutUrl(place.goodbye));
    await page.waitForURL(place.goodbye);
    const kinds = sent.map((xml) => /^<(?:\?[^>]*>\s*<)?\w+:(\w+)/.exec(xml)?.[1]);
    for (const kind of ["AuthnRequest", "LogoutRequest", "LogoutResponse"])
      assert.ok(kinds.includes(kind), kind);
    for (const xml of sent) assert.equal(schemaProblems(xml, "message"), "", xml);
    const metadata = await (await fetch(place.metadataUrl)).text();
    assert.equal(schemaProblems(metadata, "metadata"), "", metadata);
    assert.notEqual(schemaProblems(metadata.replace("entityID", "id"), "metadata"), "");
  });

  test("requests that it validates, and those that it would refuse", async () => {
    const server = await open();
    const settings = { "validate.authnrequest": true };
    const signed = await setUp(server, { details: { RequestSigningAlgorithm: "rsa-sha256" }, settings });
    const { page } = await openBrowser();
    assert.equal(userOf(await signIn(page, signed)), "Campus_ann@example.com");
    const unsigned = await setUp(server, { settings });
    await page.goto(authorizeUrl(unsigned, atCampus));
    await page.getByText("no signature found on message").waitFor();
  });

  for (const [what, settings] of Object.entries(forms))
    test(`a response with ${what}`, async () => {
      const place = await setUp(await open(), { settings });
      const { page } = await openBrowser();
      assert.equal(userOf(await signIn(page, place)), "Campus_ann@example.com");
    });

  for (const [what, settings] of Object.entries(encryptedForms))
    test(`an encrypted assertion, ${what}`, async () => {
      const server = await open();
      const encrypting = { "assertion.encryption": true, ...settings };
      const details = { EncryptedResponses: "true" };
      const place = await setUp(server, { details, settings: encrypting });
      const { page } = await openBrowser();
      const tokens = await signIn(page, place);
      assert.equal((await attributesFrom(place, tokens))["custom:groups"], "[staff, admins]");
      await campus.trust(place, { NameIDFormat: nameIdFormats.emailAddress });
      await page.goto(authorizeUrl(place, { ...atCampus, prompt: "login" }));
      await enterPassword(page, "ann");
      assert.match(await errorAt(page, place), /^invalid_request: .*the Assertion is not encrypted/);
    });

  test("persistent and transient names", async () => {
    const server = await open();
    const twice = async (NameIDFormat: string) => {
      const place = await setUp(server, { settings: { NameIDFormat } });
      const [one, other] = [await openBrowser(), await openBrowser()];
      return [userOf(await signIn(one.page, place)), userOf(await signIn(other.page, place))];
    };
    const [persistent, again] = await twice(nameIdFormats.persistent);
    assert.match(persistent ?? "", /^Campus_[\da-f]{40}$/);
    assert.equal(again, persistent);
    const [transient, another] = await twice(nameIdFormats.transient);
    assert.match(transient ?? "", /^Campus__[\da-f]{42}$/);
    assert.notEqual(another, transient, "a name that is new each time makes a user each time");
  });

  test("its session signs in again without a password, unless the application asks for one", async () => {
    const place = await setUp(await open());
    const { page } = await openBrowser();
    await page.goto(authorizeUrl(place, atCampus));
    await enterPassword(page, "ann", "wrong");
    await page.getByText("Incorrect username or password").first().waitFor();
    await enterPassword(page, "ann");
    const first = await tokensAt(page, place);
    assert.equal(userOf(await comeAgain(page, place)), userOf(first));
    await page.goto(authorizeUrl(place, { ...atCampus, prompt: "login" }));
    await askedForPassword(page);
    await enterPassword(page, "ben");
    assert.equal(userOf(await tokensAt(page, place)), "Campus_ben@example.com");
  });

  test("it refuses somebody whom it knows", async () => {
    const place = await setUp(await open());
    const { page } = await openBrowser();
    await signIn(page, place);
    await campus.trust(place, { authproc: { 50: { class: "core:PHP", code: refusing } } });
    await goAgain(page, place);
    assert.match(await errorAt(page, place), /^invalid_request: .*Responder: RequestDenied: Not today/);
  });

  test("signing out here signs out there, too", async () => {
    for (const binding of ["Redirect", "POST"] as const) {
      const place = await setUp(await open(), { details: { IDPSignout: "true" }, binding });
      const { page } = await openBrowser();
      await signIn(page, place);
      await page.goto(logoutUrl(place));
      await page.waitForURL(place.goodbye);
      assert.equal(await isSignedIn(page, place), false);
      await page.goto(authorizeUrl(place, atCampus));
      await askedForPassword(page);
    }
  });

  for (const [how, { binding, logouttype }] of Object.entries(waysOut))
    test(`signing out there signs out of every pool: ${how}`, async () => {
      const server = await open();
      campus.configure({ logouttype });
      const places = [await setUp(server, { binding }), await setUp(server, { binding })] as const;
      const { page } = await openBrowser();
      const tokens = [await signIn(page, places[0]), await comeAgain(page, places[1])] as const;
      const stranger = await openBrowser();
      const others = await signIn(stranger.page, places[0], "ben");
      await page.goto(campus.signOutUrl(places[0].goodbye));
      if (logouttype === "iframe") await page.click("#logout-all");
      await page.waitForURL(places[0].goodbye);
      for (const at of [0, 1] as const) {
        assert.equal(await refreshError(places[at], tokens[at]), "invalid_grant");
        assert.equal(await isSignedIn(page, places[at]), false);
      }
      assert.equal(await isSignedIn(stranger.page, places[0]), true);
      assert.equal(await refreshError(places[0], others), undefined);
      campus.configure();
    });

  test("a sign-in that it begins, where that is allowed", async () => {
    const server = await open();
    const providers = ["Campus"];
    const place = await setUp(server, { details: { IDPInit: "true" }, providers });
    const relayState = ({ ClientId, callback }: SamlPlace) =>
      new URLSearchParams({
        identity_provider: "Campus",
        client_id: ClientId,
        redirect_uri: callback,
        response_type: "code",
        scope: "openid email",
      }).toString();
    const { page } = await openBrowser();
    await page.goto(campus.unaskedUrl(place, relayState(place)));
    await enterPassword(page, "ann");
    assert.equal((await arrival(page, place)).has("state"), false);
    assert.equal(userOf(await tokensAt(page, place)), "Campus_ann@example.com");
    const closed = await setUp(server, { providers });
    await page.goto(campus.unaskedUrl(closed, relayState(closed)));
    assert.match(await errorAt(page, closed), /may not begin a sign-in by itself/);
  });

  test("its key changes: metadata from a URL is fetched again, a file must be replaced", async () => {
    const server = await open();
    const [fetched, given] = [await setUp(server, { details: byUrl }), await setUp(server)];
    const { page } = await openBrowser();
    await signIn(page, fetched);
    await comeAgain(page, given);
    await campus.rotateKey();
    // What was fetched less than a minute ago is not fetched again.
    server.clock.advance(61_000);
    try {
      assert.equal(userOf(await comeAgain(page, fetched)), "Campus_ann@example.com");
      await goAgain(page, given);
      assert.match(await errorAt(page, given), /a key that is not in the provider's metadata/);
    } finally {
      server.clock.advance(-61_000);
    }
  });

  test("a clock that is ten minutes fast or slow", async () => {
    const server = await open();
    const place = await setUp(server);
    const { page } = await openBrowser();
    await signIn(page, place);
    for (const [minutes, refusal] of [
      [10, /not valid any more/],
      [-10, /IssueInstant of the Assertion is in the future/],
    ] as const) {
      server.clock.advance(minutes * 60_000);
      try {
        await goAgain(page, place);
        assert.match(await errorAt(page, place), refusal);
      } finally {
        server.clock.advance(-minutes * 60_000);
      }
    }
  });
});
