/** Phone numbers as people write them at home: without the calling code, or with the prefix dialed before it. */
import { phoneNumberAt } from "../../../lib/phone-number.ts";
import type { Form } from "./form.ts";
import { accepted } from "./language.ts";

/** The country of a language that is mostly spoken in one; English and Arabic are not. */
const countries: Readonly<Record<string, string>> = {
  de: "DE",
  es: "ES",
  fr: "FR",
  id: "ID",
  it: "IT",
  ja: "JP",
  ko: "KR",
  "pt-BR": "BR",
  "zh-CN": "CN",
  "zh-TW": "TW",
};

/**
 * The country whose numbers need no calling code: the region that the browser's languages name with the page's language,
 * otherwise the language's own; undefined if that is none.
 * @param language the tag of the page's language; @param header Accept-Language
 */
export function homeCountry(language: string, header: string | undefined): string | undefined {
  const [spoken] = language.split("-");
  const regions = accepted(header)
    .filter((tag) => tag.toLowerCase().split("-")[0] === spoken)
    .flatMap((tag) => /-([a-z]{2})(?:-|$)/i.exec(tag)?.[1]?.toUpperCase() ?? []);
  return regions[0] ?? countries[language];
}

const likeAtHome = /^(?=(?:\D*\d){4})[\d\s()./-]{4,32}$/;

/**
 * The form with the numbers in these fields in the form of E.164 if they are written without `+`; others stay as they
 * are, as does what is no number of the country.
 */
export async function withFullPhones(
  form: Form,
  fields: readonly string[],
  country: string | undefined,
): Promise<Form> {
  if (country === undefined) return form;
  const full = new Map(form);
  for (const field of fields) {
    const typed = form.get(field)?.trim() ?? "";
    const number = likeAtHome.test(typed) ? await phoneNumberAt(typed, country) : undefined;
    if (number !== undefined) full.set(field, number);
  }
  return full;
}
