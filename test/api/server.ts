/** A running server a database, on a free port, spoken to by unmodified clients. */
import { dirname } from "node:path";
import { after, describe } from "node:test";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { pino } from "pino";
import type { App } from "../../src/app.ts";
import { loadConfig } from "../../src/config/config.ts";
import { type RunningServer, startServer } from "../../src/server.ts";
import { type DatabaseName, type Fresh, forEachDatabase } from "../store/databases.ts";

export const rootKey = {
  accessKeyId: "AKIATESTROOTKEY00000",
  secretAccessKey: "test-root-secret-0123456789abcdef",
};

export interface InboxMessage {
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
}

export interface TestServer {
  readonly database: DatabaseName;
  readonly endpoint: string;
  readonly app: App;
  /** With the root key. */
  readonly client: CognitoIdentityProviderClient;
  readonly clock: Clock;
  /** Messages to an address, newest first. */
  inbox(to: string): Promise<InboxMessage[]>;
  /** The newest code sent to an address. */
  code(to: string): Promise<string>;
}

/**
 * From now on the server's time stands still unless moved, so that a test may be exact about locks of a second. What is
 * signed meanwhile is dated as before, which the server takes for five minutes.
 */
export function stopClock(server: TestServer): Clock {
  let now = server.clock.now;
  Object.assign(server.app, { clock: () => now });
  return {
    get now() {
      return now;
    },
    advance: (milliseconds) => {
      now += milliseconds;
      server.clock.advance(milliseconds);
    },
  };
}

/** Runs a suite on both databases. `open()` gives the one server of this suite and database. */
export function forEachServer(
  title: string,
  suite: (open: () => Promise<TestServer>, database: DatabaseName) => void,
  environment: Readonly<Record<string, string>> = {},
): void {
  describe(title, () => {
    forEachDatabase((database, _open, fresh) => {
      let started: Promise<{ server: RunningServer; test: TestServer }> | undefined;
      suite(async () => {
        started ??= startTestServer(database, fresh, environment);
        return (await started).test;
      }, database);
      after(async () => {
        const running = await started;
        running?.test.client.destroy();
        await running?.server.close();
      });
    });
  });
}

async function startTestServer(
  database: DatabaseName,
  fresh: Fresh,
  environment: Readonly<Record<string, string>>,
): Promise<{ server: RunningServer; test: TestServer }> {
  const options = await fresh();
  const config = loadConfig([], {
    POOLHOUSE_PORT: "0",
    POOLHOUSE_DATABASE: options.url,
    POOLHOUSE_MASTER_KEY: options.masterKey,
    POOLHOUSE_DATA: dirname(dirname(options.url)),
    POOLHOUSE_ROOT_ACCESS_KEY_ID: rootKey.accessKeyId,
    POOLHOUSE_ROOT_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    ...environment,
  });
  let offset = 0;
  const server = await startServer(config, {
    log: pino({ level: process.env["TEST_LOG"] ?? "silent" }),
    clock: () => Date.now() + offset,
  });
  const client = new CognitoIdentityProviderClient({
    endpoint: server.url,
    region: "us-east-1",
    credentials: rootKey,
    maxAttempts: 1,
  });
  const inbox = async (to: string) => {
    const response = await fetch(`${server.url}/inbox/messages?to=${encodeURIComponent(to)}`);
    return (await response.json()) as InboxMessage[];
  };
  const test: TestServer = {
    database,
    endpoint: server.url,
    app: server.app,
    client,
    clock: {
      get now() {
        return Date.now() + offset;
      },
      advance: (milliseconds) => {
        offset += milliseconds;
        client.config.systemClockOffset = offset;
      },
    },
    inbox,
    code: async (to) => {
      const code = (await inbox(to))[0]?.code;
      if (!code) throw new Error(`no code was sent to ${to}`);
      return code;
    },
  };
  return { server, test };
}
