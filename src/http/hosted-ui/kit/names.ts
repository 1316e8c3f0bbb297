/** The form field for what the pool's users sign in with. */
import type { Pool } from "../../../domain/user-pools/load-pool.ts";
import type { User } from "../../../store/users.ts";
import type { Words } from "../words/en.ts";
import { field } from "./fields.ts";
import { textOf } from "./form.ts";
import type { Html } from "./frame.ts";
import type { Visit } from "./visit.ts";

export interface NameView {
  readonly value?: string | undefined;
  readonly error?: string | undefined;
  readonly focus?: boolean;
  readonly webauthn?: boolean;
}

/** A field that accepts every name that works at sign-in. */
export function nameField(visit: Pick<Visit, "pool" | "words">, view: NameView): Html {
  const { label, inputmode } = signInName(visit.pool, visit.words);
  return field(visit, {
    name: "username",
    label,
    ...(inputmode && { inputmode }),
    value: view.value,
    autocomplete: view.webauthn === true ? "username webauthn" : "username",
    error: view.error,
    focus: view.focus === true,
  });
}

/** What the users of a pool sign in with: a name of one kind, or whichever of several they have. */
export type NameKind = "username" | "email" | "phone" | "several";

export function nameKind({ document }: Pool): NameKind {
  const { UsernameAttributes = [], AliasAttributes = [] } = document;
  const [only, another] = UsernameAttributes;
  if (another !== undefined) return "several";
  if (only !== undefined) return only === "email" ? "email" : "phone";
  return AliasAttributes.some((name) => name !== "preferred_username") ? "several" : "username";
}

function signInName(pool: Pool, { fields }: Words): { label: string; inputmode?: "email" | "tel" } {
  const { UsernameAttributes = [], AliasAttributes = [] } = pool.document;
  const kind = nameKind(pool);
  if (UsernameAttributes.length > 1) return { label: fields.emailOrPhone };
  if (kind === "email") return { label: fields.email, inputmode: "email" };
  if (kind === "phone") return { label: fields.phone, inputmode: "tel" };
  const byEmail = AliasAttributes.includes("email");
  const byPhone = AliasAttributes.includes("phone_number");
  if (byEmail && byPhone) return { label: fields.anyName };
  if (byEmail) return { label: fields.usernameOrEmail };
  return { label: byPhone ? fields.usernameOrPhone : fields.username };
}

/** Whether people know a name as theirs: the username of a user who signs in by an address is made up. */
export function isKnownName({ document }: Pool, name: string): boolean {
  return !document.UsernameAttributes?.length || /^\+|@/.test(name);
}

/** What a user is called on the pages: the address they sign in with, otherwise an address or the username. */
export function shownName({ document }: Pool, { username, attributes }: User): string {
  const { UsernameAttributes = [] } = document;
  const own = UsernameAttributes.map((name) => attributes[name]).find((value) => value);
  return (
    own ??
    attributes["email"] ??
    (UsernameAttributes.length > 0 ? attributes["phone_number"] : undefined) ??
    username
  );
}

/** The name as entered; a phone number without the separators that people write. */
export function typedName({ pool, form }: Pick<Visit, "pool" | "form">): string {
  const typed = textOf(form, "username");
  const { UsernameAttributes = [], AliasAttributes = [] } = pool.document;
  const byPhone = [...UsernameAttributes, ...AliasAttributes].includes("phone_number");
  return byPhone && /^\+[\d\s().-]+$/.test(typed) ? plainPhone(typed) : typed;
}

export function plainPhone(typed: string): string {
  return typed.replace(/[\s().-]/g, "");
}
