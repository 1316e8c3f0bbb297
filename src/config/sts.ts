/** The settings of an STS that is somebody else's. */
import { fileProblem } from "../lib/file-problem.ts";
import { ConfigError } from "./section.ts";
import { readAuthorities } from "./smtp.ts";

export interface StsConfig {
  readonly url: string;
  /** PEM of the authorities to trust for its certificate; the usual ones if undefined. */
  readonly ca: string | undefined;
}

/**
 * The STS for roles that are not defined here; undefined if none is configured. Throws ConfigError.
 * @param value returns a checked setting by its name
 */
export function stsConfig(value: (name: "stsUrl" | "stsCa") => string | undefined): StsConfig | undefined {
  const url = value("stsUrl");
  const path = value("stsCa");
  if (url === undefined) {
    if (path !== undefined) throw new ConfigError("The setting sts-ca needs sts-url.");
    return undefined;
  }
  try {
    return { url, ca: path === undefined ? undefined : readAuthorities(path) };
  } catch (error) {
    throw new ConfigError(`The file ${path} of the setting sts-ca cannot be read: ${fileProblem(error)}`);
  }
}
