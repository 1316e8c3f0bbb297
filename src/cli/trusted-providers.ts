/** `poolhouse trusted-providers`: OpenID and SAML providers whose tokens identity pools and roles accept. */
import type { Config } from "../config/config.ts";
import { recorded } from "../domain/audit/command.ts";
import {
  isSamlProviderArn,
  openIdProviderArn,
  withoutScheme,
} from "../domain/identity-pools/provider-names.ts";
import { type Fetched, keepMetadata, readFirstMetadata } from "../domain/saml/provider.ts";
import { SamlFault } from "../domain/saml/xml.ts";
import type { Db } from "../store/db.ts";
import { identityPoolsOwner } from "../store/signing-keys.ts";
import {
  deleteTrustedProvider,
  listTrustedProviders,
  putTrustedProvider,
  readTrustedProvider,
  type TrustedProvider,
  type TrustedSaml,
} from "../store/trusted-providers.ts";
import { type Action, program, runAction } from "./actions.ts";
import { CommandError } from "./command-error.ts";
import type { Given } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { fileText } from "./file-text.ts";
import { issuerProblem } from "./issuer-check.ts";
import { operator } from "./operator.ts";
import { Table } from "./text.ts";
import { wrongUsage } from "./usage.ts";
import { withOutbound } from "./with-outbound.ts";

const text = { type: "string" } as const;
const samlOptions = {
  "metadata-file": text,
  "metadata-url": text,
  audiences: text,
  recipients: text,
} as const;

const actions: Readonly<Record<string, Action>> = {
  list: { options: { json: { type: "boolean" } }, operands: 0, run: list },
  put: { options: { "client-ids": text, ...samlOptions }, operands: 1, run: put },
  delete: { options: {}, operands: 1, run: remove },
};

export async function trustedProviders(argv: readonly string[]): Promise<void> {
  await runAction("trusted-providers", actions, argv);
}

async function list({ config, flag }: Given): Promise<void> {
  const all = await withDatabase(config, ({ db }) => listTrustedProviders(db));
  if (flag("json")) return console.log(JSON.stringify(all, null, 2));
  const rows = all.map((provider) => [knownBy(provider), provider.arn]);
  console.log(new Table().lines([["CLIENT IDS OR METADATA", "ARN"], ...rows]).join("\n"));
}

const knownBy = ({ kind, document }: TrustedProvider): string =>
  kind === "oidc" ? document.clientIds.join(",") : (document.details["MetadataURL"] ?? "document");

const wrong = wrongUsage("trusted-providers", ["put"]);

async function put(given: Given): Promise<void> {
  const [name = ""] = given.operands;
  await (/^arn:/.test(name) ? putSaml(given, name) : putOpenId(given, name));
}

async function putOpenId({ config, text }: Given, issuer: string): Promise<void> {
  if (!isIssuer(issuer)) throw wrong("ISSUER must be an http or https URL without a query.");
  const foreign = Object.keys(samlOptions).find((option) => text(option) !== undefined);
  if (foreign !== undefined) throw wrong(`--${foreign} is for SAML providers, which are named by their ARN.`);
  const clientIds = listed(text("client-ids") ?? "");
  if (clientIds.includes("")) throw wrong("--client-ids must name the clients, separated by commas.");
  const arn = openIdProviderArn(config, withoutScheme(issuer));
  await store(config, { arn, kind: "oidc", document: { url: issuer, clientIds } }, { clientIds });
  const problem = await issuerProblem(config, issuer);
  if (problem !== undefined)
    console.error(`Its tokens cannot be verified at the moment, and are refused until they can. ${problem}`);
}

const listed = (given: string): string[] => given.split(",").map((one) => one.trim());

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username } = new URL(text);
  return /^https?:$/.test(protocol) && search === "" && hash === "" && username === "";
}

async function putSaml(given: Given, arn: string): Promise<void> {
  const { config, text } = given;
  if (!isSamlProviderArn(arn) || !arn.includes(`::${config.accountId}:`))
    throw wrong(`ARN must be of the form arn:aws:iam::${config.accountId}:saml-provider/NAME.`);
  if (text("client-ids") !== undefined) throw wrong("--client-ids is for OpenID providers.");
  const [file, url] = [text("metadata-file"), text("metadata-url")];
  const details =
    file === undefined
      ? url === undefined
        ? undefined
        : { MetadataURL: url }
      : { MetadataFile: fileText(file) };
  if (details === undefined || (file !== undefined && url !== undefined))
    throw wrong("Give either --metadata-file or --metadata-url.");
  const accepted = { ...several(given, "audiences"), ...several(given, "recipients") };
  const fetched = await metadataOf(config, details);
  const document = { details, ...accepted };
  await store(config, { arn, kind: "saml", document }, { ...accepted, metadata: url ?? "document" }, fetched);
}

/** The values of an option that replaces the usual ones, if it is given. */
function several({ text }: Given, option: "audiences" | "recipients"): Partial<TrustedSaml["document"]> {
  const value = text(option);
  if (value === undefined) return {};
  const values = listed(value);
  if (values.includes("")) throw wrong(`--${option} must be values separated by commas.`);
  return { [option]: values };
}

/** Reads the metadata of a provider, so that mistakes in it are found now. Throws CommandError. */
async function metadataOf(
  config: Config,
  details: TrustedSaml["document"]["details"],
): Promise<Fetched | undefined> {
  return withOutbound(config, async (outbound) => {
    const problem = details["MetadataURL"] && outbound.wrongUrl(details["MetadataURL"]);
    if (problem) throw wrong(`--metadata-url ${problem}.`);
    try {
      return await readFirstMetadata({ now: Date.now(), app: { outbound } }, details);
    } catch (error) {
      throw error instanceof SamlFault
        ? new CommandError(`The metadata is refused: ${error.message}`)
        : error;
    }
  });
}

type Definition = Pick<TrustedProvider, "arn" | "kind" | "document">;

/** Stores a provider with the metadata that was fetched, records it, and prints its ARN. */
async function store(
  config: Config,
  provider: Definition,
  details: Readonly<Record<string, unknown>>,
  fetched?: Fetched,
): Promise<void> {
  const { arn } = provider;
  const write = async (tx: Db) => {
    const now = Date.now();
    await putTrustedProvider(tx, { ...provider, createdAt: now, updatedAt: now } as TrustedProvider);
    if (fetched !== undefined)
      await keepMetadata({ db: tx, now }, { poolId: identityPoolsOwner, name: arn }, fetched);
  };
  await withDatabase(config, ({ db }) =>
    recorded(program(db), operator(), write, () => ({
      operation: "PutTrustedProvider",
      target: arn,
      details,
    })),
  );
  console.log(arn);
}

async function remove({ config, operands: [arn] }: Given): Promise<void> {
  const done = await withDatabase(config, ({ db }) =>
    recorded(
      program(db),
      operator(),
      async (tx) => (await readTrustedProvider(tx, arn!)) !== undefined && deleteTrustedProvider(tx, arn!),
      () => ({ operation: "DeleteTrustedProvider", target: arn! }),
    ),
  );
  if (!done)
    throw new CommandError(`There is no trusted provider ${arn}. trusted-providers list shows their ARNs.`);
  console.log(`${arn}: deleted; its tokens are refused`);
}
