/**
 * The table of limits, which the setting `limits` changes by name. Values are Cognito's where AWS documents one
 * ("Lockout behavior for failed sign-in attempts" and "Quotas", Amazon Cognito Developer Guide). Where AWS relies on
 * its edge network they are our own, wide enough for thousands of people behind one address. docs/security-model.md has
 * this table.
 */
export interface Limit {
  readonly fallback: number;
  /** The lowest value with which anybody could be served; less is refused at the start. 1 by default. */
  readonly least?: number;
  readonly help: string;
}

/** Every limit. Rates are per hour; the others limit what is held or waiting at a time. */
export const limitTable = {
  password: {
    fallback: 5,
    help: "Wrong passwords, or wrong codes of a factor, before locks of 1 s, 2 s, 4 s … 15 minutes (Cognito).",
  },
  "forgot-password": { fallback: 5, help: "ForgotPassword per hour and user (Cognito: 5 to 20)." },
  "confirm-forgot-password": {
    fallback: 15,
    help: "ConfirmForgotPassword per hour and user (Cognito: 5 to 20).",
  },
  "confirm-sign-up": { fallback: 15, help: "ConfirmSignUp per hour and user (Cognito)." },
  "resend-confirmation-code": { fallback: 5, help: "ResendConfirmationCode per hour and user (Cognito)." },
  "sign-in-code": { fallback: 20, help: "Sign-in codes sent, per hour and user (ours)." },
  "change-password": { fallback: 5, help: "ChangePassword per hour and user (Cognito)." },
  "attribute-code": { fallback: 5, help: "GetUserAttributeVerificationCode per hour and user (Cognito)." },
  "verify-attribute": { fallback: 15, help: "VerifyUserAttribute per hour and user (Cognito)." },
  "update-attributes": {
    fallback: 20,
    help: "UpdateUserAttributes that sends a code, per hour and user (ours).",
  },
  "credential-changes": {
    fallback: 200,
    help: "Changes that add to what a user signs in with or recovers by, per hour (ours).",
  },
  "authorization-codes": {
    fallback: 1_000,
    help: "Authorization codes per hour and browser sign-in (ours).",
  },
  "sign-in-events": {
    fallback: 30,
    help: "Sign-in events of a kind that proves nothing, per hour and user; further ones become a single event with a count (ours).",
  },
  "waiting-sign-ins": {
    fallback: 1_000,
    help: "Waiting sign-ins per name and address, for each kind; beyond that the oldest is void (ours).",
  },
  "waiting-sign-ins-per-address": {
    fallback: 10_000,
    help: "Waiting sign-ins per address, for each kind; beyond that the oldest is void (ours).",
  },
  "passwords-per-address": { fallback: 2_000, help: "Wrong passwords per hour and address (ours)." },
  "codes-per-address": { fallback: 2_000, help: "Wrong codes per hour and address (ours)." },
  "sign-ups-per-address": { fallback: 2_000, help: "SignUp per hour and address (ours)." },
  "provider-sign-ins-per-address": {
    fallback: 4_000,
    help: "Sign-ins begun at other identity providers, per hour and address (ours).",
  },
  "guests-per-address": {
    fallback: 1_000,
    help: "New identities without a login per day and address, for each identity pool (ours).",
  },
  "identities-per-login": {
    fallback: 20,
    help: "New identities of one login per day, for each identity pool: it has another one after it was unlinked (ours).",
  },
  "messages-per-address": { fallback: 4_000, help: "Messages requested per hour and address (ours)." },
  "messages-per-destination": { fallback: 20, help: "Messages per hour to one mailbox or phone (ours)." },
  "texts-per-pool": {
    fallback: 10_000,
    help: "Text messages per hour and pool for strangers, and as many for users at networks where they are known (ours).",
  },
  "texts-per-prefix": {
    fallback: 1_000,
    help: "Text messages per hour and pool to numbers with the same calling code and three digits after it, counted likewise (ours).",
  },
  "notices-per-destination": {
    fallback: 20,
    help: "Notices per hour to one mailbox, counted apart from messages with codes (ours).",
  },
  connections: { fallback: 4_000, least: 32, help: "Open connections (ours)." },
  "body-bytes": {
    fallback: 67_108_864,
    least: 131_072,
    help: "Bytes of request bodies being read (ours).",
  },
  "answer-bytes": {
    fallback: 67_108_864,
    least: 65_536,
    help: "Bytes of answers that wait for clients to read them (ours).",
  },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limitTable;
/** Limits on what all clients together hold at a time, whatever they ask for. */
export const capacityNames = ["connections", "body-bytes", "answer-bytes"] as const satisfies LimitName[];
export type CapacityName = (typeof capacityNames)[number];
export type Limits = Readonly<Record<LimitName, number>>;

export const limitNames = Object.keys(limitTable) as readonly LimitName[];

/** Parses `name=number` pairs; limits that are not named keep their default. */
export function parseLimits(pairs: readonly string[]): Limits {
  const given = new Map(pairs.map((pair) => pair.split("=", 2) as [string, string]));
  const numbers = limitNames.map((name) => [name, Number(given.get(name) ?? limitTable[name].fallback)]);
  return Object.freeze(Object.fromEntries(numbers));
}

/** What is wrong with a `name=number` pair, if anything. */
export function wrongLimit(pair: string): string | undefined {
  const [, name = "", number = ""] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
  if (!limitNames.some((one) => one === name)) return `must name limits (${limitNames.join(", ")})`;
  const { least = 1 }: Limit = limitTable[name as LimitName];
  const fits = /^[1-9]\d{0,8}$/.test(number) && Number(number) >= least;
  return fits ? undefined : `must give ${name} a number from ${least} to 999999999`;
}
