/** What a gateway's file is refused with. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readGatewayFile } from "../../src/config/gateway-file.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { newKey } from "./place.ts";

/** The message, which names the line; fails if the file is accepted. @param lines in a file that is otherwise complete */
export function refusal(lines: string): string {
  const own = lines.includes("public-url") ? "" : "public-url: https://auth.example.com\n";
  const provider = /^provider:/m.test(lines)
    ? ""
    : "provider: { issuer: https://idp.example.com, client-id: a }\n";
  const rest = `sessions: { keys: [${newKey()}] }
applications: [{ hosts: [${own === "" ? "localhost" : "auth.example.com"}], routes: [{ path: /** }] }]
`;
  const path = join(temporaryFolder(), "gateway.yaml");
  writeFileSync(path, `# A file for tests.\n${lines}\n${own}${provider}${rest}`);
  try {
    readGatewayFile(path);
  } catch (error) {
    return (error as Error).message;
  }
  return assert.fail(`it is accepted: ${lines}`);
}
