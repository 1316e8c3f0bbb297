/**
 * An authenticator of passkeys without a browser (Web Authentication, sections 6 and 7): ES256, resident, its user
 * verified, no attestation. It signs whatever it is asked to, by the origin it is told.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** CBOR of what WebAuthn needs: integers of one byte, texts, byte strings and maps (RFC 8949). */
function cbor(value: number | string | Uint8Array | ReadonlyMap<number | string, unknown>): Buffer {
  const head = (major: number, length: number) => {
    if (length < 24) return Buffer.of((major << 5) | length);
    if (length < 256) return Buffer.of((major << 5) | 24, length);
    return Buffer.of((major << 5) | 25, length >> 8, length & 255);
  };
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string")
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  const pairs = [...value].flatMap(([key, item]) => [cbor(key), cbor(item as never)]);
  return Buffer.concat([head(5, value.size), ...pairs]);
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest();

/** User present, user verified; on creation the credential is there as well. */
const used = 0x05;
const made = 0x45;

export class Authenticator {
  readonly id = randomBytes(16);
  readonly #origin: string;
  readonly #counts: boolean;
  readonly #key: KeyObject;
  readonly #cose: Buffer;
  #userHandle = "";
  #counter = 0;

  /** @param options.counts false: it is one that is synchronized, and counts nothing */
  constructor(origin: string, { counts = true }: { counts?: boolean } = {}) {
    this.#origin = origin;
    this.#counts = counts;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x, y } = publicKey.export({ format: "jwk" });
    this.#key = privateKey;
    const point = (text: string | undefined) => Buffer.from(text!, "base64url");
    // COSE_Key: EC2, ES256, P-256.
    this.#cose = cbor(
      new Map<number, unknown>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, point(x)],
        [-3, point(y)],
      ]),
    );
  }

  #clientData(type: string, challenge: string, origin = this.#origin): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  #data(rpId: string, flags: number, more: Uint8Array = Buffer.alloc(0)): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.#counts ? ++this.#counter : 0);
    return Buffer.concat([sha256(rpId), Buffer.of(flags), counter, more]);
  }

  #credential(response: Readonly<Record<string, unknown>>) {
    const id = this.id.toString("base64url");
    return { id, rawId: id, type: "public-key", clientExtensionResults: {}, response };
  }

  /** The Credential of CompleteWebAuthnRegistration. @param options CredentialCreationOptions */
  create(options: unknown) {
    const { challenge, rp, user } = options as {
      challenge: string;
      rp: { id: string };
      user: { id: string };
    };
    this.#userHandle = user.id;
    const length = Buffer.of(this.id.length >> 8, this.id.length & 255);
    const authData = this.#data(rp.id, made, Buffer.concat([Buffer.alloc(16), length, this.id, this.#cose]));
    const attestation = cbor(
      new Map<string, unknown>([
        ["fmt", "none"],
        ["attStmt", new Map()],
        ["authData", authData],
      ]),
    );
    return this.#credential({
      clientDataJSON: this.#clientData("webauthn.create", challenge).toString("base64url"),
      attestationObject: attestation.toString("base64url"),
      transports: ["internal"],
    });
  }

  /** The CREDENTIAL of a sign-in. @param options CREDENTIAL_REQUEST_OPTIONS @param origin another than its own */
  use(options: string, origin?: string): string {
    const { challenge, rpId } = JSON.parse(options) as { challenge: string; rpId: string };
    const data = this.#data(rpId, used);
    const client = this.#clientData("webauthn.get", challenge, origin);
    const signature = sign("sha256", Buffer.concat([data, sha256(client)]), this.#key);
    const response = {
      clientDataJSON: client.toString("base64url"),
      authenticatorData: data.toString("base64url"),
      signature: signature.toString("base64url"),
      userHandle: this.#userHandle,
    };
    return JSON.stringify(this.#credential(response));
  }
}
