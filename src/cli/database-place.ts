/** Whether an embedded database that is not there yet can be made. */
import { existsSync, statSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Finding } from "../lib/finding.ts";

/** @param change what to change if it cannot, such as `data or database` */
export async function placeFinding(path: string, change: string): Promise<Finding> {
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  const isWritable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => statSync(folder).isDirectory(),
    () => false,
  );
  if (isWritable) return { ok: true, text: `no database yet: the first start makes ${path}` };
  const text = `no database yet, and ${folder} is no folder where this account may write: change ${change}`;
  return { ok: false, text };
}
