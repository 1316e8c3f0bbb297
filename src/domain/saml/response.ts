/**
 * Verifies a Response of a SAML provider (SAML 2.0 Profiles section 4.1.4): which parts it has, who signed them, and for
 * whom they are. What is read afterwards are the bytes that were signed.
 */
import { walkXml, type XmlElement } from "../../lib/xml.ts";
import { type Assertion, checkAssertion, checkRequest, type Expected } from "./assertion.ts";
import { decryptElement } from "./decrypt.ts";
import { isSigned, readSigned, UnknownSigner } from "./signature.ts";
import { attribute, child, children, fault, isElement, plainText, readSamlXml } from "./xml.ts";

/** The longest SAMLResponse, in characters of base64 ("SAML sessions", Amazon Cognito Developer Guide). */
const longest = 100_000;
const messageLimits = { characters: longest, depth: 60, elements: 2000 };

/** The XML of a message that came as base64 in a form. Throws SamlFault. */
export function decodePosted(value: string): string {
  if (value.length > longest) fault(`it has more than ${longest.toLocaleString("en")} characters.`);
  const base64 = value.replace(/[\r\n]/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) fault("it is not base64.");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    return fault("it is not UTF-8.");
  }
}

/** The assertion of a response. Throws SamlFault with what is wrong; UnknownSigner if no certificate fits. */
export async function verifyResponse(samlResponse: string, expected: Expected): Promise<Assertion> {
  const text = decodePosted(samlResponse);
  const response = readSamlXml(text, messageLimits);
  checkPlaces(response);
  checkStatus(response);
  const signed = isSigned(response);
  checkAddress(response, signed, expected);
  const certificates = expected.provider.certificates;
  const trusted = signed ? await readSigned(text, response, certificates, messageLimits) : undefined;
  const assertion = await signedAssertion(text, { response, trusted }, expected);
  return checkAssertion(assertion, expected);
}

const isAssertion = (element: XmlElement) =>
  isElement(element, "assertion", "Assertion") || isElement(element, "assertion", "EncryptedAssertion");

/**
 * One response with one assertion directly inside it, and signatures nowhere but in these two: what a signature covers
 * cannot be moved, nor anything else be put in its place.
 */
function checkPlaces(response: XmlElement): void {
  if (!isElement(response, "protocol", "Response")) fault(`it is a ${response.name}, not a Response.`);
  if (response.attributes.get("Version") !== "2.0") fault("the Response is not of SAML 2.0.");
  let assertions = 0;
  for (const { element, parent } of walkXml(response)) {
    if (element !== response && isElement(element, "protocol", "Response"))
      fault("there is a Response inside the Response.");
    if (isAssertion(element)) {
      assertions += 1;
      if (parent !== response)
        fault(`there is an Assertion inside the ${parent?.name}, and not directly in the Response.`);
    }
    if (
      isElement(element, "signature", "Signature") &&
      parent !== response &&
      !(parent && isElement(parent, "assertion", "Assertion"))
    )
      fault(`there is a Signature inside the ${parent?.name}.`);
  }
  if (assertions > 1) fault("there is more than one Assertion.");
}

const shortStatus = (value: string) =>
  value.replace(/^urn:oasis:names:tc:SAML:2\.0:status:/, "").slice(0, 100);

/** The provider's own error, if it answers with one. Nobody signs those. */
function checkStatus(response: XmlElement): void {
  const status = child(response, "protocol", "Status") ?? fault("the Response has no Status.");
  const code = child(status, "protocol", "StatusCode") ?? fault("the Status has no StatusCode.");
  const value = shortStatus(attribute(code, "Value"));
  if (value === "Success") return;
  const inner = child(code, "protocol", "StatusCode");
  const message = child(status, "protocol", "StatusMessage");
  const parts = [
    value,
    ...(inner === undefined ? [] : [shortStatus(attribute(inner, "Value"))]),
    ...(message === undefined ? [] : [plainText(message).replace(/\s+/g, " ").trim().slice(0, 200)]),
  ];
  fault(`the provider answered ${parts.join(": ")}`);
}

/** What the response says of itself. Unsigned, it may only make things stricter. */
function checkAddress(response: XmlElement, signed: boolean, expected: Expected): void {
  const { recipients, provider } = expected;
  const destination = response.attributes.get("Destination");
  if (destination === undefined && signed) fault("the Response is signed, but has no Destination.");
  if (destination !== undefined && !recipients.includes(destination))
    fault(`the Destination of the Response is not ${recipients.join(" or ")}.`);
  const issuer = child(response, "assertion", "Issuer");
  if (issuer !== undefined && plainText(issuer).trim() !== provider.entityId)
    fault("the Issuer of the Response is not the provider.");
  checkRequest(response, expected);
}

/** The assertion, from bytes that were signed. */
async function signedAssertion(
  text: string,
  { response, trusted }: { readonly response: XmlElement; readonly trusted: XmlElement | undefined },
  expected: Expected,
): Promise<XmlElement> {
  const [encrypted] = children(trusted ?? response, "assertion", "EncryptedAssertion");
  if (encrypted !== undefined) return decrypted(encrypted, trusted !== undefined, expected);
  if (expected.isEncryptionDemanded) fault("the Assertion is not encrypted, which is demanded.");
  const [assertion] = children(response, "assertion", "Assertion");
  if (assertion === undefined) fault("the Response has no Assertion.");
  const { certificates } = expected.provider;
  if (isSigned(assertion)) return readSigned(text, assertion, certificates, messageLimits);
  if (trusted === undefined) fault("neither the Response nor the Assertion is signed.");
  const [inside] = children(trusted, "assertion", "Assertion");
  return inside ?? fault("the signed Response has no Assertion.");
}

/** What may not be told apart by whoever changes ciphertexts. */
const undecryptable = "the EncryptedAssertion cannot be decrypted, or is not signed by the provider.";

async function decrypted(
  encrypted: XmlElement,
  isTrusted: boolean,
  { decryptionKey, isEncryptionDemanded, provider }: Expected,
): Promise<XmlElement> {
  if (decryptionKey === undefined) fault("the Assertion is encrypted, for which there is no key.");
  if (!isEncryptionDemanded)
    fault("the Assertion is encrypted, but the provider's EncryptedResponses is not true.");
  const key = await decryptionKey();
  try {
    const text = decryptElement(encrypted, key);
    const assertion = readSamlXml(text, messageLimits);
    if (!isElement(assertion, "assertion", "Assertion"))
      fault("there is no Assertion in the EncryptedAssertion.");
    for (const { element, parent } of walkXml(assertion))
      if (
        element !== assertion &&
        (isAssertion(element) || (isElement(element, "signature", "Signature") && parent !== assertion))
      )
        fault("there is an Assertion or a Signature inside the Assertion.");
    if (isSigned(assertion)) return await readSigned(text, assertion, provider.certificates, messageLimits);
    return isTrusted ? assertion : fault("neither the Response nor the Assertion is signed.");
  } catch (error) {
    throw new UnknownSigner(undecryptable, { cause: error });
  }
}
