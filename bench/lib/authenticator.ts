/**
 * A software passkey (Web Authentication, Level 3): ES256, user verified, no attestation, and a counter that stays 0 as
 * for synchronized passkeys. Its results have the form of a browser's toJSON().
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
}

interface RequestOptions {
  readonly challenge: string;
}

/** Section 6.1: user present, user verified, attested credential data included. */
const flags = { present: 0x01, verified: 0x04, attested: 0x40 };

/** The constant parts of the CBOR; values go in between. */
const cbor = {
  /** COSE_Key {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}, both of 32 bytes. */
  beforeX: Buffer.from("a5010203262001215820", "hex"),
  beforeY: Buffer.from("225820", "hex"),
  /** {"fmt": "none", "attStmt": {}, "authData": bytes}; the length of less than 256 bytes follows. */
  beforeAuthData: Buffer.concat([
    Buffer.from("a363666d74646e6f6e656761747453746d74a068", "hex"),
    Buffer.from("authData"),
    Buffer.from("58", "hex"),
  ]),
};

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest();
const base64url = (data: string | Uint8Array) => Buffer.from(data).toString("base64url");

export class Authenticator {
  readonly #id = randomBytes(32);
  readonly #origin: string;
  readonly #keys: { publicKey: KeyObject; privateKey: KeyObject };
  #rpId = "";
  #userHandle = "";

  /** @param origin the origin of the page that uses the passkey */
  constructor(origin: string) {
    this.#origin = origin;
    this.#keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  }

  /** Answers CredentialCreationOptions with the Credential of CompleteWebAuthnRegistration. */
  create({ challenge, rp, user }: CreationOptions): object {
    this.#rpId = rp.id;
    this.#userHandle = user.id;
    const { x, y } = this.#keys.publicKey.export({ format: "jwk" });
    const coordinate = (text: string | undefined) => Buffer.from(text!, "base64url");
    const authData = Buffer.concat([
      this.#authenticatorData(flags.attested),
      // No AAGUID.
      Buffer.alloc(16),
      Uint8Array.of(0, this.#id.length),
      this.#id,
      cbor.beforeX,
      coordinate(x),
      cbor.beforeY,
      coordinate(y),
    ]);
    const attestationObject = Buffer.concat([cbor.beforeAuthData, Uint8Array.of(authData.length), authData]);
    return this.#credential({
      clientDataJSON: base64url(this.#clientData("webauthn.create", challenge)),
      attestationObject: base64url(attestationObject),
      transports: ["internal"],
    });
  }

  /** Answers CREDENTIAL_REQUEST_OPTIONS with CREDENTIAL, both JSON. */
  get(options: string): string {
    const { challenge } = JSON.parse(options) as RequestOptions;
    const clientData = this.#clientData("webauthn.get", challenge);
    const authenticatorData = this.#authenticatorData(0);
    const signed = Buffer.concat([authenticatorData, sha256(clientData)]);
    return JSON.stringify(
      this.#credential({
        clientDataJSON: base64url(clientData),
        authenticatorData: base64url(authenticatorData),
        signature: base64url(sign("sha256", signed, this.#keys.privateKey)),
        userHandle: this.#userHandle,
      }),
    );
  }

  #authenticatorData(more: number): Buffer {
    const counter = Buffer.alloc(4);
    return Buffer.concat([sha256(this.#rpId), Uint8Array.of(flags.present | flags.verified | more), counter]);
  }

  #clientData(type: "webauthn.create" | "webauthn.get", challenge: string): string {
    return JSON.stringify({ type, challenge, origin: this.#origin, crossOrigin: false });
  }

  #credential(response: object): object {
    return {
      id: base64url(this.#id),
      rawId: base64url(this.#id),
      type: "public-key",
      response,
      authenticatorAttachment: "platform",
      clientExtensionResults: {},
    };
  }
}
