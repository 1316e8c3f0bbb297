/** A server with a pool, a client and users: where the scenarios play. */
import { signRequest } from "../../src/lib/sigv4.ts";
import { type Answer, Connection, document } from "./connection.ts";
import { type BenchServer, rootKey } from "./server.ts";

export const password = "Correct-Horse-1";

export interface Stage {
  readonly server: BenchServer;
  readonly poolId: string;
  readonly clientId: string;
  /** Users there are: `userName(0)` … `userName(users - 1)`. */
  readonly users: number;
}

export const userName = (index: number): string => `user${String(index).padStart(7, "0")}`;

/** A call signed with the root key. */
export function signedCall(
  connection: Connection,
  port: number,
  operation: string,
  input: unknown,
): Promise<Answer> {
  const body = JSON.stringify(input);
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    host: `localhost:${port}`,
    "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
  };
  const request = {
    method: "POST",
    path: "/",
    query: "",
    headers: Object.entries(headers),
    body: Buffer.from(body),
  };
  const signature = signRequest(request, {
    ...rootKey,
    region: "us-east-1",
    service: "cognito-idp",
    now: Date.now(),
  });
  return connection.call(operation, body, signature as Record<string, string>);
}

/** Makes a pool and its client over the wire. */
export async function makePool(server: BenchServer): Promise<{ poolId: string; clientId: string }> {
  const connection = new Connection(server.port);
  const call = async (operation: string, input: unknown) =>
    document(await signedCall(connection, server.port, operation, input)) as Record<
      string,
      Record<string, string>
    >;
  const pool = await call("CreateUserPool", { PoolName: "bench" });
  const poolId = pool["UserPool"]!["Id"]!;
  const client = await call("CreateUserPoolClient", {
    UserPoolId: poolId,
    ClientName: "bench",
    ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
  });
  connection.close();
  return { poolId, clientId: client["UserPoolClient"]!["ClientId"]! };
}

/** Makes the stage's users one by one over the wire; for many there is load-users.ts. */
export async function makeUsers(stage: Stage): Promise<void> {
  const connection = new Connection(stage.server.port);
  const call = async (operation: string, input: object) =>
    document(
      await signedCall(connection, stage.server.port, operation, { UserPoolId: stage.poolId, ...input }),
    );
  for (let index = 0; index < stage.users; index++) {
    const Username = userName(index);
    await call("AdminCreateUser", {
      Username,
      MessageAction: "SUPPRESS",
      UserAttributes: [
        { Name: "email", Value: `${Username}@example.com` },
        { Name: "name", Value: Username },
      ],
    });
    await call("AdminSetUserPassword", { Username, Password: password, Permanent: true });
  }
  connection.close();
}
