/** Who has accounts at the stand-ins, and the page on which one chooses who one is. */
import { type Html, html, page } from "../html.ts";

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

const people: readonly Person[] = [
  { id: "1001", name: "Ann Archer", email: "ann@example.com" },
  { id: "1002", name: "Ben Baker", email: "ben@example.com" },
];

export const personOf = (id: unknown): Person | undefined => people.find((person) => person.id === id);

/** There are no passwords: one click signs in. The form is sent to the page's own URL. */
export function choosePerson(provider: string): string {
  const buttons = people.map(
    ({ id, name, email }): Html => html`<button name="person" value="${id}">${name} (${email})</button>\n`,
  );
  const body = html`<p>This stands in for the real provider. Who are you there?</p>
<form method="post">
${buttons}</form>`;
  return page(`Sign in at ${provider}`, body);
}

export const refusedPage = (why: string): string => page("That did not work", html`<p>${why}</p>`);
