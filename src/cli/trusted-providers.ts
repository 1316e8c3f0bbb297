/** `poolhouse trusted-providers`: OpenID providers whose tokens identity pools and roles accept. */
import { recorded } from "../domain/audit/command.ts";
import { openIdProviderArn, withoutScheme } from "../domain/identity-pools/provider-names.ts";
import {
  deleteTrustedProvider,
  listTrustedProviders,
  putTrustedProvider,
  readTrustedProvider,
} from "../store/trusted-providers.ts";
import { type Action, program, runAction } from "./actions.ts";
import { CommandError } from "./command-error.ts";
import type { Given } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { issuerProblem } from "./issuer-check.ts";
import { operator } from "./operator.ts";
import { Table } from "./text.ts";
import { wrongUsage } from "./usage.ts";

const actions: Readonly<Record<string, Action>> = {
  list: { options: { json: { type: "boolean" } }, operands: 0, run: list },
  put: { options: { "client-ids": { type: "string" } }, operands: 1, run: put },
  delete: { options: {}, operands: 1, run: remove },
};

export async function trustedProviders(argv: readonly string[]): Promise<void> {
  await runAction("trusted-providers", actions, argv);
}

async function list({ config, flag }: Given): Promise<void> {
  const all = await withDatabase(config, ({ db }) => listTrustedProviders(db));
  if (flag("json")) return console.log(JSON.stringify(all, null, 2));
  const rows = all.map(({ arn, document }) => [document.clientIds.join(","), arn]);
  console.log(new Table().lines([["CLIENT IDS", "ARN"], ...rows]).join("\n"));
}

async function put({ config, operands: [issuer], text }: Given): Promise<void> {
  const wrong = wrongUsage("trusted-providers", ["put"]);
  if (!isIssuer(issuer!)) throw wrong("ISSUER must be an http or https URL without a query.");
  const clientIds = (text("client-ids") ?? "").split(",").map((id) => id.trim());
  if (clientIds.includes("")) throw wrong("--client-ids must name the clients, separated by commas.");
  const arn = openIdProviderArn(config, withoutScheme(issuer!));
  await withDatabase(config, ({ db }) =>
    recorded(
      program(db),
      operator(),
      async (tx) => {
        const now = Date.now();
        const document = { url: issuer!, clientIds };
        await putTrustedProvider(tx, { arn, kind: "oidc", document, createdAt: now, updatedAt: now });
      },
      () => ({ operation: "PutTrustedProvider", target: arn, details: { clientIds } }),
    ),
  );
  console.log(arn);
  const problem = await issuerProblem(config, issuer!);
  if (problem !== undefined)
    console.error(`Its tokens cannot be verified at the moment, and are refused until they can. ${problem}`);
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username } = new URL(text);
  return /^https?:$/.test(protocol) && search === "" && hash === "" && username === "";
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
  if (!done) throw new CommandError(`There is no trusted provider ${arn}.`);
  console.log(`${arn}: deleted; its tokens are refused`);
}
