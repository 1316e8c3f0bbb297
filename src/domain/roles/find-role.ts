/** Finds roles by their ARNs ("IAM identifiers", IAM User Guide). */
import type { Ctx } from "../../app.ts";
import type { Config } from "../../config/config.ts";
import { type Role, readRole } from "../../store/roles.ts";

export function roleArn(
  config: Pick<Config, "accountId">,
  { path, name }: Pick<Role, "path" | "name">,
): string {
  return `arn:aws:iam::${config.accountId}:role${path}${name}`;
}

/** The ARN of a role's session, by which errors and logs call whoever has its credentials. */
export function sessionArn(config: Pick<Config, "accountId">, roleName: string, sessionName: string): string {
  return `arn:aws:sts::${config.accountId}:assumed-role/${roleName}/${sessionName}`;
}

/** Whether a text has the form of an ARN, of whatever it may be ("Amazon Resource Names", IAM User Guide). */
export const isArn = (text: string): boolean => /^arn:[^:]+:[^:]+:[^:]*:[^:]*:./.test(text);

/** The name in the ARN of a role, of whatever account; undefined if the text is no such ARN. */
export function roleNameOf(arn: string): string | undefined {
  return /^arn:aws[\w-]*:iam::\d+:role\/(?:[\x21-\x7e]+\/)?([\w+=,.@-]{1,64})$/.exec(arn)?.[1];
}

/** The role with this ARN, if somebody has defined it here. */
export async function findRole(ctx: Ctx, arn: string): Promise<Role | undefined> {
  const name = roleNameOf(arn);
  const role = name === undefined ? undefined : await readRole(ctx.db, name);
  return role !== undefined && roleArn(ctx.config, role) === arn ? role : undefined;
}
