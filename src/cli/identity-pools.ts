/** `poolhouse identity-pools`: what operators do with identity pools besides the API. */
import { recorded } from "../domain/audit/command.ts";
import { revokeCredentials } from "../domain/identity-pools/manage-identity-pools.ts";
import { program } from "./actions.ts";
import { CommandError } from "./command-error.ts";
import { readArguments } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { operator } from "./operator.ts";
import { noSuchAction, wrongUsage } from "./usage.ts";

export async function identityPools([action = "", ...argv]: readonly string[]): Promise<void> {
  if (action !== "revoke") throw noSuchAction("identity-pools", action);
  const wrong = wrongUsage("identity-pools", [action]);
  const { config, operands } = readArguments(argv, { options: {}, operands: 1, operandNames: ["ID"], wrong });
  const poolId = operands[0]!;
  const done = await withDatabase(config, ({ db }) =>
    recorded(
      program(db),
      operator(),
      (tx) => revokeCredentials({ db: tx, clock: Date.now }, poolId),
      () => ({ operation: "RevokeIdentityPoolCredentials", poolId }),
    ),
  );
  if (!done) throw new CommandError(`There is no identity pool ${poolId}, or it was changed meanwhile.`);
  console.log(`${poolId}: all credentials that it gave until now are refused`);
}
