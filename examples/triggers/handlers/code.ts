/** What both senders do with the code of an event (`request.code`): it comes as a message of the AWS Encryption SDK. */
import { buildClient, CommitmentPolicy, KmsKeyringNode } from "@aws-crypto/client-node";

const { decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT);
// Where KMS is, and the function's access key, are in the environment, too.
const keyring = new KmsKeyringNode({ keyIds: [process.env["KEY_ID"]!] });

const characters: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** The code, or the temporary password of a new user, in which Cognito escapes three characters as in HTML. */
export async function decryptedCode(encrypted: string): Promise<string> {
  const { plaintext } = await decrypt(keyring, Buffer.from(encrypted, "base64"));
  return plaintext.toString().replace(/&(?:amp|lt|gt);/g, (entity) => characters[entity]!);
}
