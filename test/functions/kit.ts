/** Functions as a server has them, from a configuration file, with their log. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { stringify } from "yaml";
import { loadConfig } from "../../src/config/config.ts";
import { userAgent } from "../../src/config/version.ts";
import type { FunctionHost } from "../../src/integrations/functions/driver.ts";
import { FunctionError, type FunctionFault } from "../../src/integrations/functions/functions.ts";
import { createFunctions, type FunctionRegistry } from "../../src/integrations/functions/registry.ts";
import { temporaryFolder } from "../kit/databases.ts";

export const handlers = join(import.meta.dirname, "handlers");

export interface Line {
  readonly function?: string;
  readonly requestId?: string;
  readonly message: string;
}

type Given = Partial<Pick<FunctionHost, "reload" | "clock" | "childUser">>;

export interface TestFunctions extends FunctionRegistry {
  readonly log: Line[];
}

const opened: FunctionRegistry[] = [];
after(() => Promise.all(opened.map((one) => one.close())));

/** The functions of a configuration file with this section; they are closed with the test file. */
export async function open(
  section: Readonly<Record<string, object>>,
  { reload = false, clock = Date.now, childUser }: Given = {},
): Promise<TestFunctions> {
  const file = join(temporaryFolder(), "poolhouse.yaml");
  writeFileSync(file, stringify({ functions: section }));
  const { functions, programPath } = loadConfig(["--config", file], {
    PATH: process.env["PATH"],
    POOLHOUSE_MASTER_KEY: Buffer.alloc(32).toString("base64"),
  });
  const log: Line[] = [];
  const write = (fields: object, message: string) => void log.push({ ...fields, message });
  const registry = await createFunctions(functions, {
    log: { info: write, warn: write },
    region: "eu-central-1",
    endpoint: "http://localhost:4747",
    path: programPath,
    childUser,
    userAgent,
    reload,
    clock,
  });
  opened.push(registry);
  return { ...registry, log };
}

export const arnOf = (name: string) => `arn:aws:lambda:eu-central-1:000000000000:function:${name}`;

/** Checks that a call fails in one way. */
export async function fails(call: Promise<unknown>, fault: FunctionFault, message: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof FunctionError, String(error));
    assert.equal(error.fault, fault, error.message);
    assert.match(error.message, message);
    return true;
  });
}
