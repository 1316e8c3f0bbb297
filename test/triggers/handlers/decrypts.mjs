/** Sends codes as the example of AWS's documentation does, and keeps what it would have sent. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { buildClient, CommitmentPolicy, KmsKeyringNode } from "@aws-crypto/client-node";

const { decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT);
const generatorKeyId = process.env.KEY_ALIAS;
const keyIds = [process.env.KEY_ID];
const keyring = new KmsKeyringNode({ generatorKeyId, keyIds });

export const handler = async (event) => {
  const keep = (what) =>
    appendFileSync(
      join(process.env.SCRIPTS, `${event.userPoolId}.sent`),
      `${JSON.stringify({ event, ...what })}\n`,
    );
  if (!event.request.code) return keep({});
  try {
    const { plaintext, messageHeader } = await decrypt(keyring, Buffer.from(event.request.code, "base64"));
    keep({
      code: plaintext.toString(),
      suite: messageHeader.suiteId,
      context: messageHeader.encryptionContext,
    });
  } catch (error) {
    keep({ refused: error.message });
  }
};
