/**
 * Messages of the AWS Encryption SDK whose data key a KMS key wraps ("AWS Encryption SDK message format reference", AWS
 * Encryption SDK Developer Guide). The library is loaded when the first message is encrypted.
 */

/** Names and values that are bound to a message, and readable in it. */
export type EncryptionContext = Readonly<Record<string, string>>;

export interface Encryption {
  /** The ARN of the KMS key, as the message names it. */
  readonly keyArn: string;
  readonly context: EncryptionContext;
  /**
   * Wraps the message's data key as KMS does.
   * @param context the context, with what the library adds to it
   */
  wrap(dataKey: Uint8Array, context: EncryptionContext): Uint8Array;
  random(bytes: number): Uint8Array;
}

/**
 * Encrypts a text in the form that Amazon Cognito's custom senders get it: version 1 of the message format,
 * AES-256-GCM with a key derived by HKDF-SHA384, and an ECDSA P-384 signature.
 */
export async function encryptMessage(
  plaintext: string,
  { keyArn, context, wrap, random }: Encryption,
): Promise<Buffer> {
  const { buildEncrypt } = await import("@aws-crypto/encrypt-node");
  const {
    AlgorithmSuiteIdentifier,
    CommitmentPolicy,
    EncryptedDataKey,
    KeyringNode,
    KeyringTraceFlag,
    unwrapDataKey,
  } = await import("@aws-crypto/material-management-node");
  type Material = Parameters<InstanceType<typeof KeyringNode>["_onEncrypt"]>[0];
  const namespace = "aws-kms";

  class WrappingKeyring extends KeyringNode {
    override async _onEncrypt(material: Material): Promise<Material> {
      const dataKey = random(material.suite.keyLengthBytes);
      const generated = KeyringTraceFlag.WRAPPING_KEY_GENERATED_DATA_KEY;
      material.setUnencryptedDataKey(dataKey, { keyNamespace: namespace, keyName: keyArn, flags: generated });
      const encryptedDataKey = wrap(
        unwrapDataKey(material.getUnencryptedDataKey()),
        material.encryptionContext,
      );
      return material.addEncryptedDataKey(
        new EncryptedDataKey({ providerId: namespace, providerInfo: keyArn, encryptedDataKey }),
        KeyringTraceFlag.WRAPPING_KEY_ENCRYPTED_DATA_KEY | KeyringTraceFlag.WRAPPING_KEY_SIGNED_ENC_CTX,
      );
    }
    override async _onDecrypt(): Promise<never> {
      throw new Error("This keyring only encrypts.");
    }
  }

  // Cognito's messages have no key commitment, and handlers are built to accept that.
  const { encrypt } = buildEncrypt(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
  const { result } = await encrypt(new WrappingKeyring(), plaintext, {
    encryptionContext: { ...context },
    suiteId: AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384,
  });
  return result;
}
