/** A running server a database, on a free port, spoken to by unmodified clients. */

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, describe } from "node:test";
import type { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import type { App } from "../../src/app.ts";
import { loadConfig } from "../../src/config/config.ts";
import { recommendedCost } from "../../src/domain/credentials/hash-queue.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../src/server.ts";
import { type DatabaseName, dataFolderOf, type Fresh, forDatabases } from "./databases.ts";
import { type LogLine, watchErrors } from "./declared-errors.ts";
import { near } from "./postgres.ts";
import { newSdk, rootKey } from "./sdk.ts";
import { nextSigningPair } from "./signing-pairs.ts";

export interface InboxMessage {
  readonly id: string;
  readonly to: string;
  readonly medium: string;
  readonly kind: string;
  readonly subject: string;
  readonly body: string;
  readonly code: string | null;
  readonly userPoolId: string;
}

export interface Clock {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Moves the server's clock, and that of `client`, whose signatures are dated. */
  advance(milliseconds: number): void;
  /** Stops it at a whole second: from now on only `advance` moves it, to the millisecond. */
  freeze(): void;
}

export interface TestServer {
  readonly database: DatabaseName;
  readonly endpoint: string;
  readonly app: App;
  /** With the root key. */
  readonly client: CognitoIdentityProviderClient;
  readonly clock: Clock;
  /** Messages to an address besides notices, newest first. */
  inbox(to: string): Promise<InboxMessage[]>;
  /** Notices to an address, newest first. */
  notices(to: string): Promise<InboxMessage[]>;
  /** The newest code sent to an address. */
  code(to: string): Promise<string>;
}

/** Runs a suite on both databases. `open()` gives the one server of this suite and database. */
export function forEachServer(
  title: string,
  suite: (open: () => Promise<TestServer>, database: DatabaseName) => void,
  environment: Readonly<Record<string, string>> = {},
  more: Partial<typeof besideTests> = {},
): void {
  forServers(undefined, title, suite, environment, more);
}

/**
 * As `forEachServer`, but on one database, unless all is tested (`npm run test:whole`): for what does not depend on the
 * store, and is tested there by other suites. Of such suites one half has SQLite, the other PostgreSQL.
 */
export function forOneServer(
  usual: DatabaseName,
  title: string,
  suite: Parameters<typeof forEachServer>[1],
  environment: Readonly<Record<string, string>> = {},
  more: Partial<typeof besideTests> = {},
): void {
  forServers(usual, title, suite, environment, more);
}

function forServers(
  usual: DatabaseName | undefined,
  title: string,
  suite: Parameters<typeof forEachServer>[1],
  environment: Readonly<Record<string, string>>,
  more: Partial<typeof besideTests> = {},
): void {
  describe(title, () => {
    forDatabases(usual, (database, _open, fresh) => {
      let started: Promise<Started> | undefined;
      suite(async () => {
        started ??= startTestServer(database, fresh, environment, more);
        return (await started).test;
      }, database);
      after(async () => {
        const running = await started;
        running?.test.client.destroy();
        await running?.server.close();
        assert.deepEqual([...(running?.undeclared ?? [])], [], "errors that the operation does not declare");
      });
    });
  });
}

export interface Started {
  readonly server: RunningServer;
  readonly test: TestServer;
  /** `Operation: Error` of each error nobody could expect. */
  readonly undeclared: ReadonlySet<string>;
}

/**
 * The server of a suite by itself: whoever starts it closes it.
 * @param seen receives each line of its log
 */
export async function startTestServer(
  database: DatabaseName,
  fresh: Fresh,
  environment: Readonly<Record<string, string>>,
  more: Partial<typeof besideTests> = {},
  seen?: (line: LogLine) => void,
): Promise<Started> {
  const options = await fresh();
  const { POOLHOUSE_DATA: data } = environment;
  // The master key of a copied database is beside it; another data folder gets it, too.
  if (data !== undefined && options.secretsFolder !== undefined)
    cpSync(options.secretsFolder, join(data, "secrets"), { recursive: true });
  const config = loadConfig([], {
    POOLHOUSE_PORT: "0",
    POOLHOUSE_DATABASE: near(options.url),
    POOLHOUSE_MASTER_KEY: options.masterKey,
    POOLHOUSE_DATA: dataFolderOf(options.url),
    POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
    POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    ...environment,
  });
  const time = testClock();
  const { log, undeclared } = watchErrors(process.env["TEST_LOG"], seen);
  const server = await startServer(config, { log, clock: time.now, ...besideTests, ...more });
  const client = newSdk(server.url);
  const received = async (to: string, isNotice: boolean) => {
    const response = await fetch(`${server.url}/inbox/messages?to=${encodeURIComponent(to)}`);
    const messages = (await response.json()) as InboxMessage[];
    return messages.filter(({ kind }) => kind.startsWith("notice:") === isNotice);
  };
  const inbox = (to: string) => received(to, false);
  const test: TestServer = {
    database,
    endpoint: server.url,
    app: server.app,
    client,
    clock: {
      get now() {
        return time.now();
      },
      advance: (milliseconds) => {
        time.advance(milliseconds);
        client.config.systemClockOffset = time.now() - Date.now();
      },
      freeze: time.freeze,
    },
    inbox,
    notices: (to) => received(to, true),
    code: async (to) => {
      const code = (await inbox(to))[0]?.code;
      if (!code) throw new Error(`no code was sent to ${to}`);
      return code;
    },
  };
  return { server, test, undeclared };
}

/**
 * The same server by the address it listens on, where its public URL leads to no machine; 127.0.0.1 must be one of its
 * POOLHOUSE_EXTRA_HOSTS. The client is the caller's to destroy.
 */
export function byAddress(server: TestServer): TestServer {
  const endpoint = `http://127.0.0.1:${server.app.config.port}`;
  const client = newSdk(endpoint);
  return { ...server, endpoint, client };
}

/**
 * Options of every server in the process of its tests. Its thread is never measured, since a suite is one address and keeps
 * the thread busy with its own work; its password hashes are cheap, and its signing keys come from a supply.
 */
export const besideTests: Required<Pick<ServerOptions, "monotonic" | "hashCost" | "newSigningPair">> = {
  newSigningPair: nextSigningPair,
  monotonic: { elapsed: () => 0, every: () => () => {} },
  hashCost: { memoryCost: 64, timeCost: 1, parallelism: 1 },
};

/** For tests of hashes themselves: the cost that passwords have in production. */
export const inProduction = { hashCost: recommendedCost };

/** Runs with the machine's clock, shifted, until it is frozen. */
function testClock() {
  let offset = 0;
  let frozen: number | undefined;
  return {
    now: () => frozen ?? Date.now() + offset,
    advance: (milliseconds: number) => {
      if (frozen === undefined) offset += milliseconds;
      else frozen += milliseconds;
    },
    freeze: () => {
      frozen ??= Math.floor((Date.now() + offset) / 1000) * 1000;
    },
  };
}
