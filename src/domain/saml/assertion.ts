/** Checks what a signed assertion says (SAML 2.0 Core section 2, Profiles section 4.1.4.3), and reads it. */
import type { KeyObject } from "node:crypto";
import { authenticationTime, clockSkew } from "../../lib/provider-clocks.ts";
import { elementsOf, textOf, type XmlElement } from "../../lib/xml.ts";
import { type DecryptionKey, decryptElement } from "./decrypt.ts";
import type { SamlProvider } from "./metadata.ts";
import {
  attribute,
  child,
  children,
  fault,
  isElement,
  plainText,
  readSamlXml,
  SamlFault,
  theChild,
  time,
} from "./xml.ts";

/** What a response must be like. */
export interface Expected {
  readonly provider: SamlProvider;
  /** The entity ids that it may be for. */
  readonly audiences: readonly string[];
  /** The URLs that it may have been posted to (Assertion Consumer Service). */
  readonly recipients: readonly string[];
  /** The id of our request; undefined if the provider begins by itself. */
  readonly requestId: string | undefined | typeof anyRequest;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Since when the user must have signed in at the provider, epoch milliseconds; undefined if that was not asked for (ForceAuthn). */
  readonly freshSince: number | undefined;
  /** Whether the provider must encrypt its assertions. */
  readonly isEncryptionDemanded: boolean;
  /** Undefined if nothing can be encrypted to us. */
  readonly decryptionKey: DecryptionKey | undefined;
}

/**
 * The `requestId` of responses to somebody else's request, or to none: whoever hands such a response on must know whether
 * it is the answer to what they asked.
 */
export const anyRequest = Symbol("any request");

/** A name of a user, with what says whose it is. */
export interface NameId {
  readonly nameId: string;
  readonly nameIdFormat?: string;
  readonly nameQualifier?: string;
  readonly spNameQualifier?: string;
}

export interface Assertion {
  readonly id: string;
  readonly name: NameId;
  readonly sessionIndex: string | undefined;
  /** When the user authenticated at the provider, if it says so; epoch milliseconds, not later than now. */
  readonly authenticatedAt: number | undefined;
  /** By Name: a text, or the texts if there are several. */
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
  /** When nobody accepts it any more, epoch milliseconds. */
  readonly expiresAt: number;
}

/** How old an assertion may be that nobody asked for, in milliseconds ("SAML session initiation", Amazon Cognito Developer Guide). */
const oldestUnsolicited = 6 * 60_000;

/** Throws SamlFault. */
export async function checkAssertion(assertion: XmlElement, expected: Expected): Promise<Assertion> {
  if (assertion.attributes.get("Version") !== "2.0") fault("the Assertion is not of SAML 2.0.");
  if (plainText(theChild(assertion, "assertion", "Issuer")).trim() !== expected.provider.entityId)
    fault("the Issuer of the Assertion is not the provider.");
  checkIssueInstant(assertion, expected);
  const subject = theChild(assertion, "assertion", "Subject");
  const confirmedUntil = checkConfirmations(subject, expected);
  const validUntil = checkConditions(assertion, expected);
  const [statement] = children(assertion, "assertion", "AuthnStatement");
  if (statement === undefined) fault("the Assertion has no AuthnStatement.");
  const sessionEnd = time(statement, "SessionNotOnOrAfter");
  if (sessionEnd !== undefined && expected.now - clockSkew >= sessionEnd)
    fault("the session at the provider has ended (SessionNotOnOrAfter).");
  const authenticatedAt = readAuthnInstant(statement, expected);
  return {
    id: attribute(assertion, "ID"),
    name: await readNameId(subject, expected.decryptionKey),
    sessionIndex: statement.attributes.get("SessionIndex") || undefined,
    authenticatedAt,
    attributes: readAttributes(assertion),
    expiresAt: Math.min(confirmedUntil, validUntil) + clockSkew,
  };
}

function checkIssueInstant(assertion: XmlElement, { now, requestId }: Expected): void {
  const issued = time(assertion, "IssueInstant") ?? fault("the Assertion has no IssueInstant.");
  if (issued > now + clockSkew) fault("the IssueInstant of the Assertion is in the future.");
  if (requestId === undefined && issued < now - oldestUnsolicited)
    fault("the Assertion was issued more than 6 minutes ago.");
}

/**
 * When the user authenticated (Core section 2.7.2), which must be since we asked for it: whoever sits at the browser can take
 * ForceAuthn out of a request that is not signed. Providers that leave it out say nothing of it.
 */
function readAuthnInstant(statement: XmlElement, { freshSince, now }: Expected): number | undefined {
  const said = time(statement, "AuthnInstant");
  if (said === undefined)
    return freshSince === undefined ? undefined : fault("the AuthnStatement has no AuthnInstant.");
  const at =
    authenticationTime(said, now) ?? fault("the AuthnInstant is no time at which a user can have signed in.");
  if (freshSince !== undefined && at + clockSkew < freshSince)
    fault("the user has not signed in there anew, as was asked (AuthnInstant).");
  return at;
}

/** NotBefore and NotOnOrAfter, as far as they are there. Returns the latter. */
function checkPeriod(element: XmlElement, now: number): number | undefined {
  const [from, until] = [time(element, "NotBefore"), time(element, "NotOnOrAfter")];
  if (from !== undefined && now + clockSkew < from)
    fault(`it is not valid yet (NotBefore of the ${element.name}).`);
  if (until !== undefined && now - clockSkew >= until)
    fault(`it is not valid any more (NotOnOrAfter of the ${element.name}).`);
  return until;
}

const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/** One bearer confirmation must hold. Returns until when. */
function checkConfirmations(subject: XmlElement, expected: Expected): number {
  const confirmations = children(subject, "assertion", "SubjectConfirmation").filter(
    (one) => attribute(one, "Method") === bearer,
  );
  let first: SamlFault | undefined;
  for (const confirmation of confirmations) {
    try {
      return checkConfirmation(theChild(confirmation, "assertion", "SubjectConfirmationData"), expected);
    } catch (error) {
      if (!(error instanceof SamlFault)) throw error;
      first ??= error;
    }
  }
  throw first ?? new SamlFault("the Subject has no SubjectConfirmation of a bearer.");
}

function checkConfirmation(data: XmlElement, expected: Expected): number {
  const { recipients, now } = expected;
  if (!recipients.includes(data.attributes.get("Recipient") ?? ""))
    fault(`the Recipient is not ${recipients.join(" or ")}.`);
  checkRequest(data, expected);
  return checkPeriod(data, now) ?? fault("the SubjectConfirmationData has no NotOnOrAfter.");
}

/** Checks that something answers our request, or none if there was none. Throws SamlFault. */
export function checkRequest(element: XmlElement, { requestId }: Pick<Expected, "requestId">): void {
  const inResponseTo = element.attributes.get("InResponseTo");
  if (requestId === anyRequest || inResponseTo === requestId) return;
  fault(
    requestId === undefined
      ? `the ${element.name} has an InResponseTo, but nobody asked.`
      : `the InResponseTo of the ${element.name} is not our request.`,
  );
}

/** Conditions that are understood. An assertion with others is not valid (Core section 2.5.1.1). */
const known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];

function checkConditions(assertion: XmlElement, { audiences, now }: Expected): number {
  const conditions = theChild(assertion, "assertion", "Conditions");
  if (!conditions.attributes.has("NotBefore")) fault("the Conditions have no NotBefore.");
  const until = checkPeriod(conditions, now) ?? fault("the Conditions have no NotOnOrAfter.");
  for (const condition of elementsOf(conditions))
    if (!known.some((name) => isElement(condition, "assertion", name)))
      fault(`the Conditions have a ${condition.name.slice(0, 100)}, which is unknown.`);
  const restrictions = children(conditions, "assertion", "AudienceRestriction");
  if (restrictions.length === 0) fault("the Conditions have no AudienceRestriction.");
  for (const restriction of restrictions) {
    const given = children(restriction, "assertion", "Audience").map((one) => plainText(one).trim());
    if (!given.some((one) => audiences.includes(one)))
      fault(`the Audience is not ${audiences.join(" or ")}.`);
  }
  return until;
}

/** The NameID in a Subject or a LogoutRequest, which may be encrypted. Throws SamlFault unless there is one. */
export async function readNameId(parent: XmlElement, key: DecryptionKey | undefined): Promise<NameId> {
  const encrypted = child(parent, "assertion", "EncryptedID");
  const plain = child(parent, "assertion", "NameID");
  if (encrypted === undefined)
    return nameIdIn(plain ?? fault(`the ${parent.name} has no NameID and no EncryptedID.`));
  if (plain !== undefined) fault(`the ${parent.name} has a NameID and an EncryptedID.`);
  if (key === undefined) fault(`the ${parent.name} has an EncryptedID, for which there is no key.`);
  return nameIdIn(decryptedName(encrypted, await key()));
}

/** A name is short, whatever its encryption holds. */
const nameLimits = { characters: 10_000, depth: 5, elements: 10 };

/** What is encrypted was signed as it is, so that nobody can find out what is inside by changing it. */
function decryptedName(encrypted: XmlElement, key: KeyObject): XmlElement {
  let element: XmlElement;
  try {
    element = readSamlXml(decryptElement(encrypted, key), nameLimits);
  } catch (error) {
    throw new SamlFault(
      "the EncryptedID cannot be decrypted by the key of the provider's ActiveEncryptionCertificate.",
      { cause: error },
    );
  }
  return isElement(element, "assertion", "NameID")
    ? element
    : fault("there is no NameID in the EncryptedID.");
}

function nameIdIn(element: XmlElement): NameId {
  const nameId = plainText(element);
  if (nameId === "") fault("the NameID is empty.");
  if (nameId !== nameId.trim()) fault("the NameID begins or ends with white space.");
  if (nameId.length > 1024) fault("the NameID has more than 1024 characters.");
  const optional = (key: keyof NameId, name: string) => {
    const value = element.attributes.get(name);
    return value ? { [key]: value } : {};
  };
  return {
    nameId,
    ...optional("nameIdFormat", "Format"),
    ...optional("nameQualifier", "NameQualifier"),
    ...optional("spNameQualifier", "SPNameQualifier"),
  };
}

function readAttributes(assertion: XmlElement): Assertion["attributes"] {
  const found = new Map<string, string[]>();
  for (const statement of children(assertion, "assertion", "AttributeStatement"))
    for (const one of children(statement, "assertion", "Attribute")) {
      const values = children(one, "assertion", "AttributeValue").map(textOf);
      const name = attribute(one, "Name");
      found.set(name, [...(found.get(name) ?? []), ...values]);
    }
  return Object.fromEntries(
    [...found].flatMap(([name, values]) => {
      const [only, ...more] = values;
      return only === undefined ? [] : [[name, more.length === 0 ? only : values]];
    }),
  );
}
