/** The rows of docs/fidelity.md about members that updates omit, from the tables that the updates use. */
import {
  type Omission,
  setUserPoolMfaConfig,
  updateUserPool,
  updateUserPoolClient,
} from "../src/domain/user-pools/omitted.ts";

const operations: Readonly<Record<string, Readonly<Record<string, Omission>>>> = {
  UpdateUserPool: updateUserPool,
  UpdateUserPoolClient: updateUserPoolClient,
  SetUserPoolMfaConfig: setUserPoolMfaConfig,
};

function said({ inside, note }: Omission): string {
  const notes = [];
  if (inside) notes.push("its own members individually, too; `{}` changes none");
  if (note !== undefined) notes.push(note);
  return notes.join("; ");
}

export function omissionRows(): string[] {
  return Object.entries(operations).flatMap(([operation, table]) =>
    Object.entries(table).map(
      ([member, omission]) =>
        `| ${operation} | ${member} | ${omission.omitted} | ${omission.source} | ${said(omission)} |`,
    ),
  );
}
