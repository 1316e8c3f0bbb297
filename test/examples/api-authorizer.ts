/** Shared by the tests of examples/api-authorizer: set up by its own script, with tokens of its users and its program. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv, promisify } from "node:util";
import { InitiateAuthCommand } from "@aws-sdk/client-cognito-identity-provider";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";

export const example = join(import.meta.dirname, "..", "..", "examples", "api-authorizer");

export interface Orders {
  readonly folder: string;
  /** What .env says. */
  readonly settings: Readonly<Record<string, string>>;
  readonly tokens: Readonly<Record<"clara" | "gus" | "program", string>>;
}

export async function setUpOrders(server: TestServer): Promise<Orders> {
  const folder = temporaryFolder();
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
    API_URL: `http://localhost:${await freePort()}`,
  };
  await promisify(execFile)(process.execPath, [join(example, "setup.ts")], { cwd: folder, env });
  const settings = parseEnv(readFileSync(join(folder, ".env"), "utf8")) as Record<string, string>;
  const signIn = async (USERNAME: string) => {
    const { AuthenticationResult } = await server.client.send(
      new InitiateAuthCommand({
        ClientId: settings["CLIENT_ID"],
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME, PASSWORD: settings["USERS_PASSWORD"]! },
      }),
    );
    return AuthenticationResult!.AccessToken!;
  };
  const basic = Buffer.from(`${settings["PROGRAM_CLIENT_ID"]}:${settings["PROGRAM_CLIENT_SECRET"]}`);
  const answer = await fetch(settings["TOKEN_URL"]!, {
    method: "POST",
    headers: { authorization: `Basic ${basic.toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  const { access_token: program } = (await answer.json()) as { access_token: string };
  return { folder, settings, tokens: { clara: await signIn("clara"), gus: await signIn("gus"), program } };
}

/** What each request is answered, by who asks. */
const table: readonly [method: string, path: string, Readonly<Record<keyof Orders["tokens"], number>>][] = [
  ["GET", "/orders", { clara: 200, gus: 200, program: 200 }],
  ["POST", "/orders", { clara: 201, gus: 403, program: 403 }],
  ["GET", "/reports/2026-11-30", { clara: 403, gus: 403, program: 200 }],
];

/** Asks for everything as everybody, and without a valid token. */
export async function checkOrders(origin: string, { tokens }: Orders): Promise<void> {
  const call = async (method: string, path: string, authorization?: string) => {
    const answer = await fetch(new URL(path, origin), {
      method,
      headers: {
        ...(authorization !== undefined && { authorization }),
        ...(method === "POST" && { "content-type": "application/json" }),
      },
      ...(method === "POST" && { body: '{"text":"a chair"}' }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  for (const [method, path, expected] of table) {
    for (const name of ["clara", "gus", "program"] as const) {
      const { status, body } = await call(method, path, `Bearer ${tokens[name]}`);
      assert.equal(status, expected[name], `${method} ${path} as ${name}`);
      if (status === 201) assert.deepEqual([body["text"], body["by"]], ["a chair", "clara"]);
      if (path.startsWith("/reports") && status === 200) assert.equal(body["day"], "2026-11-30");
    }
    const forged = `${tokens.clara.slice(0, -20)}${"A".repeat(20)}`;
    for (const wrong of [undefined, `Bearer ${forged}`, "Bearer x", `Basic ${tokens.clara}`])
      assert.equal((await call(method, path, wrong)).status, 401, `${method} ${path} with ${wrong}`);
  }
}
