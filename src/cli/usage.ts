/** THE table of commands: what each is for, and the ways to call it. */
import { suggestion } from "../lib/closest.ts";
import { CommandError } from "./command-error.ts";
import { wrapped } from "./text.ts";

export interface Usage {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Each way to call the command, without the name of the program, and what it does. */
  readonly forms: readonly (readonly [form: string, what: string])[];
  /** What the words in capitals stand for, and anything else to know. */
  readonly notes?: readonly string[];
}

const whichDatabase =
  "The settings of serve choose the database: --data, --database, --config, or their environment variables. It works with or without a running server.";

export const usages = {
  serve: {
    summary: "run the server",
    forms: [["serve [flags]", "Run the server until SIGTERM or SIGINT. The flags are the settings below."]],
  },
  migrate: {
    summary: "bring the database's schema up to date before starting the servers",
    forms: [
      ["migrate", "Migrate the database."],
      ["migrate --check", "Say whether there is anything to do; exit with 1 if so, with 2 if unknown."],
      ["migrate --distribute citus", "Also spread the tables over the machines of a Citus cluster, by pool."],
    ],
    notes: [whichDatabase],
  },
  doctor: {
    summary: "check settings, port, database and keys, and report problems",
    forms: [
      [
        "doctor [flags]",
        "Check, change nothing, and exit with 1 if anything fails. The flags are those of serve.",
      ],
    ],
  },
  keys: {
    summary: "access keys for administrators and applications; rotation of keys",
    forms: [
      ["keys list [--json]", "List the access keys."],
      ["keys show ACCESS_KEY_ID [--json]", "Show one, with its policy."],
      ["keys create --name NAME --policy POLICY [--json]", "Create one; its secret is shown once."],
      ["keys set-policy ACCESS_KEY_ID --policy POLICY", "Change what it allows."],
      ["keys disable ACCESS_KEY_ID", "Refuse it from the next call on."],
      ["keys enable ACCESS_KEY_ID", "Accept it again."],
      ["keys delete ACCESS_KEY_ID", "Delete it."],
      ["keys reset-root [--json]", "Replace the root access key."],
      [
        "keys rotate signing --pool POOL_ID|--identity-pools|--all [--now]",
        "Replace the signing keys of a pool, of identity pools, or of all.",
      ],
      ["keys rotate data", "Replace the data key, and seal everything anew."],
      ["keys rotate master", "Replace the master key."],
    ],
    notes: ["POLICY is admin, readonly, pool:POOL_ID, or the path of a JSON policy.", whichDatabase],
  },
  roles: {
    summary: "roles for temporary credentials: of identity pools, and of STS",
    forms: [
      ["roles list [--json]", "List the roles."],
      ["roles show NAME", "Show one, with its policies."],
      [
        "roles create NAME --identity-pool ID [--guests] [--policy FILE]…",
        "Create one for the identities of a pool that are signed in, or for its guests.",
      ],
      ["roles create NAME --trust FILE [--policy FILE]…", "Create one for whom a trust policy names."],
      [
        "roles apply FILE [--dry-run]",
        "Create and change roles as a template says, or say what would change.",
      ],
      ["roles revoke NAME", "Refuse all credentials that were issued for it until now."],
      ["roles delete NAME", "Delete it; its credentials are refused."],
    ],
    notes: [
      "FILE of --trust and --policy is a JSON policy, which is called after its file; --policy can be given several times. That of apply is YAML or JSON: a list of roles with the members of IAM (RoleName, AssumeRolePolicyDocument, Policies, Path, Description, MaxSessionDuration), or a CloudFormation template, of which the resources of type AWS::IAM::Role count. docs/identity-pools.md has examples.",
      whichDatabase,
    ],
  },
  "identity-pools": {
    summary: "end the credentials that an identity pool gave",
    forms: [["identity-pools revoke ID", "Refuse all credentials that the pool gave until now."]],
    notes: [
      "ID is that of the pool, as ListIdentityPools shows it: the API makes, lists and changes identity pools.",
      whichDatabase,
    ],
  },
  "trusted-providers": {
    summary: "OpenID and SAML providers whose tokens identity pools and roles accept",
    forms: [
      ["trusted-providers list [--json]", "List them."],
      [
        "trusted-providers put ISSUER --client-ids ID[,ID]",
        "Accept an issuer's ID tokens for these clients. Prints its ARN, for OpenIdConnectProviderARNs.",
      ],
      [
        "trusted-providers put ARN --metadata-file FILE|--metadata-url URL [--audiences A[,A]] [--recipients URL[,URL]]",
        "Accept the responses of a SAML provider, for SamlProviderARNs. Metadata from a URL is kept up to date by the servers.",
      ],
      ["trusted-providers delete ARN", "Accept them no longer."],
    ],
    notes: [
      "The ARN of a SAML provider is arn:aws:iam::ACCOUNT:saml-provider/NAME, with a name of your choice. --audiences and --recipients replace those that count otherwise: docs/identity-pools.md.",
      whichDatabase,
    ],
  },
  names: {
    summary: "client ids, domains and pool ids that a pool gave up, still reserved",
    forms: [
      ["names list [--json]", "List them."],
      ["names release client|domain|pool NAME", "Make one free for every pool at once."],
    ],
    notes: [
      "Names that were deleted belong to their pool for a year. Do not release a name that applications, browsers or people still use for the former pool.",
      whichDatabase,
    ],
  },
  audit: {
    summary: "who did what: administrators' calls and changes of credentials",
    forms: [
      [
        "audit [--since WHEN] [--until WHEN] [--pool ID] [--actor WHO] [--operation NAME] [--target ID] [--result ok|error] [--limit N] [--json] [--follow]",
        "Show the newest N events (100 unless given; 0: all), oldest first. --follow goes on with what comes.",
      ],
    ],
    notes: [
      "WHEN is a date (2026-01-31), a time (2026-01-31T12:00:00Z) or how long ago (30m, 24h, 7d). WHO is a principal's ARN or its name, a user's id, cli:ACCOUNT or system.",
      whichDatabase,
    ],
  },
  messages: {
    summary: "what a pool sends to its users, and a test of what sends it",
    forms: [
      [
        "messages preview POOL_ID KIND [--language TAG] [--client CLIENT_ID] [--medium email|sms] [--html FILE]",
        "Print a message as it would be sent, with example values; its HTML goes into FILE.",
      ],
      [
        "messages test --to DESTINATION [--sender NAME] [--pool POOL_ID]",
        "Send one message by each sender that can, or by the one of NAME or of a pool; print the conversation without credentials, and exit with 1 if one fails.",
      ],
    ],
    notes: [
      "KIND is sign-up, resend-code, forgot-password, admin-reset-password, update-attribute, verify-attribute, sign-in, mfa, invitation, welcome (an invitation without a password), or notice: and the name of a notice (docs/notices.md).",
      "TAG is a language, such as de or pt-BR; without it the pool's tag poolhouse:language counts, else English.",
      "DESTINATION is a mail address, or a number such as +15550100. NAME is that of a sender in the file of --config; the one of the smtp settings is smtp. docs/messages.md has the details.",
      whichDatabase,
    ],
  },
  functions: {
    summary: "the functions of triggers, and calls of them without a pool",
    forms: [
      ["functions list --config FILE [--json]", "List the functions of a configuration file."],
      ["functions invoke NAME --event EVENT --config FILE", "Run a function and print its answer."],
      [
        "functions serve --config FILE",
        "Run functions apart from the server, for a server that calls them with `run: invoke`. FILE is a file of their own.",
      ],
      ["functions events [SOURCE]", "Print a sample event for a trigger source, or for each."],
      [
        "functions logs NAME [--log LOG] [--follow] [--json]",
        "Show what a function printed, from the log. --follow goes on with what comes.",
      ],
    ],
    notes: [
      "NAME is the function's name or an ARN.",
      "SOURCE is a trigger source, such as PreSignUp_SignUp.",
      "LOG is a file with the log of a server or of `functions serve`, or - for standard input. Without it the systemd units poolhouse and poolhouse-functions are asked.",
      "EVENT is a JSON file, or - for standard input. What the handler prints appears on standard error. docs/functions.md has the details.",
    ],
  },
  gateway: {
    summary: "protect applications that know nothing of OAuth",
    forms: [
      ["gateway --config FILE", "Run the gateway until SIGTERM or SIGINT."],
      [
        "gateway check --config FILE",
        "Check the file, the provider, the database of sessions and the applications, change nothing, and exit with 1 if anything fails.",
      ],
      ["gateway new-key", "Print a key for sessions.keys."],
    ],
    notes: [
      "FILE is the gateway's own; docs/gateway-settings.md has its keys. The provider may be Poolhouse, Amazon Cognito, or any OpenID provider.",
      "POOLHOUSE_GATEWAY_CLIENT_SECRET, POOLHOUSE_GATEWAY_STORE and POOLHOUSE_GATEWAY_KEYS, if set, go before the file.",
    ],
  },
  "public-url": {
    summary: "the public URL that servers on PostgreSQL share",
    forms: [
      ["public-url", "Print the public URL that the servers of the database share."],
      ["public-url --set --public-url URL", "Change it; all servers must be stopped."],
    ],
    notes: [whichDatabase],
  },
  help: {
    summary: "this list, or one command in detail: poolhouse help COMMAND",
    forms: [["help [COMMAND]", "List the commands and settings, or say more about one command."]],
  },
  version: {
    summary: "the versions of Poolhouse and Node.js",
    forms: [["version", "Print them."]],
  },
} as const satisfies Readonly<Record<string, Usage>>;

export type CommandName = keyof typeof usages;

export const isCommand = (name: string): name is CommandName => Object.hasOwn(usages, name);

/**
 * How to call a command.
 * @param words of an action of the command, which may be followed by others: only the ways to call this action
 */
export function usageText(name: CommandName, words: readonly string[] = []): string {
  const { forms, notes = [] }: Usage = usages[name];
  const shown = formsOf(forms, [name, ...words]);
  const says = (word: string) => shown.some(([form]) => form.includes(word));
  // A note about a word in capitals is for the ways that have it.
  const fitting = notes.filter((note) => !/^[A-Z]+ /.test(note) || says(note.split(" ", 1)[0]!));
  const lines = shown.map(([form, what]) => `${formText(form)}\n${wrapped(what, 6)}`);
  return [...lines, ...fitting.map((note) => `\n${wrapped(note)}`)].join("\n");
}

/** The ways that begin with as many of the words as any does. */
function formsOf(forms: Usage["forms"], words: readonly string[]): Usage["forms"] {
  const begins = words.join(" ");
  const found = forms.filter(([form]) => form === begins || form.startsWith(`${begins} `));
  return found.length > 0 ? found : formsOf(forms, words.slice(0, -1));
}

/** What the first way to call an action calls its arguments that are not options. */
export function operandNames(name: CommandName, words: readonly string[]): string[] {
  const [form = ""] = formsOf(usages[name].forms, [name, ...words])[0] ?? [];
  const [fixed = ""] = form.split(/ (?=\[|--)/);
  return fixed.split(" ").slice(words.length + 1);
}

/** Options that do not fit into the line continue below the first one, be it optional or not. */
function formText(form: string): string {
  const [first = "", ...options] = form.split(/ (?=\[)/);
  const lines: string[] = [];
  let line = `  poolhouse ${first}`;
  const firstOption = line.indexOf(" --");
  const indent = " ".repeat(firstOption < 0 ? line.length : firstOption);
  for (const option of options) {
    if (line.length + 1 + option.length <= 100) line += ` ${option}`;
    else {
      lines.push(line);
      line = `${indent} ${option}`;
    }
  }
  return [...lines, line].join("\n");
}

/** The error for wrong usage: what is wrong, and how to call the command. @param words as for usageText */
export const wrongUsage =
  (name: CommandName, words: readonly string[] = []) =>
  (problem: string): CommandError =>
    new CommandError(`${problem}\n\n${usageText(name, words)}`, 2);

/** Wrong usage: no such action. */
export function noSuchAction(name: CommandName, given: string): CommandError {
  const actions = usages[name].forms.map(
    ([form]) => /^\S+ ([a-z-]+(?: [a-z]+(?![|\w]))?)/.exec(form)?.[1] ?? "",
  );
  const problem =
    given === "" ? "Say what to do." : `There is no action ${given}.${suggestion(given, actions)}`;
  return wrongUsage(name)(problem);
}
