/** A server with a pool, a client and users for the scenarios. */
import { join } from "node:path";
import { signRequest } from "../../src/lib/sigv4.ts";
import { type Answer, Connection, document } from "./connection.ts";
import { type BenchServer, here, masterKey, rootKey, startPoolhouse } from "./server.ts";

export interface Stage {
  readonly server: BenchServer;
  readonly poolId: string;
  readonly clientId: string;
  /** The number of users: `userName(0)` … `userName(users - 1)`, loaded by users.ts. */
  readonly users: number;
  /** Every `stride`-th user has an SRP verifier. */
  readonly stride: number;
  /** A pool in which all users have software tokens, if requested. */
  readonly tokens: { readonly clientId: string; readonly users: number } | undefined;
}

interface StageOptions {
  /** Environment of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The number of users in the second pool, in which everybody has a software token; without it there is no such pool.
   */
  readonly softwareTokens?: number | undefined;
  /** The folder of another version's repository, whose server and store are used. */
  readonly checkout?: string;
}

/** Starts a server on a new database with users who can sign in with passwords and passkeys. */
export async function openStage(
  database: string,
  users: number,
  { env = {}, softwareTokens, checkout = here }: StageOptions = {},
): Promise<Stage> {
  const { loadUsers }: typeof import("./users.ts") = await import(join(checkout, "bench/lib/users.ts"));
  const first = await startPoolhouse(database, env, checkout);
  const flows = ["USER_SRP_AUTH", "USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH", "USER_AUTH"];
  const pool = await makePool(first, {
    pool: { Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "WEB_AUTHN"] } } },
    client: { ExplicitAuthFlows: flows.map((flow) => `ALLOW_${flow}`) },
  });
  const second =
    softwareTokens === undefined ? undefined : { ...(await makeTokenPool(first)), users: softwareTokens };
  await first.close();
  const place = { url: database, masterKey };
  const { stride } = await loadUsers({ database: place, poolId: pool.poolId, users });
  if (second !== undefined) await loadUsers({ database: place, ...second, softwareTokens: true });
  const server = await startPoolhouse(database, env, checkout);
  return { server, ...pool, users, stride, tokens: second };
}

async function makeTokenPool(server: BenchServer): ReturnType<typeof makePool> {
  const made = await makePool(server);
  const connection = new Connection(server.port);
  const mfa = { MfaConfiguration: "OPTIONAL", SoftwareTokenMfaConfiguration: { Enabled: true } };
  document(
    await signedCall(connection, server.port, "SetUserPoolMfaConfig", { UserPoolId: made.poolId, ...mfa }),
  );
  connection.close();
  return made;
}

/** A call signed with a key, by default the bench's root key. */
export function signedCall(
  connection: Connection,
  port: number,
  operation: string,
  input: unknown,
  key = rootKey,
): Promise<Answer> {
  const target = `AWSCognitoIdentityProviderService.${operation}`;
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
  return signedPost(connection, port, { service: "cognito-idp", headers, body: JSON.stringify(input), key });
}

/** What is posted to a service, signed with a key. */
interface SignedPost {
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly key: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

export function signedPost(
  connection: Connection,
  port: number,
  { service, headers, body, key }: SignedPost,
): Promise<Answer> {
  const signature = signRequest(
    {
      ...{ method: "POST", path: "/", query: "", body: Buffer.from(body) },
      headers: Object.entries({ ...headers, host: `localhost:${port}` }),
    },
    { ...key, region: "us-east-1", service, now: Date.now() },
  );
  return connection.post(body, { ...headers, ...(signature as Record<string, string>) });
}

/** Creates a pool and its client over the wire; the given members are added to those that the bench needs. */
export async function makePool(
  server: BenchServer,
  given: { readonly pool?: object; readonly client?: object; readonly key?: typeof rootKey } = {},
): Promise<{ poolId: string; clientId: string }> {
  const connection = new Connection(server.port);
  const call = async (operation: string, input: unknown) =>
    document(await signedCall(connection, server.port, operation, input, given.key)) as Record<
      string,
      Record<string, string>
    >;
  const pool = await call("CreateUserPool", { PoolName: "bench", ...given.pool });
  const poolId = pool["UserPool"]!["Id"]!;
  const client = await call("CreateUserPoolClient", {
    UserPoolId: poolId,
    ClientName: "bench",
    ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    ...given.client,
  });
  connection.close();
  return { poolId, clientId: client["UserPoolClient"]!["ClientId"]! };
}
