/**
 * The computations that operations cannot do without, each run bare in this process of its own: asked over the process
 * channel for one of them and so many seconds, it answers its CPU time (of all threads) per computation in milliseconds.
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
import type { Question, WorkName } from "./limits.ts";
import { modp3072 } from "./modp.ts";

type Work = () => Promise<unknown>;

interface Maker {
  readonly make: () => Work;
  /** How many run at a time. */
  readonly parallel: number;
}

const makers: Readonly<Record<WorkName, Maker>> = {
  hash: { make: hashWork, parallel: 2 },
  signature: { make: signatureWork, parallel: 8 },
  check: { make: checkWork, parallel: 8 },
  exponentiation: { make: exponentiationWork, parallel: 8 },
  verification: { make: verificationWork, parallel: 8 },
  seal: { make: sealWork, parallel: 8 },
};
/** What was made: keys stay the same for all rounds. */
const works = new Map<WorkName, Work>();

async function cpuOf({ name, seconds }: Question): Promise<number> {
  const work = works.get(name) ?? makers[name].make();
  works.set(name, work);
  await work();
  const until = performance.now() + seconds * 1000;
  let done = 0;
  const before = process.cpuUsage();
  const one = async () => {
    while (performance.now() < until) {
      await work();
      done++;
    }
  };
  await Promise.all(Array.from({ length: makers[name].parallel }, one));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / done;
}

function hashWork(): Work {
  return () => hash("Correct-Horse-1", { memoryCost: 19456, timeCost: 2, parallelism: 1 });
}

function signatureWork(): Work {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = Buffer.alloc(800, "x");
  const signed = promisify(sign) as unknown as (
    algorithm: string,
    data: Buffer,
    key: typeof privateKey,
  ) => Promise<Buffer>;
  return () => signed("sha256", text, privateKey);
}

function checkWork(): Work {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = Buffer.alloc(800, "x");
  const signature = sign("sha256", text, privateKey);
  return async () => verify("sha256", text, publicKey, signature);
}

function sealWork(): Work {
  const key = createSecretKey(randomBytes(32));
  const text = Buffer.alloc(600, "x");
  return async () => {
    const own = createHmac("sha256", key).update(randomBytes(16)).digest();
    const cipher = createCipheriv("aes-256-gcm", own, randomBytes(12));
    return [cipher.update(text), cipher.final(), cipher.getAuthTag()];
  };
}

function exponentiationWork(): Work {
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

function verificationWork(): Work {
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

process.on("message", async (question: Question) => {
  process.send?.(await cpuOf(question));
});
