/**
 * STS over HTTP: `POST /` with a form, and GetCallerIdentity also by `GET /?Action=GetCallerIdentity&…`, which services that
 * authenticate others by it have presigned. Calls for a target of AWS JSON are those of aws-json.
 */
import type { Ctx } from "../../app.ts";
import { beginCall, noteInput, recordedCall } from "../../domain/audit/call.ts";
import type { WireRequest } from "../../lib/sigv4.ts";
import { parseInput } from "../../wire/check.ts";
import { encodeOutput } from "../../wire/encode.ts";
import { stsModel } from "../../wire/generated/sts.ts";
import type { StsOperationName } from "../../wire/generated/sts.types.ts";
import { refusalFor, refuse } from "../../wire/refuse.ts";
import { authenticate } from "../authenticate.ts";
import { type Exchange, refusalOf } from "../body.ts";
import type { Serving } from "../context.ts";
import { apiCors } from "../headers.ts";
import { holdings } from "../holdings.ts";
import type { Listener } from "../listen.ts";
import { millisecondsSince } from "../monotonic.ts";
import { hiddenFacts } from "../refused.ts";
import { wireRequest } from "../signed-request.ts";
import { discardRest } from "../unread.ts";
import { type Written, writeAnswer, writeError } from "./answer.ts";
import { type WireError, wireError } from "./errors.ts";
import { isForm } from "./is-query-call.ts";
import { signedOperations, unsignedOperations } from "./operations.ts";
import { inputOf, type Parameters, readParameters } from "./query.ts";

/** Answers calls, on Node's own objects. */
export function stsListener(serving: Serving): Listener {
  return (incoming, outgoing) => {
    answer(serving, { incoming, outgoing }).catch((error: unknown) => {
      serving.app.log.error({ err: error }, "internal error");
      outgoing.destroy();
    });
  };
}

async function answer(serving: Serving, exchange: Exchange): Promise<void> {
  const { incoming, outgoing } = exchange;
  const { app } = serving;
  const began = performance.now();
  const ctx = serving.context(incoming);
  app.metrics.callBegins();
  const admitted = serving.admission.admits(ctx.network ?? ctx.address);
  const { operation, written, error } = admitted
    ? await answerAdmitted(serving, ctx, exchange)
    : failed(ctx, exchange, refusalFor("tooMany", { detail: "more than the address's share" }));
  const ms = millisecondsSince(began);
  app.metrics.callEnds(operation, error?.code, ms);
  const status = error?.status ?? 200;
  if (error === undefined || serving.lines.admits(ctx.network ?? ctx.address)) {
    const { requestId, address } = ctx;
    const facts = error?.refusal && hiddenFacts(error.refusal);
    app.log.info({ requestId, operation, status, error: error?.code, ...facts, ms, address }, "call");
  }
  if (!incoming.complete) discardRest(incoming, outgoing);
  outgoing.writeHead(status, {
    "content-type": written.type,
    "content-length": Buffer.byteLength(written.body),
    "x-amzn-requestid": ctx.requestId,
    "cache-control": "no-store",
    // SDKs correct their clock by this header, so it must come from the clock that signatures are checked against.
    date: serving.httpDate(ctx.now),
    ...apiCors,
  });
  outgoing.end(written.body, admitted ? undefined : () => serving.admission.hold(incoming.socket));
}

interface Answered {
  /** Undefined if the call names none that exists. */
  readonly operation: StsOperationName | undefined;
  readonly written: Written;
  readonly error?: WireError;
}

function formOf({ requestId }: Ctx, { incoming }: Exchange) {
  return { requestId, isJson: incoming.headers.accept === "application/json" };
}

function failed(ctx: Ctx, exchange: Exchange, cause: unknown, operation?: StsOperationName): Answered {
  const isSigned = operation !== undefined && Object.hasOwn(signedOperations, operation);
  const error = wireError(ctx, cause, isSigned);
  return { operation, written: writeError(formOf(ctx, exchange), error), error };
}

/** Reads a call and answers it; never throws. */
async function answerAdmitted(serving: Serving, ctx: Ctx, exchange: Exchange): Promise<Answered> {
  let operation: StsOperationName | undefined;
  try {
    const { incoming } = exchange;
    const request = wireRequest(incoming, await readBody(serving, ctx, exchange));
    const form = isForm(incoming.headers["content-type"]) ? request.body : new Uint8Array();
    const parameters = readParameters(request.query, form);
    operation = operationIn(parameters, request.method);
    const output = await run(ctx, operation, { parameters, request });
    const { shapes, operations } = stsModel;
    const written = writeAnswer(formOf(ctx, exchange), {
      ...{ name: operation, shapes, shape: operations[operation].output! },
      output: JSON.parse(encodeOutput(stsModel, operation, output)),
    });
    return { operation, written };
  } catch (error) {
    return failed(ctx, exchange, error, operation);
  }
}

async function readBody(serving: Serving, ctx: Ctx, exchange: Exchange): Promise<Uint8Array> {
  if (exchange.incoming.method === "GET") return new Uint8Array();
  const limit = holdings.publicBody.limit.bytes;
  const body = await serving.bodies.read(exchange, ctx.network ?? ctx.address, limit);
  if (typeof body === "string") throw refusalOf(body, limit);
  return body;
}

const version = "2011-06-15";

/** The operation that a call names. Throws MissingAction or InvalidAction. */
function operationIn(parameters: Parameters, method: string): StsOperationName {
  const action = parameters.get("Action") ?? refuse("MissingAction", "The request has no parameter Action.");
  const given = parameters.get("Version") ?? "NO_VERSION_SPECIFIED";
  const exists = Object.hasOwn(signedOperations, action) || Object.hasOwn(unsignedOperations, action);
  // Tokens and credentials do not belong in URLs.
  const isServed = given === version && (method !== "GET" || action === "GetCallerIdentity");
  return exists && isServed
    ? (action as StsOperationName)
    : refuse(
        "InvalidAction",
        `Could not find operation ${action.slice(0, 128)} for version ${given.slice(0, 32)}`,
      );
}

/**
 * How long signatures of STS count, presigned ones whatever X-Amz-Expires says. Authenticators of Kubernetes rely on it: they
 * presign for a minute, and use the URL for fourteen.
 */
const signatureSeconds = 900;

interface Call {
  readonly parameters: Parameters;
  readonly request: WireRequest;
}

/** The untyped form of an operation; the compiler has already checked the tables. */
type AnyOperation = (ctx: Ctx, input: unknown, caller?: unknown) => Promise<unknown>;

async function run(ctx: Ctx, name: StsOperationName, { parameters, request }: Call): Promise<unknown> {
  const input = () => inputFor(name, parameters);
  if (Object.hasOwn(unsignedOperations, name)) {
    const operation = unsignedOperations[name as keyof typeof unsignedOperations] as AnyOperation;
    return operation(ctx, input());
  }
  const operation = signedOperations[name as keyof typeof signedOperations] as AnyOperation;
  // Clients sign for the region of the endpoint that they think they call: the global one is in us-east-1.
  const scope = { service: "sts", region: undefined, seconds: signatureSeconds };
  const principal = await authenticate(ctx, request, scope);
  const running = beginCall(ctx, principal, name);
  const work = async () => {
    const given = input();
    noteInput(running.call, given as Readonly<Record<string, unknown>>);
    return operation(running.ctx, given, { principal, request });
  };
  return recordedCall(ctx, running, work());
}

function inputFor(name: StsOperationName, parameters: Parameters): unknown {
  const { shapes, operations } = stsModel;
  return parseInput(stsModel, name, inputOf(shapes, operations[name].input, parameters));
}
