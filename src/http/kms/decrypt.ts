/** Decrypt ("Decrypt", AWS Key Management Service API Reference), for the functions that send a pool's messages. */
import type { Ctx } from "../../app.ts";
import { beginCall, noteTarget, recordedCall } from "../../domain/audit/call.ts";
import type { Principal } from "../../domain/iam/principal.ts";
import {
  type DecryptRequest,
  decryptDataKey,
  findDecryptTarget,
} from "../../domain/triggers/sender-codes.ts";
import { fromBase64, toBase64 } from "../../lib/bytes.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import { undecidable } from "../../policy/policy.ts";
import { refuse } from "../../wire/refuse.ts";
import { authenticate, authorize } from "../authenticate.ts";
import type { JsonDoor } from "../json-door.ts";
import { errorAnswer, type JsonAnswer } from "../json-errors.ts";
import { soleHeader } from "../signed-request.ts";

export const kmsDoor: JsonDoor = (target) =>
  target === "TrentService.Decrypt" ? { name: "Decrypt", answer: answerDecrypt } : undefined;

async function answerDecrypt(ctx: Ctx, request: WireRequest): Promise<JsonAnswer> {
  try {
    // Clients sign for the region of the key, which need not be the server's.
    const principal = await authenticate(ctx, request, { service: "kms", region: undefined });
    const running = beginCall(ctx, principal, "Decrypt");
    const body = await recordedCall(ctx, running, decrypt(running.ctx, principal, request));
    return { status: 200, body: JSON.stringify(body), headers: {} };
  } catch (error) {
    return errorAnswer(ctx, error);
  }
}

async function decrypt(ctx: Ctx, principal: Principal, request: WireRequest): Promise<object> {
  const asked = parse(request.body);
  const target = await findDecryptTarget(ctx, principal, asked);
  const { pool, keyArn } = target;
  noteTarget(ctx, { poolId: pool.id, target: keyArn });
  const header = (name: string) => soleHeader(request, name);
  const call = { action: "kms:Decrypt", resource: keyArn, input: {}, header };
  await authorize(ctx, principal, { ...call, resourceTags: async () => undecidable }, "by the pool");
  const plaintext = decryptDataKey(ctx, target, asked);
  if (asked.isTrial)
    refuse(
      "DryRunOperationException",
      "The request would have succeeded, but the DryRun option is set, so the operation was not performed.",
    );
  return { KeyId: keyArn, Plaintext: toBase64(plaintext), EncryptionAlgorithm: "SYMMETRIC_DEFAULT" };
}

type Given = Readonly<Record<string, unknown>>;

function parse(body: Uint8Array): DecryptRequest & { readonly isTrial: boolean } {
  const given = objectOf(body);
  const blob = textAt(given, "CiphertextBlob");
  if (blob === undefined || blob === "") return invalid("CiphertextBlob is required.");
  const ciphertext = fromBase64(blob) ?? malformed();
  if (ciphertext.length > 6144) invalid("CiphertextBlob has at most 6144 bytes.");
  const algorithm = textAt(given, "EncryptionAlgorithm") ?? "SYMMETRIC_DEFAULT";
  if (algorithm !== "SYMMETRIC_DEFAULT")
    refuse("InvalidKeyUsageException", `The algorithm ${algorithm} is not supported for this KMS key.`);
  if ((given["Recipient"] ?? null) !== null)
    refuse("UnsupportedOperationException", "Recipient is not supported.");
  return {
    ciphertext,
    keyId: textAt(given, "KeyId"),
    context: contextOf(given["EncryptionContext"] ?? {}),
    isTrial: given["DryRun"] === true,
  };
}

function objectOf(body: Uint8Array): Given {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return isObject(value) ? value : malformed();
  } catch {
    return malformed();
  }
}

const isObject = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function textAt(given: Given, name: string): string | undefined {
  const value = given[name] ?? undefined;
  return value === undefined || typeof value === "string" ? value : malformed();
}

function contextOf(given: unknown): Readonly<Record<string, string>> {
  const isText = isObject(given) && Object.values(given).every((value) => typeof value === "string");
  return isText ? (given as Record<string, string>) : malformed();
}

const invalid = (message: string): never => refuse("ValidationException", message);
const malformed = (): never =>
  refuse("SerializationException", "The request is not of the form of this operation.");
