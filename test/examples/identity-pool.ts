/** examples/identity-pool as its user runs it, and a store for S3 that asks Poolhouse who signed a call. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parseEnv, promisify } from "node:util";
import { GetCredentialsForIdentityCommand, GetIdCommand } from "@aws-sdk/client-cognito-identity";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { putRole } from "../../src/domain/roles/manage-roles.ts";
import { readTemplate } from "../../src/domain/roles/role-template.ts";
import { createVerifier, SignatureError, type Verifier, verifyIncoming } from "../../src/sigv4/index.ts";
import { forClient, identityClient } from "../identity-pools/setup.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";
import { newKey, signed } from "../sigv4/setup.ts";

const programs = join(import.meta.dirname, "..", "..", "examples", "identity-pool");

/** What a user of the example has in the environment to set it up. */
export const setupEnvironment = ({ endpoint }: Pick<TestServer, "endpoint">) => ({
  ...compileCache,
  PATH: process.env["PATH"],
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
  AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
});

export const runSetup = (cwd: string, env: NodeJS.ProcessEnv) =>
  promisify(execFile)(process.execPath, [join(programs, "setup.ts")], { cwd, env });

export interface Museum {
  readonly url: string;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
  close(): void;
}

/** Sets the example up, creates its roles and its key, and starts it. */
export async function openMuseum(server: TestServer, store?: Store): Promise<Museum> {
  const folder = temporaryFolder();
  const PAGE_URL = `http://localhost:${await freePort()}/`;
  const bucket = store && { S3_URL: store.url, S3_BUCKET: store.bucket };
  const env = { ...setupEnvironment(server), PAGE_URL, ...bucket };
  const { stdout } = await runSetup(folder, env);
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  const { app } = server;
  for (const role of readTemplate(JSON.parse(read("roles.json")), app.config)) await putRole(app, role);
  const key = await createAccessKey(app, "museum", read("policy.json"));
  const child = await start(folder, {
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
  });
  return {
    url: PAGE_URL,
    password: /password: (\S+)/.exec(stdout)![1]!,
    settings: parseEnv(read(".env")) as Record<string, string>,
    close: () => child.kill(),
  };
}

async function start(cwd: string, key: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--env-file=.env", join(programs, "server.ts")], {
    cwd,
    env: { ...compileCache, PATH: process.env["PATH"], ...key },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (/ is at http/.test(said)) return child;
  }
  throw new Error(`it did not start: ${said}`);
}

/**
 * Calls the API of a museum as a new guest, with credentials that the AWS SDK gets.
 * @param env the text of .env
 */
export async function callAsGuest(env: string, path: string) {
  const { PAGE_URL, POOLHOUSE_URL, IDENTITY_POOL_ID } = parseEnv(env) as Record<string, string>;
  const client = identityClient({ endpoint: POOLHOUSE_URL! });
  const { IdentityId } = await client.send(new GetIdCommand({ IdentityPoolId: IDENTITY_POOL_ID! }));
  const { Credentials } = await client.send(new GetCredentialsForIdentityCommand({ IdentityId }));
  client.destroy();
  const { host } = new URL(PAGE_URL!);
  const call = { method: "GET", target: path, headers: { host }, body: "" };
  const { headers } = await signed(forClient(Credentials), call);
  const answer = await fetch(new URL(path, PAGE_URL), { headers });
  return { status: answer.status, body: (await answer.json()) as { arn?: string; message?: string } };
}

export interface Store {
  readonly url: string;
  readonly bucket: string;
  close(): void;
}

/** By their keys, one of which would be markup if it were taken for it; how many bytes they have. */
export const objects = { "plans/ground floor & garden.svg": 2048, "<b>loans</b>.csv": 731 } as const;

/**
 * A small store for S3: ListObjectsV2 ("ListObjectsV2", Amazon S3 API Reference) of one bucket, for pages of any origin. Who calls
 * and what they may do it learns from Poolhouse, as every service behind `poolhouse/sigv4`.
 */
export async function openStore(server: TestServer): Promise<Store> {
  const verifier = createVerifier({
    endpoint: server.endpoint,
    credentials: await newKey(
      server,
      "poolhouse:GetSigningKey",
      "arn:aws:poolhouse:us-east-1:000000000000:signing-key/s3",
    ),
    service: "s3",
    singleEncoding: true,
    now: () => server.clock.now,
  });
  const store: Server = createServer((request, response) => {
    answer(verifier, request, response).catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, "127.0.0.1");
  await once(store, "listening");
  return {
    url: `http://localhost:${(store.address() as AddressInfo).port}/`,
    bucket,
    close: () => {
      store.close();
      store.closeAllConnections();
    },
  };
}

const bucket = "museum-files";

async function answer(verifier: Verifier, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("access-control-allow-origin", "*");
  if (request.method === "OPTIONS") {
    const asked = request.headers["access-control-request-headers"] ?? "";
    return void response.writeHead(204, { "access-control-allow-headers": asked }).end();
  }
  const send = (status: number, xml: string) =>
    void response.writeHead(status, { "content-type": "application/xml" }).end(xml);
  try {
    const caller = await verifyIncoming(verifier, request);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (pathname.replace(/\/$/, "") !== `/${bucket}` || searchParams.get("list-type") !== "2")
      return send(404, "<Error><Code>NoSuchBucket</Code><Message>It is not here.</Message></Error>");
    caller.authorize("s3:ListBucket", `arn:aws:s3:::${bucket}`);
    return send(200, listed);
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    const { status } = error.answer;
    return send(
      status,
      `<Error><Code>AccessDenied</Code><Message>${escaped(error.message)}</Message></Error>`,
    );
  }
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const listed = `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name>${Object.entries(
  objects,
)
  .map(([key, size]) => `<Contents><Key>${escaped(key)}</Key><Size>${size}</Size></Contents>`)
  .join("")}</ListBucketResult>`;
