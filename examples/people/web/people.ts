/** The People API, called with a user's access token. */
import { setting } from "../settings.ts";

const apiUrl = setting("API_URL");

export const statuses = ["active", "away", "left"];

export interface Person {
  readonly name: string;
  readonly email: string;
  readonly status: string;
  readonly address: { readonly street: string; readonly postcode: string; readonly city: string } | null;
}

export interface List {
  readonly people: readonly (Person & { readonly id: number })[];
  readonly total: number;
  readonly page: number;
  readonly pages: number;
}

/** What is wrong with members of a person, by pointers such as `#/address/city`. */
export type Faults = Readonly<Record<string, string>>;

/** The API's problem document, RFC 9457. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly faults: Faults;
  constructor(status: number, detail: string, faults: Faults = {}) {
    super(detail);
    this.status = status;
    this.faults = faults;
  }
}

/** The answer; undefined if it is empty. Throws an ApiProblem if the API has one, or does not answer. */
export async function callApi(token: string, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const signal = AbortSignal.timeout(5_000);
  const init = { method, headers, signal, ...(body && { body: JSON.stringify(body) }) };
  const { isOk, content } = await ask(new URL(path, apiUrl), init).catch((error: unknown) => {
    console.error(error);
    // A request that was sent may still be carried out.
    const advice =
      method === "GET" ? "Please try again in a moment." : "Check whether it was done before you try again.";
    throw new ApiProblem(503, `The People API did not answer. ${advice}`);
  });
  if (isOk) return content;
  const {
    status,
    detail,
    errors = [],
  } = content as {
    status: number;
    detail: string;
    errors?: { pointer: string; detail: string }[];
  };
  const faults = Object.fromEntries(errors.map((error) => [error.pointer, error.detail]));
  throw new ApiProblem(status, detail, faults);
}

/** Throws if there is no answer, or one that is not the API's: a proxy may answer for it. */
async function ask(url: URL, init: RequestInit) {
  const answer = await fetch(url, init);
  const text = await answer.text();
  const isProblem = answer.headers.get("content-type")?.startsWith("application/problem+json");
  if (!answer.ok && !isProblem) throw new Error(`${url.host} answered ${answer.status}.`);
  return { isOk: answer.ok, content: text === "" ? undefined : JSON.parse(text) };
}
