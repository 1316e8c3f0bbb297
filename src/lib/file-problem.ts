/** Why a file cannot be read or written, in words for the operator. */

const words: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this account may not read it",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is a file, not a folder",
};

/** What is wrong with the file, to follow its path; the system's message if it is something rare. */
export function fileProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return Object.hasOwn(words, code) ? words[code]! : error.message;
}
