/** Short values sealed together, such as ids and times: what clients bring back without being able to read or forge it. */
import { SealError } from "../../lib/seal.ts";
import type { Place, Sealer } from "./sealer.ts";

/** Seals words, none of which may contain a slash. */
export function sealWords(sealer: Sealer, place: Place, words: readonly (string | number)[]): Uint8Array {
  const texts = words.map(String);
  if (texts.some((text) => text.includes("/"))) throw new Error("A word to be sealed contains a slash.");
  return sealer.seal(place, texts.join("/"));
}

/** Opens what `sealWords` sealed for the same place; undefined if it was not sealed by this installation, or altered. */
export function openWords(
  sealer: Sealer,
  place: Place,
  sealed: Uint8Array | undefined,
): string[] | undefined {
  if (sealed === undefined) return undefined;
  try {
    return sealer.openText(place, sealed).split("/");
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}
