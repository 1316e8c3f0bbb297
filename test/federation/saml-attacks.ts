/** What is wrong with responses of SAML providers, each in one place: attack -> the text that refuses it. */
import assert from "node:assert/strict";
import { acs, base64, newKey, type Said, signResponse } from "./saml-kit.ts";

export const keys = {
  idp: await newKey("provider"),
  foreign: await newKey("somebody else"),
  pool: await newKey("pool"),
  encryption: await newKey("encryption"),
};

export interface Attack {
  /** What the provider says besides what is right, and signs. */
  readonly said?: (now: number) => Partial<Said>;
  /** What is done to the document afterwards. */
  readonly change?: (xml: string) => string;
  /** What the unchanged document is like, if not as usual. */
  readonly rightful?: Partial<Said>;
  /** The form's value, if it is not the document's base64. */
  readonly form?: (xml: string) => string;
  readonly refusal: string;
}

export const minute = 60_000;
const partOf = (xml: string, element: string) =>
  new RegExp(`<(?:[\\w]+:)?${element}[ >][\\s\\S]*</(?:[\\w]+:)?${element}>`).exec(xml)?.[0] ??
  assert.fail(element);
const signatureOf = (xml: string) => /<Signature [\s\S]*?<\/Signature>/.exec(xml)?.[0] ?? assert.fail(xml);
/** What an attacker wants to be believed: another user, under another ID. */
const evil = (xml: string) =>
  xml.replaceAll("ann@example.com", "admin@example.com").replaceAll(/ ID="_/g, ' ID="_evil');
const unsigned = (xml: string) => xml.replace(signatureOf(xml), "");
const inside = (signature: string, what: string) => signature.replace("</Signature>", `${what}</Signature>`);
const withAssertion = (xml: string, make: (assertion: string) => string) =>
  xml.replace(partOf(xml, "Assertion"), (assertion) => make(assertion));
const signedResponse = { signs: "response" } as const;

/** "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012): the eight ways to wrap a signature. */
export const wrappings: Readonly<Record<string, Attack>> = {
  "XSW1: the response in the signature of an evil one": {
    rightful: signedResponse,
    change: (xml) =>
      evil(unsigned(xml)).replace(
        "<samlp:Status>",
        `${inside(signatureOf(xml), unsigned(xml))}<samlp:Status>`,
      ),
    refusal: "there is a Response inside the Response.",
  },
  "XSW2: the response before its signature in an evil one": {
    rightful: signedResponse,
    change: (xml) =>
      evil(unsigned(xml)).replace("<samlp:Status>", `${unsigned(xml)}${signatureOf(xml)}<samlp:Status>`),
    refusal: "there is a Response inside the Response.",
  },
  "XSW3: an evil assertion before the signed one": {
    change: (xml) => withAssertion(xml, (assertion) => evil(unsigned(assertion)) + assertion),
    refusal: "there is more than one Assertion.",
  },
  "XSW4: the signed assertion in an evil one": {
    change: (xml) =>
      withAssertion(xml, (assertion) =>
        evil(unsigned(assertion)).replace("<saml:Subject>", `${assertion}<saml:Subject>`),
      ),
    refusal: "there is an Assertion inside the Assertion, and not directly in the Response.",
  },
  "XSW5: the signature in an evil assertion, the signed one after it": {
    change: (xml) =>
      withAssertion(
        xml,
        (assertion) =>
          evil(unsigned(assertion)).replace("<saml:Subject>", `${signatureOf(assertion)}<saml:Subject>`) +
          unsigned(assertion),
      ),
    refusal: "there is more than one Assertion.",
  },
  "XSW6: the signed assertion in its signature in an evil one": {
    change: (xml) =>
      withAssertion(xml, (assertion) =>
        evil(unsigned(assertion)).replace(
          "<saml:Subject>",
          `${inside(signatureOf(assertion), unsigned(assertion))}<saml:Subject>`,
        ),
      ),
    refusal: "there is an Assertion inside the Signature, and not directly in the Response.",
  },
  "XSW7: an evil assertion in Extensions": {
    change: (xml) =>
      withAssertion(
        xml,
        (assertion) => `<samlp:Extensions>${evil(unsigned(assertion))}</samlp:Extensions>${assertion}`,
      ),
    refusal: "there is an Assertion inside the Extensions, and not directly in the Response.",
  },
  "XSW8: the signed assertion in an Object of its signature in an evil one": {
    change: (xml) =>
      withAssertion(xml, (assertion) =>
        evil(unsigned(assertion)).replace(
          "<saml:Subject>",
          `${inside(signatureOf(assertion), `<Object>${unsigned(assertion)}</Object>`)}<saml:Subject>`,
        ),
      ),
    refusal: "there is an Assertion inside the Object, and not directly in the Response.",
  },
};

const unknownSigner = "or made with a key that is not in the provider's metadata.";

export const signatures: Readonly<Record<string, Attack>> = {
  "no signature": { change: unsigned, refusal: "neither the Response nor the Assertion is signed." },
  "a changed name": {
    change: (xml) => xml.replace(">ann@", ">admin@"),
    refusal: `the signature of the Assertion is wrong, ${unknownSigner}`,
  },
  "a changed response": {
    rightful: signedResponse,
    change: (xml) => xml.replace(">ann@", ">admin@"),
    refusal: `the signature is wrong, ${unknownSigner}`,
  },
  "the signature of a stranger": {
    said: () => ({ signer: keys.foreign }),
    refusal: `the signature of the Assertion is wrong, ${unknownSigner}`,
  },
  "the signature of a stranger, with the certificate": {
    said: () => ({ signer: keys.foreign, brings: keys.foreign.certificate }),
    rightful: { brings: keys.idp.certificate },
    refusal: `the signature of the Assertion is wrong, ${unknownSigner}`,
  },
  "a stranger's signature of the assertion in a response that is signed rightly": {
    change: (xml) => {
      const { idp: signer, foreign } = keys;
      const by = { algorithm: "sha256", digest: "sha256", brings: undefined } as const;
      return signResponse(signResponse(unsigned(xml), { signs: "assertion", signer: foreign, ...by }), {
        signs: "response",
        signer,
        ...by,
      });
    },
    refusal: `the signature of the Assertion is wrong, ${unknownSigner}`,
  },
  "RSA with SHA-1": {
    said: () => ({ algorithm: "sha1" }),
    refusal: "the SignatureMethod http://www.w3.org/2000/09/xmldsig#rsa-sha1 is not allowed.",
  },
  "a digest by SHA-1": {
    said: () => ({ digest: "sha1" }),
    refusal: "the DigestMethod http://www.w3.org/2000/09/xmldsig#sha1 is not allowed.",
  },
  HMAC: {
    change: (xml) =>
      xml.replace(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
      ),
    refusal: "the SignatureMethod http://www.w3.org/2000/09/xmldsig#hmac-sha1 is not allowed.",
  },
  "two signatures": {
    change: (xml) => xml.replace(signatureOf(xml), (one) => one + one),
    refusal: "the Assertion has more than one Signature.",
  },
  "a reference to the whole document": {
    change: (xml) => xml.replace(/URI="#[^"]*"/, 'URI=""'),
    refusal: "the Reference has no URI.",
  },
  "another transform": {
    change: (xml) =>
      xml.replace(
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
      ),
    refusal: "the Signature has transforms other than enveloped-signature and exclusive canonicalization.",
  },
  "two elements with one ID": {
    change: (xml) =>
      xml.replace("<samlp:Status>", `<samlp:Status ID="${/<saml:Assertion ID="([^"]*)/.exec(xml)?.[1]}">`),
    refusal: "two elements have the ID",
  },
};

export const statements: Readonly<Record<string, Attack>> = {
  "another audience": {
    said: () => ({ audience: "urn:amazon:cognito:sp:us-east-1_Other" }),
    refusal: "the Audience is not urn:amazon:cognito:sp:us-",
  },
  "no audience": { said: () => ({ audience: null }), refusal: "the Conditions have no AudienceRestriction." },
  "no conditions": { said: () => ({ conditions: null }), refusal: "the Assertion has no Conditions." },
  "an unknown condition": {
    said: () => ({ conditions: "<saml:Condition/>" }),
    refusal: "the Conditions have a Condition, which is unknown.",
  },
  "another recipient": {
    said: () => ({ recipient: "https://other.example/saml2/idpresponse" }),
    refusal: `the Recipient is not ${acs}.`,
  },
  "no recipient": { said: () => ({ recipient: null }), refusal: `the Recipient is not ${acs}.` },
  "another destination": {
    said: () => ({ destination: "https://other.example/" }),
    refusal: `the Destination of the Response is not ${acs}.`,
  },
  "no destination in a signed response": {
    rightful: signedResponse,
    said: () => ({ destination: null }),
    refusal: "the Response is signed, but has no Destination.",
  },
  "another request": {
    said: () => ({ requestId: "_other" }),
    refusal: "the InResponseTo of the Response is not our request.",
  },
  "another request, in the assertion": {
    said: () => ({ confirmedRequestId: "_other" }),
    refusal: "the InResponseTo of the SubjectConfirmationData is not our request.",
  },
  "no request": {
    said: () => ({ requestId: null }),
    refusal: "the InResponseTo of the Response is not our request.",
  },
  "no request in the assertion": {
    said: () => ({ confirmedRequestId: null }),
    refusal: "the InResponseTo of the SubjectConfirmationData is not our request.",
  },
  "another issuer": {
    said: () => ({ assertionIssuer: "https://other.example" }),
    refusal: "the Issuer of the Assertion is not the provider.",
  },
  "another issuer of the response": {
    said: () => ({ responseIssuer: "https://other.example" }),
    refusal: "the Issuer of the Response is not the provider.",
  },
  expired: {
    said: (now) => ({ notOnOrAfter: now - 3 * minute }),
    refusal: "it is not valid any more (NotOnOrAfter of the Conditions).",
  },
  "a confirmation that has expired": {
    said: (now) => ({ confirmedUntil: now - 3 * minute }),
    refusal: "it is not valid any more (NotOnOrAfter of the SubjectConfirmationData).",
  },
  "not valid yet": {
    said: (now) => ({ notBefore: now + 3 * minute + 1 }),
    refusal: "it is not valid yet (NotBefore of the Conditions).",
  },
  "no NotBefore": { said: () => ({ notBefore: null }), refusal: "the Conditions have no NotBefore." },
  "no NotOnOrAfter": {
    said: () => ({ notOnOrAfter: null }),
    refusal: "the Conditions have no NotOnOrAfter.",
  },
  "no NotOnOrAfter of the confirmation": {
    said: () => ({ confirmedUntil: null }),
    refusal: "the SubjectConfirmationData has no NotOnOrAfter.",
  },
  "issued in the future": {
    said: (now) => ({ issued: now + 3 * minute + 1 }),
    refusal: "the IssueInstant of the Assertion is in the future.",
  },
  "no bearer": {
    said: () => ({ method: "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches" }),
    refusal: "the Subject has no SubjectConfirmation of a bearer.",
  },
  "SAML 1.1": { said: () => ({ version: "1.1" }), refusal: "the Assertion is not of SAML 2.0." },
  "no NameID": { said: () => ({ nameId: null }), refusal: "the Subject has no NameID" },
  "an empty NameID": { said: () => ({ nameId: "" }), refusal: "the NameID is empty." },
  "a NameID with white space": {
    said: () => ({ nameId: "ann@example.com " }),
    refusal: "the NameID begins or ends with white space.",
  },
  "an element in the NameID": {
    said: () => ({ nameId: "ann@example.com<b/>.evil.example" }),
    refusal: "the NameID has elements inside it.",
  },
  "no AuthnStatement": { said: () => ({ statement: "" }), refusal: "the Assertion has no AuthnStatement." },
  "a session that has ended": {
    said: () => ({ statement: '<saml:AuthnStatement SessionNotOnOrAfter="2020-01-01T00:00:00Z"/>' }),
    refusal: "the session at the provider has ended (SessionNotOnOrAfter).",
  },
  "a sign-in before anybody could": {
    said: () => ({ statement: '<saml:AuthnStatement AuthnInstant="0001-01-01T00:00:00Z"/>' }),
    refusal: "the AuthnInstant is no time at which a user can have signed in.",
  },
  "a sign-in that is still to come": {
    said: () => ({ statement: '<saml:AuthnStatement AuthnInstant="2099-01-01T00:00:00Z"/>' }),
    refusal: "the AuthnInstant is no time at which a user can have signed in.",
  },
  "a sign-in at no time": {
    said: () => ({ statement: '<saml:AuthnStatement AuthnInstant="yesterday"/>' }),
    refusal: "the AuthnInstant of the AuthnStatement is no time with a time zone: yesterday.",
  },
  "a time without a zone": {
    said: () => ({ statement: '<saml:AuthnStatement SessionNotOnOrAfter="2099-01-01T00:00:00"/>' }),
    refusal: "the SessionNotOnOrAfter of the AuthnStatement is no time with a time zone",
  },
  "the provider's own error": {
    said: () => ({
      status:
        '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>Ann "is" away</samlp:StatusMessage></samlp:Status>',
    }),
    refusal: "the provider answered Responder: AuthnFailed: Ann ?is? away",
  },
  "no status": { said: () => ({ status: "" }), refusal: "the Response has no Status." },
};

const entity = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>';
export const documents: Readonly<Record<string, Attack>> = {
  "a document type": {
    change: (xml) => `<!DOCTYPE r>${xml}`,
    refusal: "line 1, column 12: it has a document type (DTD), which is not allowed.",
  },
  "an entity bomb": {
    change: (xml) => `${entity}${xml.replace(">ann@example.com", ">&b;")}`,
    refusal: "it has a document type (DTD), which is not allowed.",
  },
  "an external entity": {
    change: (xml) => `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${xml.replace(">ann@", ">&x;")}`,
    refusal: "it has a document type (DTD), which is not allowed.",
  },
  "an entity that is not declared": {
    change: (xml) => xml.replace(">ann@", ">&x;"),
    refusal: "undefined entity",
  },
  "a processing instruction": {
    change: (xml) => xml.replace("<samlp:Status>", "<?php x ?><samlp:Status>"),
    refusal: "it has a processing instruction, which is not allowed.",
  },
  "nothing but nesting": {
    change: (xml) => xml.replace("<samlp:Status>", `${"<a>".repeat(70)}${"</a>".repeat(70)}<samlp:Status>`),
    refusal: "it is nested more than 60 deep.",
  },
  "many elements": {
    change: (xml) => xml.replace("<samlp:Status>", `${"<a/>".repeat(2000)}<samlp:Status>`),
    refusal: "it has more than 2000 elements and comments.",
  },
  "many comments": {
    change: (xml) => xml.replace("<samlp:Status>", `${"<!---->".repeat(2000)}<samlp:Status>`),
    refusal: "it has more than 2000 elements and comments.",
  },
  "too long": {
    change: (xml) => xml.replace("<samlp:Status>", `<!--${"x".repeat(100_000)}--><samlp:Status>`),
    refusal: "it has more than 100,000 characters.",
  },
  "no base64": { form: (xml) => xml, refusal: "it is not base64." },
  "no UTF-8": { form: () => Buffer.from([0xff, 0xfe]).toString("base64"), refusal: "it is not UTF-8." },
  "no XML": { form: () => base64("hello"), refusal: "the document is refused: line 1" },
  "another message": {
    form: () => base64('<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>'),
    refusal: "it is a LogoutResponse, not a Response.",
  },
  nothing: { form: () => "", refusal: "there is no SAMLResponse." },
  "no assertion": {
    change: (xml) => withAssertion(xml, () => ""),
    refusal: "the Response has no Assertion.",
  },
};
