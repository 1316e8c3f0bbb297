/**
 * A supply of RSA key pairs for the pools of tests: to generate one takes 50 ms, and most pools of tests sign little. The
 * runner of the tests makes the supply, once a clone; a test that is run without it generates its own.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exportJWK, importJWK, type JWK } from "jose";
import type { SigningPair } from "../../src/app.ts";
import { generateSigningPair } from "../../src/domain/tokens/signing-keys.ts";

const file = join(
  import.meta.dirname,
  ...["..", "..", "node_modules", ".cache", "poolhouse-test", "signing-pairs.json"],
);
/** As many as the pools of one file of tests need, but for very few files. */
const supply = 160;

/** Makes the supply if there is none. */
export async function supplySigningPairs(): Promise<void> {
  if (existsSync(file)) return;
  const pairs = await Promise.all(Array.from({ length: supply }, () => generateSigningPair()));
  const keys = await Promise.all(pairs.map(({ privateKey }) => exportJWK(privateKey)));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(keys), { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

let unused: JWK[] | undefined;

/** A pair that no other pool of this process has. */
export async function nextSigningPair(): Promise<SigningPair> {
  unused ??= existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as JWK[]) : [];
  const key = unused.pop();
  if (key === undefined) return generateSigningPair();
  const { kty, n, e } = key;
  const [publicKey, privateKey] = await Promise.all(
    [{ kty, n, e } as JWK, key].map((one) => importJWK(one, "RS256", { extractable: true })),
  );
  return { publicKey, privateKey } as SigningPair;
}
