/** What the documents of SAML 2.0 have in common. Pure. */
import { elementsOf, readXml, textOf, type XmlElement, XmlFault, type XmlLimits } from "../../lib/xml.ts";

export const namespaces = {
  assertion: "urn:oasis:names:tc:SAML:2.0:assertion",
  protocol: "urn:oasis:names:tc:SAML:2.0:protocol",
  metadata: "urn:oasis:names:tc:SAML:2.0:metadata",
  signature: "http://www.w3.org/2000/09/xmldsig#",
  encryption: "http://www.w3.org/2001/04/xmlenc#",
} as const;

/** A document that SAML does not allow, or that we refuse. The message says why and where, without secrets. */
export class SamlFault extends Error {}

export function fault(message: string): never {
  throw new SamlFault(message);
}

/** As `readXml`, but throws SamlFault. */
export function readSamlXml(text: string, limits: XmlLimits): XmlElement {
  try {
    return readXml(text, limits);
  } catch (error) {
    if (error instanceof XmlFault) throw new SamlFault(`the document is refused: ${error.message}`);
    throw error;
  }
}

export const isElement = (element: XmlElement, kind: keyof typeof namespaces, name: string): boolean =>
  element.name === name && element.namespace === namespaces[kind];

/** The elements of that name directly inside. */
export function children(parent: XmlElement, kind: keyof typeof namespaces, name: string): XmlElement[] {
  return elementsOf(parent).filter((element) => isElement(element, kind, name));
}

/** The element of that name directly inside; undefined if there is none. Throws SamlFault if there are several. */
export function child(
  parent: XmlElement,
  kind: keyof typeof namespaces,
  name: string,
): XmlElement | undefined {
  const [first, second] = children(parent, kind, name);
  if (second !== undefined) fault(`the ${parent.name} has more than one ${name}.`);
  return first;
}

/** The one element of that name directly inside. Throws SamlFault if there is none, or several. */
export function theChild(parent: XmlElement, kind: keyof typeof namespaces, name: string): XmlElement {
  return child(parent, kind, name) ?? fault(`the ${parent.name} has no ${name}.`);
}

/** The value of an attribute. Throws SamlFault if it is missing or empty. */
export function attribute(element: XmlElement, name: string): string {
  return element.attributes.get(name) || fault(`the ${element.name} has no ${name}.`);
}

/** The text of an element that has no elements inside it. */
export function plainText(element: XmlElement): string {
  if (elementsOf(element).length > 0) fault(`the ${element.name} has elements inside it.`);
  return textOf(element);
}

/** An xs:dateTime with a time zone, in epoch milliseconds; undefined if the attribute is missing. Throws SamlFault. */
export function time(element: XmlElement, name: string): number | undefined {
  const value = element.attributes.get(name);
  if (value === undefined) return undefined;
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
  const at = form.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at)
    ? fault(`the ${name} of the ${element.name} is no time with a time zone: ${value.slice(0, 40)}.`)
    : at;
}
