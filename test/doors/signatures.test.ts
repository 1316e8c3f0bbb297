/** Every operation of administrators × every way to call it without authorization: refused, without any effect. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccessKey, namedPolicies } from "../../src/domain/iam/access-keys.ts";
import { deleteAccessKey, setAccessKeyStatus } from "../../src/store/access-keys.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { everyRow } from "./database.ts";
import { authorizedBy, type KnownOperation } from "./operations.ts";
import { type Answer, type Call, inBatches, post, presignedCall, signedCall, unsigned } from "./wire.ts";
import { makeWorld } from "./world.ts";

type Key = { accessKeyId: string; secretAccessKey: string };

interface Door {
  readonly call: (operation: KnownOperation, body: string) => Call;
  readonly type: string;
  readonly message: RegExp;
}

const minutes = 60_000;
const mismatch = /^The request signature we calculated does not match the signature you provided\./;
const unknownKey = /^The security token included in the request is invalid\.$/;

const policy = (...statements: object[]) => JSON.stringify({ Version: "2012-10-17", Statement: statements });

async function makeKeys(server: TestServer) {
  const make = (name: string, document: string) => createAccessKey(server.app, name, document);
  const keys = {
    readonly: await make("reader", policy({ Effect: "Allow", Action: "s3:*", Resource: "*" })),
    elsewhere: await make(
      "elsewhere",
      policy({
        Effect: "Allow",
        Action: "*",
        Resource: "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Elsewhere",
      }),
    ),
    denied: await make(
      "denied",
      policy(
        { Effect: "Allow", Action: "*", Resource: "*" },
        { Effect: "Deny", Action: ["cognito-idp:*", "cognito-identity:*"], Resource: "*" },
      ),
    ),
    disabled: await make("disabled", namedPolicies.admin),
    deleted: await make("deleted", namedPolicies.admin),
  };
  await setAccessKeyStatus(server.app.db, keys.disabled.accessKeyId, "Inactive");
  await deleteAccessKey(server.app.db, keys.deleted.accessKeyId);
  return keys;
}

/** The calls that must be refused, by what is wrong with each. */
function doorsOf(
  server: TestServer,
  keys: Awaited<ReturnType<typeof makeKeys>>,
): Readonly<Record<string, Door>> {
  const { endpoint } = server;
  const { now } = server.clock;
  type How = Parameters<typeof presignedCall>[3];
  const signing =
    (how: Partial<How> = {}, change: (call: Call) => Call = (call) => call) =>
    (operation: KnownOperation, body: string) =>
      change(signedCall(endpoint, operation, body, { now, ...how }));
  const presigning =
    (how: Partial<How> = {}, change: (call: Call) => Call = (call) => call) =>
    (operation: KnownOperation, body: string) =>
      change(presignedCall(endpoint, operation, body, { now, expires: 300, ...how }));
  const header = (name: string, value: (was: string) => string | string[]) => (call: Call) => ({
    ...call,
    headers: { ...call.headers, [name]: value(String(call.headers[name])) },
  });
  const query = (change: (was: string) => string) => (call: Call) => ({
    ...call,
    query: change(call.query ?? ""),
  });
  const lastDigit = (text: string) => text.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
  /** The target of another operation of the same service. */
  function anotherOf(target: string): string {
    const [one, other] = target.startsWith("AWSCognitoIdentityService.")
      ? ["ListIdentityPools", "ListIdentities"]
      : ["ListUsers", "ListGroups"];
    return target.replace(/\.\w+$/, target.endsWith(`.${one}`) ? `.${other}` : `.${one}`);
  }

  const otherBody = (call: Call) => {
    const body = ` ${call.body}`;
    return { body, headers: { ...call.headers, "content-length": String(Buffer.byteLength(body)) } };
  };
  const invalid = (call: Door["call"], message: RegExp): Door => ({
    call,
    message,
    type: "InvalidSignatureException",
  });
  const incomplete = (call: Door["call"], message = /./): Door => ({
    call,
    message,
    type: "IncompleteSignatureException",
  });
  const unrecognized = (how: Partial<How>): Door => ({
    call: signing(how),
    message: unknownKey,
    type: "UnrecognizedClientException",
  });
  const denied = (key: Key, message: RegExp): Door => ({
    call: signing(key),
    message,
    type: "AccessDeniedException",
  });
  const because = /^User: arn:aws:iam::000000000000:user\/\w+ is not authorized to perform: cognito-/;
  return {
    "no signature": {
      call: (operation, body) => unsigned(endpoint, operation, body),
      type: "MissingAuthenticationTokenException",
      message: /^Missing Authentication Token$/,
    },
    "another signature": invalid(signing({}, header("authorization", lastDigit)), mismatch),
    "another secret": invalid(signing({ secretAccessKey: "wrong" }), mismatch),
    "another body": invalid(signing({}, otherBody), mismatch),
    "another target signed": invalid(signing({}, header("x-amz-target", anotherOf)), mismatch),
    "another host signed": invalid(
      signing(
        {},
        header("host", (was) =>
          was.replace(/^[^:]+/, was.startsWith("localhost") ? "127.0.0.1" : "localhost"),
        ),
      ),
      mismatch,
    ),
    "another service": invalid(
      signing({ service: "s3" }),
      /^Credential should be scoped to correct service: 'cognito-id/,
    ),
    "another region": invalid(
      signing({ region: "eu-central-1" }),
      /^Credential should be scoped to a valid region, not 'eu-central-1'\. $/,
    ),
    "an unsigned date": invalid(
      signing({ leaveOut: ["x-amz-date"] }),
      /headers present in the request which were not signed: x-amz-date$/,
    ),
    "an unsigned target": invalid(
      signing({ leaveOut: ["x-amz-target"] }),
      /headers present in the request which were not signed: x-amz-target$/,
    ),
    "an unsigned host": invalid(
      signing({ leaveOut: ["host"] }),
      /^'Host' or ':authority' must be a 'SignedHeader'/,
    ),
    "a date of another day": invalid(
      signing(
        {},
        header("x-amz-date", () => "20200101T000000Z"),
      ),
      /^Date in Credential scope does not match/,
    ),
    "a signature of before": invalid(signing({ now: now - 5 * minutes - 1000 }), /^Signature expired: /),
    "a signature of later": invalid(
      signing({ now: now + 5 * minutes + 1000 }),
      /^Signature not yet current: /,
    ),
    "two targets": {
      call: signing(
        {},
        header("x-amz-target", (was) => [was, was]),
      ),
      type: "UnknownOperationException",
      message: /^$/,
    },
    "two dates": incomplete(
      signing(
        {},
        header("x-amz-date", (was) => [was, was]),
      ),
      /^The header 'x-amz-date' must be sent once\.$/,
    ),
    "another algorithm": incomplete(
      signing(
        {},
        header("authorization", (was) => was.replace("HMAC-SHA256", "ECDSA-P256-SHA256")),
      ),
    ),
    "a bearer token": incomplete(
      signing(
        {},
        header("authorization", () => "Bearer token"),
      ),
    ),
    "a password": incomplete(
      signing(
        {},
        header("authorization", () => "Basic cm9vdDpyb290"),
      ),
    ),
    "an empty header": incomplete(
      signing(
        {},
        header("authorization", () => ""),
      ),
    ),
    "an unknown key": unrecognized({ accessKeyId: "AKIANOBODY0000000000" }),
    "a disabled key": unrecognized(keys.disabled),
    "a deleted key": unrecognized(keys.deleted),
    "a session token": unrecognized({ sessionToken: "FwoGZXIvYXdzEJr" }),
    "a key without permission": denied(keys.readonly, /because no identity-based policy allows the cognito-/),
    "a key of another pool": denied(keys.elsewhere, because),
    "a key with an explicit deny": denied(keys.denied, /with an explicit deny in an identity-based policy$/),
    "presigned, another signature": invalid(presigning({}, query(lastDigit)), mismatch),
    "presigned, another body": invalid(
      presigning({}, (call) => ({ ...call, ...otherBody(call) })),
      mismatch,
    ),
    "presigned, more in the query": invalid(
      presigning(
        {},
        query((was) => `${was}&a=b`),
      ),
      mismatch,
    ),
    "presigned, an unsigned target": invalid(
      presigning({ leaveOut: ["x-amz-target"] }),
      /which were not signed: x-amz-target$/,
    ),
    "presigned, an unsigned host": invalid(
      presigning({ leaveOut: ["host"] }),
      /^'Host' or ':authority' must be a 'SignedHeader'/,
    ),
    "presigned, expired": invalid(presigning({ now: now - 301_000 }), /^Signature expired: /),
    "presigned, of later": invalid(presigning({ now: now + 301_000 }), /^Signature not yet current: /),
    "presigned, another region": invalid(
      presigning({ region: "eu-west-1" }),
      /valid region, not 'eu-west-1'/,
    ),
    "presigned for nothing": incomplete(presigning({ expires: 0 }), /^X-Amz-Expires must be/),
    "presigned for longer than a week": incomplete(
      presigning({ expires: 604_801 }),
      /^X-Amz-Expires must be/,
    ),
    "presigned for ever": incomplete(presigning({ expires: "99999999999" }), /^X-Amz-Expires must be/),
    "presigned without a date": incomplete(
      presigning(
        {},
        query((was) => was.replace(/&X-Amz-Date=\w+/, "")),
      ),
      /must include 'X-Amz-Date'/,
    ),
    "presigned with a session token": {
      call: presigning({ sessionToken: "FwoGZXIvYXdzEJr" }),
      type: "UnrecognizedClientException",
      message: unknownKey,
    },
    "presigned without permission": {
      call: presigning(keys.readonly),
      type: "AccessDeniedException",
      message: because,
    },
    "presigned and signed": incomplete(
      (operation, body) => ({
        ...signedCall(endpoint, operation, body, { now }),
        query: presignedCall(endpoint, operation, body, { now }).query ?? "",
      }),
      /not in both/,
    ),
  };
}

/** Test names of refusals because of the signature. */
const ofTheSignature = [
  "AccessDeniedException",
  "IncompleteSignatureException",
  "InvalidSignatureException",
  "MissingAuthenticationTokenException",
  "UnrecognizedClientException",
];

/** Operations that delete something come last, the pool itself at the very end. */
const order = ({ name }: KnownOperation) => {
  // The only session; other calls sign the user out.
  if (name === "AdminRevokeUserSession") return 0;
  if (name === "DeleteUserPool") return 5;
  if (/^(?:Admin)?Delete(?!UserAttributes)/.test(name)) return 4;
  // Omits, and thus resets, the settings of the world's pool.
  if (name === "UpdateUserPool") return 3;
  // A password reset forgets the devices.
  if (/^Admin(?:Reset|Set)UserPassword$/.test(name)) return 2.5;
  return /Forget/.test(name) ? 2 : 1;
};

const all = authorizedBy("iam").filter(({ name }) => name !== "GetClientToken");

forOneServer("postgres", "signatures", (open) => {
  test("what is not signed by somebody who may is refused and changes nothing", async () => {
    const server = await open();
    server.clock.freeze();
    const { endpoint, app, clock } = server;
    const world = await makeWorld(server);
    const doors = doorsOf(server, await makeKeys(server));
    const bodyOf = (operation: KnownOperation) => JSON.stringify(world.input(operation));
    const before = await everyRow(app);
    const wrong: string[] = [];
    const expectRefused = async (
      operation: KnownOperation,
      what: string,
      call: Call,
      door: Omit<Door, "call">,
    ) => {
      const { status, type, message } = await post(endpoint, call);
      if (status === 400 && type === door.type && door.message.test(message)) return;
      wrong.push(`${operation.name}, ${what}: ${status} ${type} ${message}`);
    };
    const cases = all.flatMap((operation) =>
      Object.entries(doors).map(([what, door]) => ({ operation, what, door })),
    );
    await inBatches(cases, ({ operation, what, door }) =>
      expectRefused(operation, what, door.call(operation, bodyOf(operation)), door),
    );
    // The same requests, five minutes later.
    const recorded = all.map((operation) => ({
      operation,
      calls: [
        signedCall(endpoint, operation, bodyOf(operation), { now: clock.now }),
        presignedCall(endpoint, operation, bodyOf(operation), { now: clock.now }),
        presignedCall(endpoint, operation, bodyOf(operation), { now: clock.now, expires: 300 }),
      ],
    }));
    clock.advance(5 * minutes + 1000);
    const expired = { type: "InvalidSignatureException", message: /^Signature expired: / };
    await inBatches(recorded, async ({ operation, calls }) => {
      for (const call of calls) await expectRefused(operation, "replayed", call, expired);
    });
    assert.deepEqual(wrong, []);
    assert.deepEqual(await everyRow(app), before, "nothing changed");

    // The control: correctly signed, each of them is admitted, so that each could have had its effect.
    const refused: string[] = [];
    const control = (operation: KnownOperation, answer: Answer) => {
      if (answer.status !== 200 && operation.name !== "AdminRespondToAuthChallenge")
        refused.push(`${operation.name}: ${answer.status} ${answer.type} ${answer.message}`);
      assert.ok(!ofTheSignature.includes(answer.type ?? ""), operation.name);
    };
    for (const [index, operation] of all.toSorted((a, b) => order(a) - order(b)).entries()) {
      const sign = index % 2 === 0 ? signedCall : presignedCall;
      const call = sign(endpoint, operation, bodyOf(operation), { now: clock.now });
      control(operation, await post(endpoint, call));
    }
    assert.deepEqual(refused, []);
  });
});
