/** User attributes as form fields, with the right keyboard and autofill. */
import { schemaAttribute } from "../../../domain/user-pools/schema.ts";
import type { Words } from "../words/en.ts";
import { errorOf, type Field, field, type Problem } from "./fields.ts";
import { type Form, textOf } from "./form.ts";
import type { Html } from "./frame.ts";
import { plainPhone } from "./names.ts";
import type { Visit } from "./visit.ts";

type Kind = Pick<Field, "type" | "autocomplete" | "inputmode">;

/**
 * Standard attributes; any other is plain text. Autofill tokens of the HTML standard (https://html.spec.whatwg.org,
 * "Autofill").
 */
const kinds: Readonly<Record<string, Kind>> = {
  email: { type: "email", autocomplete: "email" },
  phone_number: { type: "tel", autocomplete: "tel" },
  name: { autocomplete: "name" },
  given_name: { autocomplete: "given-name" },
  family_name: { autocomplete: "family-name" },
  middle_name: { autocomplete: "additional-name" },
  nickname: { autocomplete: "nickname" },
  profile: { type: "url", autocomplete: "off" },
  picture: { type: "url", autocomplete: "photo" },
  website: { type: "url", autocomplete: "url" },
  gender: { autocomplete: "sex" },
  birthdate: { type: "date", autocomplete: "bday" },
  locale: { autocomplete: "language" },
  address: { autocomplete: "street-address" },
};

export interface AttributeView {
  readonly problem: Problem | undefined;
  readonly optional?: boolean;
  readonly focus?: boolean;
}

export function attributeField(visit: Visit, name: string, view: AttributeView): Html {
  const { words, pool } = visit;
  const { problem, ...flags } = view;
  const kind = kinds[name] ?? kindOfType(schemaAttribute(pool, name)?.AttributeDataType);
  return field(visit, {
    name,
    label: attributeLabel(words, name),
    ...kind,
    value: visit.form.get(name),
    hint: name === "phone_number" ? words.fields.phoneHint : undefined,
    error: errorOf(problem, name),
    ...flags,
  });
}

function kindOfType(type: string | undefined): Kind {
  if (type === "Number") return { autocomplete: "off", inputmode: "numeric" };
  return { type: type === "DateTime" ? "datetime-local" : "text", autocomplete: "off" };
}

/** The label of an attribute; custom attributes are shown by their name. */
function attributeLabel({ fields, attributes }: Words, name: string): string {
  if (name === "email") return fields.email;
  if (name === "phone_number") return fields.phone;
  return attributes[name] ?? name.replace(/^custom:/, "").replaceAll("_", " ");
}

/** The values entered for these attributes; empty ones are left out. */
export function typedAttributes(form: Form, names: readonly string[]): Record<string, string> {
  const typed = names.map((name): [string, string] => {
    const text = textOf(form, name);
    return [name, name === "phone_number" ? plainPhone(text) : text];
  });
  return Object.fromEntries(typed.filter(([, value]) => value !== ""));
}
