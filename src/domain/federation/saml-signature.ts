/**
 * Checks signatures inside XML (XML Signature, as SAML 2.0 Core section 5.4 restricts it), and gives back what was signed:
 * nothing else of a document may be believed.
 */
import type { XmlElement, XmlLimits } from "../../lib/xml.ts";
import { elementsOf } from "../../lib/xml.ts";
import {
  attribute,
  child,
  fault,
  isElement,
  namespaces,
  plainText,
  readSamlXml,
  SamlFault,
  theChild,
} from "./saml-xml.ts";

const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
const enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/** Algorithms of signatures that are accepted. Those with SHA-1 are not. */
const signatureMethods: readonly string[] = [
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
  "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
];
const digestMethods: readonly string[] = [
  "http://www.w3.org/2001/04/xmlenc#sha256",
  "http://www.w3.org/2001/04/xmlenc#sha512",
];

/** None of the certificates fits: the provider may have a new one. */
export class UnknownSigner extends SamlFault {}

/** Whether the element has a signature of its own. Throws SamlFault unless that has the one form that SAML allows. */
export function isSigned(element: XmlElement): boolean {
  const signature = child(element, "signature", "Signature");
  if (signature === undefined) return false;
  checkForm(signature, element);
  return true;
}

const algorithm = (parent: XmlElement, name: string, allowed: readonly string[]) => {
  const given = attribute(theChild(parent, "signature", name), "Algorithm");
  if (!allowed.includes(given)) fault(`the ${name} ${given.slice(0, 100)} is not allowed.`);
};

/** The signature covers the element that it lies in, all of it, by algorithms that are allowed. */
function checkForm(signature: XmlElement, signed: XmlElement): void {
  const [signedInfo, value, keyInfo, ...more] = elementsOf(signature);
  if (
    signedInfo === undefined ||
    value === undefined ||
    !isElement(signedInfo, "signature", "SignedInfo") ||
    !isElement(value, "signature", "SignatureValue") ||
    (keyInfo !== undefined && !isElement(keyInfo, "signature", "KeyInfo")) ||
    more.length > 0
  )
    fault("the Signature holds something besides SignedInfo, SignatureValue and KeyInfo.");
  algorithm(signedInfo, "CanonicalizationMethod", [exclusive]);
  algorithm(signedInfo, "SignatureMethod", signatureMethods);
  const reference = theChild(signedInfo, "signature", "Reference");
  if (!/^[A-Za-z_][\w.-]{0,255}$/.test(attribute(signed, "ID")))
    fault(`the ID of the ${signed.name} is none.`);
  if (attribute(reference, "URI") !== `#${attribute(signed, "ID")}`)
    fault(`the Signature in the ${signed.name} is that of another element.`);
  const transforms = elementsOf(theChild(reference, "signature", "Transforms"));
  const names = transforms.map((transform) => attribute(transform, "Algorithm"));
  if (names.length !== 2 || names[0] !== enveloped || names[1] !== exclusive)
    fault("the Signature has transforms other than enveloped-signature and exclusive canonicalization.");
  algorithm(reference, "DigestMethod", digestMethods);
  plainText(theChild(reference, "signature", "DigestValue"));
}

/**
 * What was signed, read from the very bytes whose digest the signature has.
 * @param text the document; `isSigned` has accepted the element
 * @param which the root of the document, or the assertion directly inside it
 * @param certificates PEM; the only ones that count, whatever the document brings along
 */
export async function readSigned(
  text: string,
  which: "root" | "Assertion",
  certificates: readonly string[],
  limits: XmlLimits,
): Promise<XmlElement> {
  const { getVerifiedXml, parseDomFromString } = await import("@node-saml/node-saml/lib/xml.js");
  const bytes = await orFault(async () => {
    const root = (await parseDomFromString(text)).documentElement;
    const signed = which === "root" ? root : Array.from(root.childNodes).find(isNamed(which));
    return getVerifiedXml(text, signed as typeof root, [...certificates]);
  });
  if (bytes === null)
    throw new UnknownSigner(
      `the signature ${which === "root" ? "" : `of the ${which} `}is wrong, or made with a key that is not in the provider's metadata.`,
    );
  return readSamlXml(bytes, limits);
}

const isNamed = (name: string) => (node: unknown) =>
  (node as { readonly localName?: string }).localName === name &&
  (node as { readonly namespaceURI?: string }).namespaceURI === namespaces.assertion;

/** The library throws where a document is not as it expects. */
async function orFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new SamlFault("the Signature cannot be checked.", { cause: error });
  }
}
