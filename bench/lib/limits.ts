/**
 * The cost of what an operation cannot do without, measured in the same run: CPU time of the bare computation in
 * milliseconds.
 */
import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { promisify } from "node:util";
import { hash } from "@node-rs/argon2";
import { measure } from "./load.ts";
import { modp3072 } from "./modp.ts";
import { startProgram } from "./server.ts";

export interface Limits {
  /** argon2id at 19 MiB, 2 passes, 1 lane. */
  readonly hash: number;
  /** RS256 with 2048 bits. */
  readonly signature: number;
  /** A check of RS256 with 2048 bits. */
  readonly check: number;
  /** A modular exponentiation by OpenSSL over 3072 bits with a 256-bit exponent, including the import of its keys. */
  readonly exponentiation: number;
  /** A verification of ES256 (ECDSA over P-256), including the import of its key. */
  readonly verification: number;
  /** A bare HTTP answer. */
  readonly http: number;
}

/** What temporary credentials and the tokens that lead to them cannot do without, in milliseconds. */
export interface CredentialLimits extends Pick<Limits, "signature" | "check"> {
  /** An HMAC-SHA256, and AES-256-GCM of 600 bytes under a key of its own. */
  readonly seal: number;
}

export async function measureCredentialLimits(seconds: number): Promise<CredentialLimits> {
  return {
    signature: await cpuOf(seconds, 8, signatureJob()),
    check: await cpuOf(seconds, 8, checkJob()),
    seal: await cpuOf(seconds, 8, sealJob()),
  };
}

export async function measureLimits(seconds: number): Promise<Limits> {
  return {
    hash: await cpuOf(seconds, 2, () =>
      hash("Correct-Horse-1", { memoryCost: 19456, timeCost: 2, parallelism: 1 }),
    ),
    signature: await cpuOf(seconds, 8, signatureJob()),
    check: await cpuOf(seconds, 8, checkJob()),
    exponentiation: await cpuOf(seconds, 8, exponentiationJob()),
    verification: await cpuOf(seconds, 8, verificationJob()),
    http: await bareHttp(seconds),
  };
}

async function cpuOf(seconds: number, parallel: number, job: () => Promise<unknown>): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let done = 0;
  await job();
  const before = process.cpuUsage();
  const work = async () => {
    while (performance.now() < until) {
      await job();
      done++;
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / done;
}

function signatureJob(): () => Promise<unknown> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = Buffer.alloc(800, "x");
  const signed = promisify(sign) as unknown as (
    algorithm: string,
    data: Buffer,
    key: typeof privateKey,
  ) => Promise<Buffer>;
  return () => signed("sha256", text, privateKey);
}

function checkJob(): () => Promise<unknown> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = Buffer.alloc(800, "x");
  const signature = sign("sha256", text, privateKey);
  return async () => verify("sha256", text, publicKey, signature);
}

function sealJob(): () => Promise<unknown> {
  const key = createSecretKey(randomBytes(32));
  const text = Buffer.alloc(600, "x");
  return async () => {
    const own = createHmac("sha256", key).update(randomBytes(16)).digest();
    const cipher = createCipheriv("aes-256-gcm", own, randomBytes(12));
    return [cipher.update(text), cipher.final(), cipher.getAuthTag()];
  };
}

function exponentiationJob(): () => Promise<unknown> {
  const keys = modp3072();
  const derive = promisify(diffieHellman) as unknown as (options: {
    privateKey: ReturnType<typeof createPrivateKey>;
    publicKey: ReturnType<typeof createPublicKey>;
  }) => Promise<Buffer>;
  return () =>
    derive({
      privateKey: createPrivateKey({ key: keys.privateDer, format: "der", type: "pkcs8" }),
      publicKey: createPublicKey({ key: keys.publicDer, format: "der", type: "spki" }),
    });
}

function verificationJob(): () => Promise<unknown> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // The size of authenticator data and the hash of client data.
  const text = Buffer.alloc(37 + 32, "x");
  const signature = sign("sha256", text, privateKey);
  const key = publicKey.export({ format: "jwk" });
  const verified = promisify(verify) as unknown as (
    algorithm: string,
    data: Buffer,
    key: KeyObject,
    signature: Buffer,
  ) => Promise<boolean>;
  return () => verified("sha256", text, createPublicKey({ key, format: "jwk" }), signature);
}

export async function bareHttp(seconds: number): Promise<number> {
  const server = await startProgram("bench/lib/bare.ts", ["600"]);
  try {
    const body = JSON.stringify({ AccessToken: "x".repeat(1000) });
    const call = await measure(server, (connection) => connection.post(body, { "x-amz-target": "bare" }), {
      connections: 16,
      seconds,
    });
    return call.cpu;
  } finally {
    await server.close();
  }
}
