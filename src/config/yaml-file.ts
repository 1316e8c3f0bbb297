/** Configuration files. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileProblem } from "../lib/file-problem.ts";
import { ConfigError, type ConfigFile } from "./section.ts";

/**
 * Parses a YAML file. Throws ConfigError, which says where a mistake is, but quotes nothing of the file: messages of
 * the parser may contain the line, an alias or a tag, any of which can be part of a secret that lacks quotation marks.
 * @param whose where the file was named, for the message
 */
export function readYaml(path: string, whose = " of --config"): ConfigFile & { readonly value: unknown } {
  // Loaded on demand: most servers have no configuration file.
  const yaml = createRequire(import.meta.url)("yaml") as typeof import("yaml");
  const refuse = (reason: string): never => {
    throw new ConfigError(`The file ${path}${whose} cannot be read: ${reason}`);
  };
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return refuse(`${fileProblem(error)}.`);
  }
  const lineCounter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { prettyErrors: false, logLevel: "silent", lineCounter });
  const [mistake] = [...document.errors, ...document.warnings];
  if (mistake !== undefined) {
    const { line, col } = lineCounter.linePos(mistake.pos[0]);
    const where = `at line ${line}, column ${col}`;
    // As CloudFormation has them for its functions (!Ref, !Sub).
    if (mistake.code === "TAG_RESOLVE_FAILED")
      return refuse(
        `a word begins with ! ${where}, which would be a tag, and tags mean nothing here: write the value ` +
          "itself, in quotation marks if it begins so.",
      );
    return refuse(`it is not valid YAML ${where} (${mistake.code}).`);
  }
  try {
    return { path, yaml, document, lineCounter, value: document.toJS() as unknown };
  } catch {
    return refuse("it is not valid YAML: an alias (*) has no anchor (&), or there are too many.");
  }
}
