/** Reads what a function answered: the event with a filled-in `response`. Pure. */
import { isStorable } from "../../lib/text.ts";
import { refuseFor } from "../../wire/refuse.ts";

/** A member of an answer; every one may be absent or null. Texts are such as callers may send, too. */
type Kind = "flag" | "decision" | "text" | "texts" | "map" | "object";

/** The members of a trigger's `response`. */
export type Form = Readonly<Record<string, Kind>>;

interface Kinds {
  /** False before the function fills it in; others are null. */
  readonly flag: boolean;
  readonly decision: boolean;
  readonly text: string;
  readonly texts: readonly string[];
  /** Text by name. */
  readonly map: Readonly<Record<string, string>>;
  readonly object: Readonly<Record<string, unknown>>;
}

export type Answered<F extends Form> = { readonly [Name in keyof F]: Kinds[F[Name]] | undefined };

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === "string" && isStorable(value);

/** Deeper claims could not be written as JSON again: after everything else is decided, when they are signed. */
const mostLevels = 100;

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => isWithin(item, levels - 1));
}

const fits: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  flag: (value) => typeof value === "boolean",
  decision: (value) => typeof value === "boolean",
  text: isText,
  texts: (value) => Array.isArray(value) && value.every(isText),
  map: (value) => isObject(value) && Object.values(value).every(isText),
  object: (value) => isObject(value) && isWithin(value, mostLevels),
};

/**
 * The members of an answer's `response` that a form names; others are ignored.
 * @param refuse called if the answer is not an event, or a member is of another kind
 */
export function answerOf<F extends Form>(form: F, answer: unknown, refuse: () => never): Answered<F> {
  const response = isObject(answer) ? answer["response"] : undefined;
  return isObject(response) ? membersOf(form, response, refuse) : refuse();
}

/** As `answerOf`, for an object within an answer. */
export function membersOf<F extends Form>(
  form: F,
  given: Readonly<Record<string, unknown>>,
  refuse: () => never,
): Answered<F> {
  const members = Object.entries(form).map(([name, kind]) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) return [name, undefined];
    return fits[kind](value) ? [name, value] : refuse();
  });
  return Object.fromEntries(members);
}

/** Throws InvalidLambdaResponseException for an answer that is not of the trigger's form. */
export function unrecognizable(detail: string): never {
  return refuseFor("triggerUnrecognizable", { detail });
}
