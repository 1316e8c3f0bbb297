/** A handler in TypeScript, as it is written, with an import of its own. */
import { greet } from "./typed-words.ts";

interface Event {
  readonly name: string;
}

export const handler = async (event: Event): Promise<{ greeting: string }> => ({
  greeting: greet(event.name),
});
