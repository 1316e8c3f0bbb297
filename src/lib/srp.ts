/**
 * SRP-6a, the server's side, as Amazon Cognito's clients speak it (USER_SRP_AUTH, DEVICE_SRP_AUTH).
 *
 * The protocol is RFC 2945 / RFC 5054 over the 3072-bit group with SHA-256, in Cognito's variant: integers are hashed
 * in the two's complement form of `pad` (not padded to the size of N), and the session key goes through one step of
 * HKDF (RFC 5869) with the info "Caldera Derived Key". `group` is the part of the pool id after "_", and `identity` the
 * internal username; for a remembered device they are DeviceGroupKey and DeviceKey.
 *
 * Exponentiation modulo N is OpenSSL's, reached through Diffie-Hellman keys:
 *  - *Importing* a PKCS#8 key makes OpenSSL compute g^x for the parameters it carries, in constant time and on the
 *    calling thread (0.7 ms for 256 bits; no import goes without it). So g^x, and v^u with v in place of g, are read
 *    from the imported key: deriving them again in the thread pool would only add work.
 *  - `crypto.diffieHellman(…, callback)` computes (A v^u)^b in libuv's pool, with the key that g^b was read from.
 * `createDiffieHellman` is not used: its constructor tests N for primality, which takes more than a second.
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { concat, hmacSha256, sha256, toHex } from "./bytes.ts";

/** The prime of RFC 5054 appendix A (= RFC 3526 section 4), 3072 bits. */
export const N = BigInt(
  "0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B" +
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6" +
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D" +
    "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718" +
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D" +
    "B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C" +
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
);
/** The generator. */
const g = 2n;
/** The multiplier: H(pad(N) | pad(g)). */
export const k = integer(sha256(pad(N), pad(g)));

/** Length of the server's secret b in bytes (a longer one is accepted). */
export const SECRET_BYTES = 32;

/** A value that no honest peer sends, or that the arithmetic refuses. The caller answers as for a wrong password. */
export class SrpError extends Error {
  override name = "SrpError";
}

/** The shortest big-endian two's complement form, as Java's toByteArray: a zero byte leads if the top bit is set. */
export function pad(n: bigint): Buffer {
  const hex = n.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Buffer.from(/^[89a-f]/.test(even) ? `00${even}` : even, "hex");
}

/** SRP_B, or any public value, as sent to clients: the hex of `pad`. */
export function publicValueHex(n: bigint): string {
  return toHex(pad(n));
}

/**
 * SALT as sent to clients: the hex of the bytes that makeVerifier hashes, those of `pad`. Clients that hash the text as it
 * is sent (pycognito) and those that read it as an integer (amazon-cognito-identity-js) then agree, also on a salt whose
 * first bytes are zero.
 */
export function saltHex(salt: Uint8Array): string {
  return publicValueHex(integer(salt));
}

/**
 * Parses SRP_A: hex in either case, up to 384 bytes and a sign byte.
 * @returns A; undefined if it is malformed, not below N, or one of 0, 1 and N−1 (RFC 5054 section 2.5.4 refuses A mod N
 * = 0; the others would fix the session key without the password)
 */
export function parsePublicValue(text: string): bigint | undefined {
  if (!/^[0-9a-f]{1,770}$/i.test(text)) return undefined;
  const value = BigInt(`0x${text}`);
  return isUsable(value) ? value : undefined;
}

/**
 * Parses a verifier that was made elsewhere (a device's PasswordVerifier, an imported user's): unsigned big-endian, a
 * leading zero byte allowed.
 * @returns the verifier in makeVerifier's form; undefined if it is out of range
 */
export function parseVerifier(bytes: Uint8Array): Buffer | undefined {
  if (bytes.length < 1 || bytes.length > 385) return undefined;
  const value = integer(bytes);
  return isUsable(value) ? pad(value) : undefined;
}

/**
 * v = g^x with x = H(pad(salt) | H(group | identity | ":" | password)), in the form of `pad`. About 0.8 ms on the
 * calling thread. The salt is taken as an integer, since clients drop its leading zeros.
 */
export function makeVerifier(args: {
  group: string;
  identity: string;
  password: string;
  salt: Uint8Array;
}): Buffer {
  const inner = sha256(`${args.group}${args.identity}:${args.password}`);
  const x = integer(sha256(pad(integer(args.salt)), inner));
  return pad(publicOf(exponentKey(g, x)));
}

/**
 * B = (k v + g^b) mod N. About 0.7 ms on the calling thread.
 * @param args.b SECRET_BYTES random bytes, kept secret until finishServer has used them
 * @throws SrpError if the verifier is out of range or B would be 0
 */
export function startServer(args: { verifier: Uint8Array; b: Uint8Array }): bigint {
  return publicValue(verifierOf(args.verifier), serverKey(args.b));
}

/**
 * The 16-byte session key, from the arguments and the result of startServer. About 1.7 ms on the calling thread and 0.7
 * ms off it.
 * @throws SrpError if A or the verifier is out of range, u is 0, or OpenSSL refuses the result
 */
export async function finishServer(args: {
  A: bigint;
  B: bigint;
  b: Uint8Array;
  verifier: Uint8Array;
}): Promise<Buffer> {
  return sessionKey(args.A, args.B, verifierOf(args.verifier), serverKey(args.b));
}

/**
 * startServer and finishServer in one step: the client's A comes with the first request, so the session key can be
 * computed then and kept (sealed) in place of b; the second request then costs one HMAC. Saves one of the three
 * exponentiations on the calling thread.
 */
export async function exchange(args: {
  A: bigint;
  verifier: Uint8Array;
  b: Uint8Array;
}): Promise<{ B: bigint; K: Buffer }> {
  const v = verifierOf(args.verifier);
  const key = serverKey(args.b);
  const B = publicValue(v, key);
  return { B, K: await sessionKey(args.A, B, v, key) };
}

/**
 * HMAC-SHA256(K, group | identity | secret block | timestamp), 32 bytes: PASSWORD_CLAIM_SIGNATURE before base64. The
 * timestamp is hashed as the client spelled it.
 */
export function signature(
  K: Uint8Array,
  group: string,
  identity: string,
  secretBlock: Uint8Array,
  timestamp: string,
): Buffer {
  return hmacSha256(K, group, identity, secretBlock, timestamp);
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const TIMESTAMP =
  /^(?:mon|tue|wed|thu|fri|sat|sun) +([a-z]{3}) +(\d{1,2}) +(\d{1,2}):(\d{2}):(\d{2}) +(?:utc|gmt) +(\d{4})$/i;

/**
 * Parses TIMESTAMP, `ddd MMM D HH:mm:ss UTC YYYY` with English names. Accepts a zero or a space before the day or hour,
 * and does not compare the day of the week with the date.
 * @returns epoch milliseconds; undefined if the text has another form or names no real moment
 */
export function parseTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const month = MONTHS.indexOf(match[1]!.toLowerCase());
  const [day, hour, minute, second, year] = match.slice(2).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const time = Date.UTC(year, month, day, hour, minute, second);
  const exact = month >= 0 && year >= 1970 && hour < 24 && minute < 60 && second < 60;
  return exact && new Date(time).getUTCDate() === day ? time : undefined;
}

function publicValue(v: bigint, key: KeyObject): bigint {
  const B = (k * v + publicOf(key)) % N;
  if (B === 0n) throw new SrpError("B is 0");
  return B;
}

async function sessionKey(A: bigint, B: bigint, v: bigint, key: KeyObject): Promise<Buffer> {
  if (!isUsable(A)) throw new SrpError("A is out of range");
  const u = integer(sha256(pad(A), pad(B)));
  if (u === 0n) throw new SrpError("u is 0");
  const S = await power((A * publicOf(exponentKey(v, u))) % N, key);
  const prk = hmacSha256(pad(u), pad(S));
  return hmacSha256(prk, "Caldera Derived Key", Uint8Array.of(1)).subarray(0, 16);
}

function verifierOf(bytes: Uint8Array): bigint {
  const v = integer(bytes);
  if (!isUsable(v)) throw new SrpError("the verifier is out of range");
  return v;
}

function serverKey(b: Uint8Array): KeyObject {
  if (b.length < SECRET_BYTES || b.length > 384) throw new Error(`b has at least ${SECRET_BYTES} bytes`);
  return exponentKey(g, integer(b));
}

/** Whether the number is below N and none of 0, 1 and N−1. */
function isUsable(n: bigint): boolean {
  return n > 1n && n < N - 1n;
}

/** The bytes as an unsigned big-endian integer; no bytes are 0. */
export function integer(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

// ---- Modular exponentiation through OpenSSL's Diffie-Hellman --------------------------------------------------------

/** A private key with exponent x over (N, base): its public half is base^x mod N. */
function exponentKey(base: bigint, x: bigint): KeyObject {
  const key = der(0x30, derInteger(0n), algorithm(base), der(0x04, derInteger(x)));
  return attempt(() => createPrivateKey({ key, format: "der", type: "pkcs8" }));
}

/** base^x mod N of an exponentKey. */
function publicOf(key: KeyObject): bigint {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const bits = derNext(derNext(derNext(spki, 0).content, 0).rest, 0).content;
  return integer(derNext(bits, 1).content);
}

/** y^x mod N in libuv's pool, for a key over (N, g). OpenSSL refuses y outside 2..N−2 and results of 0, 1 or N−1. */
function power(y: bigint, privateKey: KeyObject): Promise<bigint> {
  const spki = der(0x30, algorithm(g), der(0x03, Uint8Array.of(0), derInteger(y)));
  const publicKey = attempt(() => createPublicKey({ key: spki, format: "der", type: "spki" }));
  return new Promise((resolve, reject) => {
    diffieHellman({ privateKey, publicKey }, (error, secret) => {
      if (error) reject(new SrpError("the arithmetic refuses these values", { cause: error }));
      else resolve(integer(secret));
    });
  });
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new SrpError("the arithmetic refuses these values", { cause: error });
  }
}

/** AlgorithmIdentifier dhKeyAgreement with its DHParameter (PKCS #3 section 9). */
function algorithm(base: bigint): Buffer {
  const oid = der(0x06, Buffer.from("2a864886f70d010301", "hex"));
  return der(0x30, oid, der(0x30, derInteger(N), derInteger(base)));
}

function derInteger(n: bigint): Buffer {
  return der(0x02, pad(n));
}

/** A DER element: tag, length, content (X.690 section 8.1), for contents under 65,536 bytes. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = concat(...contents);
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return concat(Uint8Array.of(tag, ...length), content);
}

/** Reads the DER element at `at`: its content, and what follows it. Only for OpenSSL's own output. */
function derNext(bytes: Buffer, at: number): { content: Buffer; rest: Buffer } {
  const first = bytes[at + 1]!;
  const extra = first < 0x80 ? 0 : first - 0x80;
  const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra);
  const start = at + 2 + extra;
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}
