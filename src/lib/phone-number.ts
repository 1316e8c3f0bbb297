/**
 * Phone numbers in the form of E.164, by the numbering plans of libphonenumber. The library is loaded when the first number
 * is asked about.
 */

const plans = () => import("libphonenumber-js/min");

export interface PhoneFacts {
  /** The calling code without `+`; undefined if the number begins with none. */
  readonly callingCode: string | undefined;
  /**
   * ISO 3166 codes of the countries that the number may belong to: one if its first digits tell, otherwise all that share
   * its calling code.
   */
  readonly countries: readonly string[];
  /** Whether numbers of this length exist there. */
  readonly possible: boolean;
  /**
   * The number without what is only dialed inside its country, such as the 0 of `+44 0 7911 123456`: the same for every way in
   * which services accept it.
   */
  readonly number: string;
  /** What numbers of the same range begin with: the calling code and three digits. */
  readonly range: string;
}

const digitsOfRange = 3;

/** What a number `+<digits>` says about where it leads. */
export async function phoneFacts(number: string): Promise<PhoneFacts> {
  const { default: parse, getCountries, getCountryCallingCode } = await plans();
  const parsed = parse(number);
  const callingCode: string | undefined = parsed?.countryCallingCode;
  if (parsed === undefined || callingCode === undefined)
    return { callingCode, number, countries: [], possible: false, range: number.slice(0, 2 + digitsOfRange) };
  const sharing = () => getCountries().filter((one) => getCountryCallingCode(one) === callingCode);
  return {
    callingCode,
    number: parsed.number,
    countries: parsed.country === undefined ? sharing() : [parsed.country],
    possible: parsed.isPossible(),
    range: parsed.number.slice(0, 1 + callingCode.length + digitsOfRange),
  };
}

/** Whether a number may belong to one of these countries; an empty list stands for all. */
export function isAmong({ countries }: Pick<PhoneFacts, "countries">, listed: readonly string[]): boolean {
  return listed.length === 0 || countries.some((country) => listed.includes(country));
}

/**
 * The number that somebody means by digits as they write them at home, in the form of E.164; undefined if there are no
 * such numbers in the country.
 * @param country an ISO 3166 code
 */
export async function phoneNumberAt(typed: string, country: string): Promise<string | undefined> {
  const { default: parse, isSupportedCountry } = await plans();
  if (!isSupportedCountry(country)) return undefined;
  const parsed = parse(typed, { defaultCountry: country, extract: false });
  return parsed?.isPossible() === true ? parsed.number : undefined;
}
