/** A person, as the API takes and gives it. */
import { Problem } from "./problems.ts";

const statuses = ["active", "away", "left"] as const;

interface Address {
  readonly street: string;
  readonly postcode: string;
  readonly city: string;
}

export interface Person {
  readonly name: string;
  readonly email: string;
  readonly status: (typeof statuses)[number];
  readonly address: Address | null;
}

/** A line of text: no control characters, no halves of characters. */
const isLine = (value: unknown, most: number): value is string =>
  typeof value === "string" && [...value].length <= most && !/[\p{Cc}\p{Cs}]/u.test(value);

const most = { name: 200, email: 254, street: 200, postcode: 20, city: 100 };

/** The person in a request's body. Throws a Problem that says what is wrong with each of its members. */
export function personOf(body: unknown): Person {
  const errors: { pointer: string; detail: string }[] = [];
  const wrong = (pointer: string, detail: string) => void errors.push({ pointer: `#/${pointer}`, detail });
  const { address = null, status = "active", ...given } = membersOf(body) ?? {};
  const line = (name: keyof typeof most, value: unknown = "", pointer: string = name) => {
    if (!isLine(value, most[name])) wrong(pointer, `must be one line of at most ${most[name]} characters`);
    else if (value.trim() !== "") return value.trim();
    else if (pointer === name) wrong(pointer, "is missing");
    else wrong(pointer, "is missing: an address needs a street, a postcode and a city");
    return "";
  };

  const name = line("name", given["name"]);
  const email = line("email", given["email"]);
  if (email !== "" && !/^[^\s@]+@[^\s@]+$/.test(email)) wrong("email", "must be an email address");
  const known = statuses.find((one) => one === status);
  if (known === undefined) wrong("status", `must be one of ${statuses.join(", ")}`);
  const parts = membersOf(address);
  if (parts === undefined && address !== null) wrong("address", "must be an object or null");
  const place = parts && {
    street: line("street", parts["street"], "address/street"),
    postcode: line("postcode", parts["postcode"], "address/postcode"),
    city: line("city", parts["city"], "address/city"),
  };
  if (errors.length > 0) throw new Problem(400, "The person is not valid.", { errors });
  return { name, email, status: known!, address: place ?? null };
}

const membersOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
