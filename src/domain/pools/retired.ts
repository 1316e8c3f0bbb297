/** Names that another pool gave up less than a year ago (store/retired-names.ts says why they are not free). */
import { NameRetired } from "../../store/retired-names.ts";
import { refuse } from "../../wire/refuse.ts";

/** Throws InvalidParameterException for a name that is retired, and whatever else it is given as it is. */
export function refuseRetired(error: unknown): never {
  if (!(error instanceof NameRetired)) throw error;
  const { kind, name, freeAt } = error.retired;
  const day = new Date(freeAt).toISOString().slice(0, 10);
  return refuse(
    "InvalidParameterException",
    `The ${kind === "client" ? "client id" : kind} ${name} belonged to another user pool; it is free for others from ` +
      `${day} on, or once an operator releases it (poolhouse names release ${kind} ${name}).`,
  );
}
