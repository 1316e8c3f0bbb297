/** A server loads the libraries for identity providers when a sign-in through one begins: without, they take no memory. */
import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    loaded.add(url);
    return next(url, context);
  },
});

const libraries = {
  OIDC: ["openid-client", "oauth4webapi"],
  SAML: ["@node-saml/node-saml", "xml-crypto", "@xmldom/xmldom", "xpath"],
};
const loadedOf = (names: readonly string[]) =>
  names.filter((name) => [...loaded].some((url) => url.includes(`/node_modules/${name}/`)));

// The hook sees what is loaded after it.
const { forOneServer } = await import("../kit/server.ts");
const { ask } = await import("../kit/ask.ts");
const { nextSigningPair } = await import("../kit/signing-pairs.ts");
const { callback, newCode, redeem, signInBrowser } = await import("../oauth/support.ts");
const { addProvider, federatedPlace, offer } = await import("./people.ts");
const { makeUser } = await import("../kit/people.ts");
const { selfSignedCertificate } = await import("../../src/integrations/certificates.ts");

const at = (path: string) => `https://idp.example/${path}`;
const details = {
  oidc_issuer: at(""),
  client_id: "notes",
  authorize_url: at("authorize"),
  token_url: at("token"),
  jwks_uri: at("jwks"),
};

/** Metadata of a provider with a certificate of its own. */
async function metadata(): Promise<string> {
  const certificate = await selfSignedCertificate({
    ...{ commonName: "idp", keys: await nextSigningPair(), from: 0, until: 4_000_000_000_000 },
    serial: new Uint8Array(8).fill(1),
  });
  const saml = "urn:oasis:names:tc:SAML:2.0";
  return `<EntityDescriptor xmlns="${saml}:metadata" entityID="${at("")}"><IDPSSODescriptor protocolSupportEnumeration="${saml}:protocol"><KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="${saml}:bindings:HTTP-Redirect" Location="${at("saml")}"/></IDPSSODescriptor></EntityDescriptor>`;
}

forOneServer("sqlite", "The libraries for identity providers", (open, database) => {
  // A process loads them once.
  if (database !== "sqlite") return;
  test("are loaded by the first sign-in through one, each protocol's by its own", async () => {
    const server = await open();
    const place = await federatedPlace(server, {}, { details });
    await addProvider(place, "Corp", { type: "SAML", details: { MetadataFile: await metadata() } });
    await offer(place, "COGNITO", "Corporate", "Corp");
    const query = new URLSearchParams({
      client_id: place.ClientId,
      response_type: "code",
      redirect_uri: callback,
    });
    const page = await ask(`${place.base}/login?${query}`);
    assert.match(await page.text(), /Corporate/);
    await makeUser(server, place.UserPoolId, "ann");
    const cookie = await signInBrowser(server, place.UserPoolId, "ann");
    assert.equal((await redeem(place, await newCode({ ...place, cookie }))).status, 200);
    assert.deepEqual(loadedOf(Object.values(libraries).flat()), []);

    const goTo = async (identity_provider: string) => {
      const url = `${place.base}/oauth2/authorize?${query}&identity_provider=${identity_provider}`;
      return (await ask(url)).headers.get("location") ?? "";
    };
    assert.ok((await goTo("Corporate")).startsWith(details.authorize_url));
    assert.deepEqual(loadedOf(libraries.OIDC), libraries.OIDC);
    assert.deepEqual(loadedOf(libraries.SAML), []);
    assert.ok((await goTo("Corp")).startsWith(at("saml")));
    assert.deepEqual(loadedOf(libraries.SAML), libraries.SAML);
  });
});
