/** Sealed values that a client carries for us, such as a Session: a few ids and numbers, which nobody can read or forge. */
import type { Ctx } from "../../app.ts";
import type { Place } from "../../store/keys/sealer.ts";

/** Seals the parts; none of them may contain a slash. */
export function sealParts(ctx: Ctx, place: Place, parts: readonly (string | number)[]): Uint8Array {
  return ctx.db.sealer.seal(place, parts.join("/"));
}

/** The parts of a value that was sealed for this place; none if it was not. */
export function openParts(ctx: Ctx, place: Place, sealed: Uint8Array | undefined): string[] {
  try {
    return ctx.db.sealer.openText(place, sealed ?? new Uint8Array()).split("/");
  } catch {
    return [];
  }
}
