import { readFileSync } from "node:fs";
import { fileProblem } from "../lib/file-problem.ts";
import { CommandError } from "./command-error.ts";

/** The text of a file that an argument names. Throws CommandError if it cannot be read. */
export function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError(`The file ${path} cannot be read: ${fileProblem(error)}.${pathHint(path)}`);
  }
}

/** What to write instead of what aws-cli takes in the place of a path, as a sentence after a space; or nothing. */
export function pathHint(path: string): string {
  if (path.startsWith("file:")) return " Give the path alone, without file://.";
  return /^\s*[{[]/.test(path) ? " Give the path of a file, not its content." : "";
}
