/** A server with an identity pool, for whose identities a user pool, guests and access keys stand. */
import { createHash, createPrivateKey, type KeyObject, randomUUID, sign } from "node:crypto";
import { pino } from "pino";
import { namedPolicies } from "../../src/domain/iam/access-keys.ts";
import { userPoolProvider } from "../../src/domain/identity-pools/provider-names.ts";
import { insertAccessKey } from "../../src/store/access-keys.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { loginRow } from "../../src/store/identity-logins.ts";
import { openDatabase } from "../../src/store/open.ts";
import { insertRole } from "../../src/store/roles.ts";
import { readSigningKeys } from "../../src/store/signing-keys.ts";
import { Connection, document } from "./connection.ts";
import { type BenchServer, masterKey, rootKey, startPoolhouse } from "./server.ts";
import { makePool, signedCall, signedPost } from "./stage.ts";

export interface IdentityStage {
  readonly server: BenchServer;
  readonly identityPoolId: string;
  /** The user pool as Logins names it. */
  readonly provider: string;
  /** The number of identities with a login: those of `subjectOf(0)` … `subjectOf(identities - 1)`. */
  readonly identities: number;
  /** The ID token of a user of the user pool, valid for a day. */
  readonly idToken: (subject: string) => string;
}

/** Identities without a login: those of `guestOf(0)` … */
export const guests = 500;
const account = "000000000000";
export const role = { arn: `arn:aws:iam::${account}:role/bench`, name: "bench" };
/** An access key that may do everything and assume the role; the root key may not assume any. */
export const userKey = {
  accessKeyId: "AKIABENCHBENCHBENCH0",
  secretAccessKey: "bench-user-secret-access-key",
};

/** A UUID that is always the same for a text. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export const subjectOf = (index: number): string => uuidOf(`subject ${index}`);
const identityOf = (poolId: string, name: string) => poolId.slice(0, 23) + uuidOf(name).slice(13);
export const ownerOf = (poolId: string, index: number): string => identityOf(poolId, `identity ${index}`);
export const guestOf = (poolId: string, index: number): string => identityOf(poolId, `guest ${index}`);

/** Starts a server on a new database with so many identities. @param checkout the folder of another version's repository */
export async function openIdentityStage(
  database: string,
  identities: number,
  checkout?: string,
): Promise<IdentityStage> {
  const first = await startPoolhouse(database, {}, checkout);
  const { poolId, clientId } = await makePool(first);
  const provider = userPoolProvider(poolId);
  const claims = await claimsOfUser(first, poolId, clientId);
  const identityPoolId = await makeIdentityPool(first, provider, clientId);
  await first.close();
  const { db, close } = await openDatabase({ url: database, masterKey, log: pino({ level: "error" }) });
  await addRole(db, identityPoolId);
  await loadIdentities(db, { poolId: identityPoolId, provider, identities });
  const key = (await readSigningKeys(db, poolId, Date.now())).find(({ tokenUse }) => tokenUse === "id")!;
  const privateKey = createPrivateKey(Buffer.from(key.privateKey!).toString("utf8"));
  await close();
  const server = await startPoolhouse(database, {}, checkout);
  const day = { iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 86_400 };
  const idToken = (sub: string) => jwt({ ...claims, ...day, sub, jti: randomUUID() }, key.kid, privateKey);
  return { server, identityPoolId, provider, identities, idToken };
}

function jwt(claims: object, kid: string, key: KeyObject): string {
  const [head, body] = [{ kid, alg: "RS256" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  return `${head}.${body}.${sign("sha256", Buffer.from(`${head}.${body}`), key).toString("base64url")}`;
}

/** The claims of an ID token as the user pool makes it. */
async function claimsOfUser(server: BenchServer, UserPoolId: string, ClientId: string): Promise<object> {
  const connection = new Connection(server.port);
  const user = { UserPoolId, Username: "ann" };
  const Password = "Correct-Horse-7";
  const UserAttributes = [{ Name: "email", Value: "ann@mail.example" }];
  for (const [operation, input] of [
    ["AdminCreateUser", { ...user, UserAttributes, MessageAction: "SUPPRESS" }],
    ["AdminSetUserPassword", { ...user, Password, Permanent: true }],
  ] as const)
    document(await signedCall(connection, server.port, operation, input));
  const AuthParameters = { USERNAME: "ann", PASSWORD: Password };
  const input = { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters };
  const { AuthenticationResult } = document(await connection.call("InitiateAuth", input));
  connection.close();
  const { IdToken } = AuthenticationResult as { readonly IdToken: string };
  return JSON.parse(Buffer.from(IdToken.split(".")[1]!, "base64url").toString("utf8"));
}

async function makeIdentityPool({ port }: BenchServer, ProviderName: string, ClientId: string) {
  const connection = new Connection(port);
  const call = async (operation: string, input: object) => {
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSCognitoIdentityService.${operation}`,
    };
    const post = { service: "cognito-identity", headers, body: JSON.stringify(input), key: rootKey };
    return document(await signedPost(connection, port, post));
  };
  const { IdentityPoolId } = await call("CreateIdentityPool", {
    IdentityPoolName: "bench",
    AllowUnauthenticatedIdentities: true,
    AllowClassicFlow: true,
    CognitoIdentityProviders: [{ ProviderName, ClientId }],
  });
  const Roles = { authenticated: role.arn, unauthenticated: role.arn };
  await call("SetIdentityPoolRoles", { IdentityPoolId, Roles });
  connection.close();
  return IdentityPoolId as string;
}

/** A role that the pool's identities and the access key may assume, and the access key. */
async function addRole(db: Db, poolId: string): Promise<void> {
  const now = Date.now();
  const principal = "bench";
  const cognito = "cognito-identity.amazonaws.com";
  const byIdentities = {
    Effect: "Allow",
    Principal: { Federated: cognito },
    Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
    Condition: {
      StringEquals: { [`${cognito}:aud`]: poolId },
      "ForAnyValue:StringLike": { [`${cognito}:amr`]: "*authenticated" },
    },
  };
  const byUser = {
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:user/${principal}` },
    Action: "sts:AssumeRole",
  };
  const invoke = { Effect: "Allow", Action: "execute-api:Invoke", Resource: `*/\${${cognito}:sub}/*` };
  const policyOf = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
  await insertRole(db, {
    ...{ name: role.name, id: "AROABENCHBENCHBENCH0", path: "/", description: "" },
    trust: policyOf(byIdentities, byUser),
    policies: { invoke: policyOf(invoke) },
    ...{ maxSessionSeconds: 3600, notBefore: 0, createdAt: now, updatedAt: now },
  });
  const { accessKeyId: id, secretAccessKey: secret } = userKey;
  const policy = namedPolicies.admin;
  await insertAccessKey(db, { id, principal, secret, policy, status: "Active", createdAt: now });
}

/** Identities per statement and transaction: 1,000 rows of six columns stay below SQLite's 32,766 parameters. */
const batchSize = 1_000;
const farAway = 365 * 24 * 60 * 60 * 1000;

/** Inserts the identities and their logins in bulk: SQLite's must not be open in a server. */
async function loadIdentities(
  db: Db,
  load: { readonly poolId: string; readonly provider: string; readonly identities: number },
): Promise<void> {
  const { poolId, provider } = load;
  const now = Date.now();
  const row = (id: string, expiresAt: number | null) => ({
    ...{ pool_id: poolId, identity_id: id, merged_into: null },
    ...{ created_at: now, updated_at: now, expires_at: expiresAt },
  });
  const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
  const visiting = numbered(0, guests).map((at) => row(guestOf(poolId, at), now + farAway));
  await db.kysely.insertInto("identities").values(visiting).execute();
  for (let from = 0; from < load.identities; from += batchSize) {
    const indexes = numbered(from, Math.min(from + batchSize, load.identities));
    const logins = indexes.map((at) => {
      const login = { provider, subject: subjectOf(at) };
      return loginRow(db, { poolId, id: ownerOf(poolId, at) }, login, now);
    });
    const owners = logins.map(({ identity_id }) => row(identity_id, null));
    await inTransaction(db, async (tx) => {
      await tx.kysely.insertInto("identities").values(owners).execute();
      await tx.kysely.insertInto("identity_logins").values(logins).execute();
    });
  }
}
