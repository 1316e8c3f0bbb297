/**
 * `npm run setup`: creates a pool in a running Poolhouse, and writes config.json, with which the page is built. The
 * administrator's key comes from the environment, as in every AWS SDK.
 */
import { writeFileSync } from "node:fs";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { makePool, person } from "./pool.ts";
import { configFile, endpoint, pageUrl } from "./settings.ts";

try {
  await fetch(endpoint);
} catch (error) {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  console.error(
    `No server answers at ${endpoint} (POOLHOUSE_ENDPOINT): ${code ?? error}. Is Poolhouse running there?`,
  );
  process.exit(1);
}
const client = new CognitoIdentityProviderClient({ endpoint, region: "us-east-1" });
const config = await makePool(client, endpoint, pageUrl);
writeFileSync(configFile, `${JSON.stringify(config, null, 2)}\n`);
console.log(`Wrote config.json.
Sign in as ${person.email} with the password ${person.password}.`);
