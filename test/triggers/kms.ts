/** Messages of the AWS Encryption SDK taken apart, and calls of KMS as anybody could write them. */
import assert from "node:assert/strict";
import {
  buildClient,
  CommitmentPolicy,
  type EncryptedDataKey,
  KeyringNode,
  KeyringTraceFlag,
  type NodeDecryptionMaterial,
} from "@aws-crypto/client-node";
import { signRequest } from "../../src/lib/sigv4.ts";
import type { TestServer } from "../kit/server.ts";

/** What a message says of its key. */
export interface Wrapped {
  readonly provider: string;
  readonly keyArn: string;
  readonly blob: Uint8Array;
  readonly context: Readonly<Record<string, string>>;
}

/** Unwraps a data key by a function in place of KMS. */
class Unwrapping extends KeyringNode {
  readonly #unwrap: (wrapped: Wrapped) => Uint8Array;
  constructor(unwrap: (wrapped: Wrapped) => Uint8Array) {
    super();
    this.#unwrap = unwrap;
  }
  override async _onEncrypt(): Promise<never> {
    throw new Error("not for this test");
  }
  override async _onDecrypt(
    material: NodeDecryptionMaterial,
    [key = assert.fail("no key"), ...more]: EncryptedDataKey[],
  ): Promise<NodeDecryptionMaterial> {
    assert.deepEqual(more, []);
    const { providerId: provider, providerInfo: keyArn, encryptedDataKey: blob } = key;
    const dataKey = this.#unwrap({ provider, keyArn, blob, context: material.encryptionContext });
    return material.setUnencryptedDataKey(new Uint8Array(dataKey), {
      keyNamespace: provider,
      keyName: keyArn,
      flags: KeyringTraceFlag.WRAPPING_KEY_DECRYPTED_DATA_KEY,
    });
  }
}

/** Decrypts a code, whose data key is unwrapped by a function. */
export async function decrypted(code: string, unwrap: (wrapped: Wrapped) => Uint8Array): Promise<string> {
  const { decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT);
  const { plaintext } = await decrypt(new Unwrapping(unwrap), Buffer.from(code, "base64"));
  return plaintext.toString();
}

/** The wrapped data key of a code. */
export async function wrappedIn(code: string): Promise<Wrapped> {
  let seen: Wrapped | undefined;
  const look = (wrapped: Wrapped) => {
    seen = wrapped;
    return new Uint8Array(32);
  };
  await assert.rejects(decrypted(code, look));
  return seen ?? assert.fail("the message names no key");
}

interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Calls an operation of KMS, signed with a key. */
export async function callKms(
  server: TestServer,
  key: Key | undefined,
  input: unknown,
  { operation = "Decrypt", service = "kms", region = "us-east-1" } = {},
): Promise<{ readonly status: number; readonly type: string | undefined; readonly body: Answer }> {
  const url = new URL(server.endpoint);
  const body = Buffer.from(typeof input === "string" ? input : JSON.stringify(input));
  const headers = [
    ["host", url.host],
    ["content-type", "application/x-amz-json-1.1"],
    ["x-amz-target", `TrentService.${operation}`],
  ] as const;
  const request = { method: "POST", path: "/", query: "", headers, body };
  const signed = key && signRequest(request, { ...key, region, service, now: server.clock.now });
  const response = await fetch(url, {
    method: "POST",
    headers: { ...Object.fromEntries(headers.slice(1)), ...signed },
    body,
  });
  const answer = (await response.json()) as Answer;
  return { status: response.status, type: answer.__type, body: answer };
}

interface Answer {
  readonly __type?: string;
  readonly message?: string;
  readonly KeyId?: string;
  readonly Plaintext?: string;
  readonly EncryptionAlgorithm?: string;
}
