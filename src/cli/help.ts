/** `poolhouse help`: the commands and every setting, or one command in detail. */
import { settingGroups, settings } from "../config/settings.ts";
import { suggestion } from "../lib/closest.ts";
import { CommandError } from "./command-error.ts";
import { wrapped } from "./text.ts";
import { type CommandName, isCommand, usages, usageText } from "./usage.ts";

/** @param argv a command, and words of an action of it */
export async function help([name, ...words]: readonly string[]): Promise<void> {
  if (name === undefined || name === "help") return console.log(overview());
  if (!isCommand(name)) throw new CommandError(unknownCommand(name), 2);
  const { summary } = usages[name];
  const actions = words.filter((word) => !word.startsWith("-"));
  console.log(`poolhouse ${name}: ${summary}\n\n${usageText(name, actions)}`);
  if (name === "serve") console.log(`\n${settingsText()}`);
}

/** What to say of a command that does not exist. */
export function unknownCommand(name: string): string {
  const meant = suggestion(name, Object.keys(usages));
  return `Unknown command ${name}.${meant} \`poolhouse help\` lists the commands.`;
}

const commandGroups: readonly (readonly [title: string, names: readonly CommandName[]])[] = [
  ["Running the server", ["serve", "migrate", "doctor"]],
  ["In front of applications", ["gateway"]],
  [
    "Administration",
    [
      "keys",
      "roles",
      "identity-pools",
      "trusted-providers",
      "names",
      "audit",
      "messages",
      "functions",
      "public-url",
    ],
  ],
  ["About", ["help", "version"]],
];

function overview(): string {
  const width = Math.max(...Object.keys(usages).map((name) => name.length));
  const row = (name: CommandName) => `  ${name.padEnd(width)}  ${usages[name].summary}`;
  const commands = commandGroups.map(([title, names]) => `${title}\n${names.map(row).join("\n")}`);
  const intro = "Poolhouse, a self-hosted identity platform, wire-compatible with Amazon Cognito.";
  const each = "Every command says more with --help (or -h), and its version with --version (or -v).";
  return [intro, "Usage: poolhouse COMMAND [flags]", ...commands, each, settingsText()].join("\n\n");
}

/** The settings by subject, with what they mean below each. */
function settingsText(): string {
  const intro =
    "Settings: a flag takes precedence over its environment variable, which takes precedence over the YAML file of --config, whose keys are the names of the flags. Secrets have no flag.";
  const groups = settingGroups.map(
    ([title, names]) => `${title}\n${names.map((name) => settingText(settings[name])).join("\n")}`,
  );
  return [wrapped(intro), ...groups].join("\n\n");
}

function settingText(setting: (typeof settings)[keyof typeof settings]): string {
  const { flag, env, help } = setting;
  const fallback = "fallback" in setting && setting.fallback !== "" ? ` [${setting.fallback}]` : "";
  const value = "boolean" in setting ? "" : " …";
  const names = "secret" in setting ? `${env}, or ${flag} in the file` : `--${flag}${value}, ${env}`;
  return `  ${names}\n${wrapped(`${help}${fallback}`, 6)}`;
}
