/**
 * Checks signatures inside XML (XML Signature, as SAML 2.0 Core section 5.4 restricts it), and gives back what was signed:
 * nothing else of a document may be believed.
 */
import type { SignedXml } from "xml-crypto";
import { elementsOf, walkXml, type XmlElement, type XmlLimits } from "../../lib/xml.ts";
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
} from "./xml.ts";

const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
const transforms: readonly string[] = ["http://www.w3.org/2000/09/xmldsig#enveloped-signature", exclusive];

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

const areTransforms = (names: readonly string[]): boolean =>
  names.length === transforms.length && transforms.every((name, at) => names[at] === name);

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

/** The most elements of a signature. Those of SignedInfo are about ten, and each certificate in KeyInfo has one. */
const mostElements = 50;

/** The signature covers the element that it lies in, all of it, by algorithms that are allowed. */
function checkForm(signature: XmlElement, signed: XmlElement): void {
  if ([...walkXml(signature)].length > mostElements)
    fault(`the Signature has more than ${mostElements} elements.`);
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
  const given = elementsOf(theChild(reference, "signature", "Transforms"));
  if (!areTransforms(given.map((one) => attribute(one, "Algorithm"))))
    fault("the Signature has transforms other than enveloped-signature and exclusive canonicalization.");
  algorithm(reference, "DigestMethod", digestMethods);
  plainText(theChild(reference, "signature", "DigestValue"));
}

/**
 * What was signed, read from the very bytes whose digest the signature has. Throws SamlFault; UnknownSigner if no
 * certificate fits.
 * @param text the document
 * @param element its root, or an element directly inside it, that `isSigned` has accepted
 * @param certificates PEM; the only ones that count, whatever the document brings along
 */
export async function readSigned(
  text: string,
  element: XmlElement,
  certificates: readonly string[],
  limits: XmlLimits,
): Promise<XmlElement> {
  const id = attribute(element, "ID");
  const { bytes, isRoot } = await signedBytes(text, { element, id }, certificates);
  if (bytes === undefined)
    throw new UnknownSigner(
      `the signature ${isRoot ? "" : `of the ${element.name} `}is wrong, or made with a key that is not in the provider's metadata.`,
    );
  const read = readSamlXml(bytes, limits);
  // Two parsers have read the document: they must have seen the same element.
  if (read.name !== element.name || read.namespace !== element.namespace || attribute(read, "ID") !== id)
    fault("the Signature covers something else.");
  return read;
}

interface Wanted {
  readonly element: XmlElement;
  readonly id: string;
}

/** The canonical form of the element; no bytes if no certificate fits. Throws SamlFault if nothing can be checked. */
async function signedBytes(text: string, { element, id }: Wanted, certificates: readonly string[]) {
  const { parseDomFromString } = await import("@node-saml/node-saml/lib/xml.js");
  const checking = await checker(certificates);
  try {
    const root = (await parseDomFromString(text)).documentElement;
    const isSame = (node: unknown) => isNode(node, element.namespace, element.name);
    const signed = [root, ...Array.from(root.childNodes)].find(
      (node) => isSame(node) && (node as typeof root).getAttribute("ID") === id,
    );
    const signature = Array.from(signed?.childNodes ?? []).find((node) =>
      isNode(node, namespaces.signature, "Signature"),
    );
    checking.loadSignature(signature as NonNullable<typeof signature>);
    const bytes = isMade(checking, signature as DomNode) ? verifiedBytes(checking, text, id) : undefined;
    return { bytes, isRoot: signed === root };
  } catch (error) {
    throw new SamlFault("the Signature cannot be checked.", { cause: error });
  }
}

const isNode = (node: unknown, namespace: string, name: string): boolean => {
  const { localName, namespaceURI } = node as Readonly<Record<"localName" | "namespaceURI", unknown>>;
  return localName === name && namespaceURI === namespace;
};

/** What is used of a node of the library's document. */
interface DomNode {
  readonly nodeType: number;
  readonly parentNode: DomNode | null;
  readonly childNodes: ArrayLike<DomNode>;
  /** Only elements have any. */
  readonly attributes?: ArrayLike<Readonly<Record<"prefix" | "localName" | "value", string>>>;
  readonly textContent: string | null;
}

/**
 * Whether somebody with one of the keys has made the signature, of whatever. Asked first, for SignedInfo is small: the library
 * canonicalizes all that a signature claims to cover before it looks at the key, which costs a hundred times as much.
 */
function isMade(checking: SignedXml, signature: DomNode): boolean {
  const [signedInfo, value] = Array.from(signature.childNodes).filter(({ nodeType }) => nodeType === 1);
  const Method = checking.SignatureAlgorithms[checking.signatureAlgorithm ?? ""];
  if (signedInfo === undefined || value === undefined || Method === undefined) return false;
  const ancestorNamespaces = inherited(signedInfo);
  const material = checking.getCanonXml([exclusive], signedInfo, { ancestorNamespaces });
  try {
    return new Method().verifySignature(material, "", (value.textContent ?? "").replace(/\s/g, ""));
  } catch {
    return false;
  }
}

/** The prefixes that an element has from those around it, and does not declare itself. */
function inherited(element: DomNode) {
  const found = new Map<string, string>();
  for (let at: DomNode | null = element; at !== null; at = at.parentNode)
    for (const { prefix, localName, value } of Array.from(at.attributes ?? []))
      if (prefix === "xmlns" && !found.has(localName)) found.set(localName, at === element ? "" : value);
  return [...found].flatMap(([prefix, namespaceURI]) =>
    namespaceURI === "" ? [] : [{ prefix, namespaceURI }],
  );
}

function verifiedBytes(checking: SignedXml, text: string, id: string): string | undefined {
  try {
    if (!checking.checkSignature(text)) return undefined;
  } catch {
    return undefined;
  }
  // These are now what the signature covers, and no longer what the document claims.
  const [reference, ...more] = checking.getReferences();
  const [bytes, ...others] = checking.getSignedReferences();
  if (reference?.uri !== `#${id}` || !areTransforms(reference.transforms)) return undefined;
  return more.length + others.length === 0 ? bytes : undefined;
}

/** The library, reduced to what is accepted; a signature must fit one of the certificates. */
async function checker(certificates: readonly string[]): Promise<SignedXml> {
  const { SignedXml } = await import("xml-crypto");
  const checking = new SignedXml({ publicCert: certificates[0] ?? "" });
  // Elements are identified by ID alone. Each other name would take the library another search of the document.
  checking.idAttributes = ["ID"];
  checking.CanonicalizationAlgorithms = only(checking.CanonicalizationAlgorithms, transforms);
  checking.HashAlgorithms = only(checking.HashAlgorithms, digestMethods);
  checking.SignatureAlgorithms = only(checking.SignatureAlgorithms, signatureMethods, (Algorithm) =>
    withAnyOf(certificates, Algorithm),
  );
  return checking;
}

function only<T>(
  all: Readonly<Record<string, T>>,
  names: readonly string[],
  change: (one: T) => T = (one) => one,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, one]) => (names.includes(name) ? [[name, change(one)]] : [])),
  );
}

type Algorithm = SignedXml["SignatureAlgorithms"][string];

/** The algorithm with all certificates in place of the one that the library knows: the document is read once for all. */
function withAnyOf(certificates: readonly string[], Original: Algorithm): Algorithm {
  return class extends Original {
    constructor() {
      super();
      const { verifySignature } = this;
      this.verifySignature = (material: string, _first: unknown, value: string) =>
        certificates.some((one) => verifySignature(material, one, value));
    }
  };
}
