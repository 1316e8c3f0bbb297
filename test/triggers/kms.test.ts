/** Decrypt of KMS: who may decrypt what, and what is refused how. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { SignUpCommand, UpdateUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { changePolicy } from "../../src/domain/iam/access-keys.ts";
import { decryptDataKey, encryptCode } from "../../src/domain/triggers/sender-codes.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { openDatabase } from "../../src/store/open.ts";
import { rotateDataKey } from "../../src/store/rotation/rotate-data-key.ts";
import { rotateMasterKey } from "../../src/store/rotation/rotate-master-key.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { makePool, newAddress, password, unique } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import type { TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import {
  arnOf,
  forOneServerWithFunctions,
  keyOfFunction,
  kmsKey,
  lendKeys,
  type Sent,
  sentOf,
} from "./functions.ts";
import { callKms, decrypted, type Wrapped, wrappedIn } from "./kms.ts";

const otherKey = kmsKey.replace(/\d$/, "6");
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const mailer = keyOfFunction("mailer");
const texter = keyOfFunction("texter");

forOneServerWithFunctions("sqlite", "Decrypt", (open) => {
  let keys: Promise<void> | undefined;
  const newPool = async (server: TestServer, sender: string, KMSKeyID: string = kmsKey) => {
    keys ??= lendKeys(server);
    await keys;
    return makePool(server, {
      LambdaConfig: { CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arnOf(sender) }, KMSKeyID },
      AutoVerifiedAttributes: ["email"],
    });
  };
  /** A pool, and what the function that sends its messages was told of a code. */
  const place = async (sender = "mailer") => {
    const server = await open();
    const { UserPoolId, ClientId } = await newPool(server, sender);
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    const Username = unique("user");
    await server.client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
    const sent: Sent[] = [];
    await until("the handler has sent", () => sent.push(...sentOf(UserPoolId)) > 0);
    const code = String(sent[0]!.event.request["code"]);
    const wrapped = await wrappedIn(code);
    return { server, UserPoolId, code, plaintext: sent[0]!.code, wrapped, input: inputOf(wrapped) };
  };
  const inputOf = ({ blob, keyArn, context }: Wrapped) => ({
    CiphertextBlob: base64(blob),
    KeyId: keyArn as string | undefined,
    EncryptionContext: context as Readonly<Record<string, string>> | undefined,
  });

  test("the function that sends a pool's messages gets the data key", async () => {
    const { server, code, plaintext, wrapped, input } = await place();
    assert.equal(wrapped.provider, "aws-kms");
    assert.equal(wrapped.keyArn, kmsKey);
    const { KeyId, ...unnamed } = input;
    const id = kmsKey.split("/")[1];
    for (const asked of [input, unnamed, { ...input, KeyId: id }, { ...input, GrantTokens: [] }]) {
      const { status, body } = await callKms(server, mailer, asked, { region: "eu-west-3" });
      assert.equal(status, 200);
      const { Plaintext = "", ...rest } = body;
      assert.deepEqual(rest, { KeyId: kmsKey, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
      assert.equal(await decrypted(code, () => Buffer.from(Plaintext, "base64")), plaintext);
    }
  });

  test("nobody else does, whatever their policy says", async () => {
    const { server, UserPoolId, input, wrapped } = await place();
    // The sender of another pool, with the same key of AWS.
    const { UserPoolId: other } = await newPool(server, "texter");
    const denied = async (key: typeof mailer, asked: object) => {
      const { status, type, body } = await callKms(server, key, asked);
      assert.deepEqual([status, type], [400, "AccessDeniedException"]);
      assert.match(body.message ?? "", /^User: \S+ is not authorized to perform: kms:Decrypt on /);
    };
    await denied(rootKey, input);
    await denied(texter, input);
    await denied(texter, { ...input, EncryptionContext: { ...wrapped.context, "userpool-id": other } });
    await denied(keyOfFunction("borrower"), input);
    while (server.app.audit.waiting > 0) await server.app.audit.flush();
    const search = { operation: "Decrypt", actor: "arn:aws:iam::000000000000:root" };
    const events = await listAuditEvents(server.app.db, search, { limit: 10, order: "oldest first" });
    assert.deepEqual(
      events.map(({ result }) => result),
      ["AccessDeniedException"],
    );
    // Once another function sends the pool's messages, the former one is nobody, too.
    const LambdaConfig = {
      CustomSMSSender: { LambdaVersion: "V1_0", LambdaArn: arnOf("texter") },
      KMSKeyID: kmsKey,
    } as const;
    await server.client.send(new UpdateUserPoolCommand({ UserPoolId, LambdaConfig }));
    await denied(mailer, input);
    assert.equal((await callKms(server, texter, input)).status, 200);
    // A policy can take it away.
    const policy = { Version: "2012-10-17", Statement: { Effect: "Deny", Action: "kms:*", Resource: "*" } };
    assert.ok(await changePolicy(server.app, texter.accessKeyId, JSON.stringify(policy)));
    await denied(texter, input);
  });

  test("another ciphertext, context or key is refused", async () => {
    const { server, wrapped, input } = await place();
    const { UserPoolId: other } = await newPool(server, "mailer", otherKey);
    const refused = async (changes: object, expected: string) => {
      const { status, type } = await callKms(server, mailer, { ...input, ...changes });
      assert.deepEqual([status, type], [400, expected], JSON.stringify(changes).slice(0, 200));
    };
    const idLength = wrapped.blob[1]!;
    for (const at of [0, 2 + idLength, wrapped.blob.length - 40, wrapped.blob.length - 1]) {
      const blob = Uint8Array.from(wrapped.blob);
      blob[at]! ^= 1;
      await refused({ CiphertextBlob: base64(blob) }, "InvalidCiphertextException");
    }
    await refused({ CiphertextBlob: base64(wrapped.blob.subarray(0, 20)) }, "InvalidCiphertextException");
    const { "userpool-id": poolId, ...withoutPool } = wrapped.context;
    for (const EncryptionContext of [
      {},
      withoutPool,
      { "userpool-id": poolId },
      { ...wrapped.context, more: "" },
      { ...wrapped.context, "userpool-id": other },
    ])
      await refused({ EncryptionContext }, "InvalidCiphertextException");
    await refused({ EncryptionContext: undefined }, "InvalidCiphertextException");
    for (const KeyId of [otherKey, `${kmsKey.split("key/")[0]}alias/codes`, "alias/codes", ""])
      await refused({ KeyId }, "NotFoundException");
    // The same function sends the messages of the other pool, and still opens nothing of the one with the other's key.
    const moved = Buffer.from(wrapped.blob);
    moved.write(other, 2);
    await refused({ CiphertextBlob: base64(moved), KeyId: otherKey }, "InvalidCiphertextException");
    await refused({ DryRun: true }, "DryRunOperationException");
    await refused({ EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }, "InvalidKeyUsageException");
    await refused({ Recipient: {} }, "UnsupportedOperationException");
  });

  test("what is no such call is refused with AWS's errors", async () => {
    const { server, input } = await place();
    const refused = async (
      asked: unknown,
      type: string,
      more: object = {},
      key: typeof mailer | null = mailer,
    ) => {
      const answer = await callKms(server, key ?? undefined, asked, more);
      assert.deepEqual([answer.status, answer.type], [400, type], JSON.stringify(asked).slice(0, 100));
    };
    const { CiphertextBlob } = input;
    for (const asked of [
      "",
      "{",
      "[]",
      "null",
      { CiphertextBlob: 7 },
      { CiphertextBlob: "*" },
      { CiphertextBlob, EncryptionContext: ["a"] },
      { CiphertextBlob, EncryptionContext: { a: 1 } },
      { CiphertextBlob, KeyId: {} },
    ])
      await refused(asked, "SerializationException");
    await refused({}, "ValidationException");
    await refused({ CiphertextBlob: "" }, "ValidationException");
    await refused({ CiphertextBlob: base64(randomBytes(6145)) }, "ValidationException");
    await refused({ CiphertextBlob: base64(randomBytes(64)) }, "AccessDeniedException");
    const odd = { CiphertextBlob, EncryptionContext: { "userpool-id": "a\u0000'b" } };
    await refused({ ...odd, CiphertextBlob: "AAAA" }, "AccessDeniedException");
    await refused(input, "MissingAuthenticationTokenException", {}, null);
    await refused(input, "UnrecognizedClientException", {}, { ...mailer, accessKeyId: "AKIANOBODY" });
    await refused(input, "InvalidSignatureException", {}, { ...mailer, secretAccessKey: "wrong" });
    await refused(input, "InvalidSignatureException", { service: "cognito-idp" });
    for (const operation of ["Encrypt", "GenerateDataKey", "decrypt", ""])
      await refused(input, "UnknownOperationException", { operation });
  });
});

forEachDatabase((_database, _open, fresh) => {
  test("codes are decrypted after every rotation of keys, on a server started since", async () => {
    const options = await fresh();
    const random = (bytes: number) => randomBytes(bytes);
    let now = Date.now();
    const rotating = {
      clock: () => now,
      random,
      wait: async (milliseconds: number) => {
        now += milliseconds;
      },
      report: () => {},
    };
    const pool = { id: "us-east-1_Rotated" };
    const opened = await openDatabase(options);
    const code = await encryptCode({ db: opened.db, random }, pool, kmsKey, "123456");
    const next = randomBytes(32).toString("base64");
    const { masterKey } = options;
    const changes = masterKey === undefined ? {} : { masterKey: next, previousMasterKey: masterKey };
    await opened.close();
    const between = await openDatabase({ ...options, ...changes });
    await rotateMasterKey(between, rotating);
    await rotateDataKey(between, rotating);
    await between.close();
    const later = await openDatabase({ ...options, ...(masterKey !== undefined && { masterKey: next }) });
    try {
      const target = { pool, keyArn: kmsKey };
      const unwrap = ({ blob: ciphertext, keyArn: keyId, context }: Wrapped) =>
        decryptDataKey(later, target, { ciphertext, keyId, context });
      assert.equal(await decrypted(code, unwrap), "123456");
    } finally {
      await later.close();
    }
  });
});
