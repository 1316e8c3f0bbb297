/** Examples whose pool has functions, at a server that is started twice, as `npm run example` does. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseEnv, promisify } from "node:util";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { type DatabaseName, type Fresh, temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { rootKey } from "../kit/sdk.ts";
import { startTestServer, type TestServer } from "../kit/server.ts";

export interface Started {
  readonly server: TestServer;
  readonly folder: string;
  /** What .env says. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the setup said. */
  readonly said: string;
  /** The access key of the pool's functions. */
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
}

interface Example {
  /** The folder with setup.ts. */
  readonly programs: string;
  /** The path of functions.ts; by default it is beside setup.ts. */
  readonly functions?: string;
  /** Environment variables with the URLs of its programs, and whatever else its setup wants to know. */
  readonly urls: Readonly<Record<string, string>>;
  /** Changes the configuration file before the server is started with it. */
  readonly change?: (config: string) => void;
}

/**
 * Sets an example up at a server, makes the key that its policy.json describes, and starts the server again with the
 * functions that its functions.ts writes down.
 */
export async function startWithFunctions(
  database: DatabaseName,
  fresh: Fresh,
  { programs, functions = join(programs, "functions.ts"), urls, change }: Example,
): Promise<Started> {
  const options = await fresh();
  const same = () => Promise.resolve(options);
  const folder = temporaryFolder();
  const port = { POOLHOUSE_PORT: String(await freePort()) };
  const first = await startTestServer(database, same, port);
  const env = {
    ...compileCache,
    PATH: process.env["PATH"],
    ...urls,
    AWS_ENDPOINT_URL: first.test.endpoint,
    AWS_REGION: "us-east-1",
  };
  const run = async (path: string, more: Readonly<Record<string, string>>) =>
    (
      await promisify(execFile)(process.execPath, [path], {
        cwd: folder,
        env: { ...env, ...more },
      })
    ).stdout;
  const said = await run(join(programs, "setup.ts"), keyVariables(rootKey));
  const policy = readFileSync(join(folder, "policy.json"), "utf8");
  const key = await createAccessKey(first.test.app, basename(programs), policy);
  first.test.client.destroy();
  await first.server.close();

  const settings = parseEnv(readFileSync(join(folder, ".env"), "utf8")) as Record<string, string>;
  await run(functions, { ...settings, ...keyVariables(key) });
  const config = join(folder, "poolhouse.yaml");
  change?.(config);
  // As `npm run example` does: the folder is this user's own.
  const POOLHOUSE_FUNCTIONS_USER = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const more = { ...port, POOLHOUSE_CONFIG: config, POOLHOUSE_FUNCTIONS_USER };
  const second = await startTestServer(database, same, more);
  const close = async () => {
    second.test.client.destroy();
    await second.server.close();
  };
  return { server: second.test, folder, settings, said, key, close };
}

const keyVariables = ({ accessKeyId, secretAccessKey }: Started["key"]) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});
