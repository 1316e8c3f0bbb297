/** The first request of a sign-in: InitiateAuth, AdminInitiateAuth and the hosted pages. */
import type { Ctx, Place } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { checkSecretHash } from "../credentials/check-secret-hash.ts";
import { turnOf } from "../credentials/subjects.ts";
import { preAuthentication } from "../triggers/authentication.ts";
import { hasTrigger, type Metadata } from "../triggers/trigger.ts";
import { flowAtPages } from "../user-pools/client-tags.ts";
import { allowsFlow, hidesUsers } from "../user-pools/clients.ts";
import { type Client, cachedSettings, type Pool } from "../user-pools/load-pool.ts";
import { deviceOfBrowser } from "../users/browser-devices.ts";
import { findUser } from "../users/find-user.ts";
import { migratesUsers } from "../users/migrate-user.ts";
import { resumeAfterSignUp } from "./after-sign-up.ts";
import { assertCustomAuth, beginCustom } from "./challenges/custom.ts";
import { allowsFirst, chooseFactor } from "./first-factors.ts";
import { namedDevice } from "./named-device.ts";
import { proceed } from "./proceed.ts";
import { required } from "./refusals.ts";
import { eventResponse, newSignIn, type Outcome, type Page, type SignIn } from "./sign-in.ts";
import { readSrpA } from "./srp.ts";
import { type Flow, isChoice, isCustom } from "./steps.ts";

export interface StartRequest {
  readonly pool: Pool;
  readonly client: Client;
  readonly flow: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The Session of ConfirmSignUp, from which a sign-up continues. */
  readonly session: string | undefined;
  readonly entry: Entry;
  /** ClientMetadata, which PreAuthentication gets as validationData. */
  readonly clientMetadata?: Metadata | undefined;
  /** The hosted page where it starts, if any. */
  readonly page?: Page;
}

/** Where a sign-in starts: at InitiateAuth, at AdminInitiateAuth or at the hosted pages. */
type Entry = "public" | "admin" | "pages";

interface FlowRule {
  /** Where the flow may start. */
  readonly entries: readonly Entry[];
  /** The message if the client does not allow the flow. */
  readonly notEnabled: string;
  /** The parameter that the first request must hold in addition to USERNAME, to prove who asks. */
  readonly proof: "SRP_A" | "PASSWORD" | undefined;
  /** The queue for its expensive computation, if it always needs one; choice-based flows: `queueOfChoice`. */
  readonly waitsFor: Queue | undefined;
}

type Queue = "srp" | "passwordHasher";

/** The rules of each flow; flows that are not listed are refused. */
const flows: Readonly<Record<Flow, FlowRule>> = {
  USER_SRP_AUTH: {
    entries: ["public", "admin"],
    notEnabled: "USER_SRP_AUTH is not enabled for the client.",
    proof: "SRP_A",
    waitsFor: "srp",
  },
  USER_PASSWORD_AUTH: {
    entries: ["public"],
    notEnabled: "USER_PASSWORD_AUTH flow not enabled for this client",
    proof: "PASSWORD",
    waitsFor: "passwordHasher",
  },
  ADMIN_USER_PASSWORD_AUTH: {
    entries: ["admin"],
    notEnabled: "Auth flow not enabled for this client",
    proof: "PASSWORD",
    waitsFor: "passwordHasher",
  },
  ADMIN_NO_SRP_AUTH: {
    entries: ["admin"],
    notEnabled: "Auth flow not enabled for this client",
    proof: "PASSWORD",
    waitsFor: "passwordHasher",
  },
  USER_AUTH: {
    entries: ["public", "admin"],
    notEnabled: "USER_AUTH is not enabled for the client.",
    proof: undefined,
    waitsFor: undefined,
  },
  CUSTOM_AUTH: {
    entries: ["public", "admin"],
    notEnabled: "CUSTOM_AUTH is not enabled for the client.",
    proof: undefined,
    waitsFor: undefined,
  },
  HOSTED_AUTH: {
    entries: ["pages"],
    notEnabled: "The client may not use the hosted pages.",
    proof: undefined,
    waitsFor: undefined,
  },
  HOSTED_CUSTOM_AUTH: {
    entries: ["pages"],
    notEnabled: "CUSTOM_AUTH is not enabled for the client.",
    proof: undefined,
    waitsFor: undefined,
  },
};

/**
 * Starts a sign-in. Throws InvalidParameterException (unknown flow, not enabled, missing parameter),
 * NotAuthorizedException, UserNotFoundException (clients with LEGACY errors), UserNotConfirmedException,
 * PasswordResetRequiredException and TooManyRequestsException.
 */
export function startSignIn(ctx: Ctx, request: StartRequest): Promise<Outcome> {
  const attempt = beginAttempt(ctx, "SignIn", {}, isFlow(request.flow) ? request.flow : undefined);
  return concluded(ctx, attempt, start(ctx, request, attempt), eventResponse);
}

async function start(ctx: Ctx, request: StartRequest, attempt: Attempt): Promise<Outcome> {
  const { pool, client, parameters } = request;
  const flow = checkFlow(request);
  const submitted = required(parameters, "USERNAME");
  const { proof } = flows[flow];
  const givenProof = proof && required(parameters, proof);
  // The pages need no client secret: the client authenticates when it redeems the code.
  if (request.entry !== "pages") checkSecretHash(client, submitted, parameters["SECRET_HASH"], "auth");
  const refused = refusalOf(ctx, flow, request);
  if (refused !== undefined) throw refused;
  // Values that no honest client sends are refused before anything is read.
  if (givenProof !== undefined && proof === "SRP_A") readSrpA(givenProof);
  if (isCustom(flow)) assertCustomAuth(pool, parameters);
  const user = await findUser(ctx, pool, submitted);
  learn(attempt, { user });
  // Whoever is unknown may yet be found in another store, once the password is at hand.
  const mayMigrate = user === undefined && asksPassword(flow) && migratesUsers(pool);
  if (user === undefined && !mayMigrate && !hidesUsers(client)) refuseFor("noSuchUser");
  const { clientMetadata: validationData } = request;
  // Elsewhere it follows, so that the function hears of who has moved.
  if (!(mayMigrate && (checksPassword(pool, flow, parameters) || !hidesUsers(client))))
    await preAuthentication(ctx, { pool, client, user, submitted, validationData });
  if (isChoice(flow) && request.session !== undefined) {
    const given = { session: request.session, submitted, user, attempt, flow, page: request.page };
    return proceed(ctx, await resumeAfterSignUp(ctx, request, given));
  }
  // In SRP the device is named again with the proof; if it is refused there, the client retries without it.
  const named = flow === "USER_SRP_AUTH" ? undefined : parameters["DEVICE_KEY"];
  const device = request.page
    ? await deviceOfBrowser(ctx, pool, user?.id, request.page.devices)
    : await namedDevice(ctx, pool, user?.id, named);
  const begun = newSignIn({ pool, client, user, flow, submitted, page: request.page, attempt });
  const signIn: SignIn = { ...begun, deviceKey: device?.key, validationData };
  if (isCustom(flow)) return proceed(ctx, await beginCustom(ctx, signIn, parameters), parameters);
  if (!isChoice(flow)) return proceed(ctx, signIn, parameters);
  return proceed(ctx, await chooseFactor(ctx, signIn, parameters["PREFERRED_CHALLENGE"]), parameters);
}

type Beginning = Pick<StartRequest, "pool" | "client" | "parameters" | "session">;

/** The queue that a sign-in waits for in any case. */
function queueOf(flow: Flow, request: Beginning): Queue | undefined {
  return isChoice(flow) ? queueOfChoice(request) : flows[flow].waitsFor;
}

/** The refusal of a sign-in whose queue is full, before anything is read; undefined if there is room. */
function refusalOf(ctx: Ctx, flow: Flow, request: Beginning): Refusal | undefined {
  const queue = queueOf(flow, request);
  return queue && ctx.app[queue].refusal(turnOf(ctx, request.pool));
}

/**
 * The queue that a choice-based sign-in waits for, if it proves the chosen factor at once and everybody has this factor, or
 * is treated as if they had it.
 */
function queueOfChoice({ pool, client, parameters, session }: Beginning): Queue | undefined {
  if (session !== undefined || !hidesUsers(client)) return undefined;
  const { PREFERRED_CHALLENGE: preferred, PASSWORD: password, SRP_A: srpA } = parameters;
  if (preferred === "PASSWORD" && password && allowsFirst(pool, preferred)) return "passwordHasher";
  return preferred === "PASSWORD_SRP" && srpA && allowsFirst(pool, preferred) ? "srp" : undefined;
}

/**
 * A place in the queue of a sign-in, or the refusal if it is full, before its client is loaded; undefined unless client and
 * pool are cached. No place is kept while a function may take its time. A refusal is counted in the metric of sign-ins.
 */
export function signInPlace(
  ctx: Ctx,
  clientId: string,
  { flow, ...given }: Pick<StartRequest, "flow" | "parameters" | "session">,
): Refusal | Place | undefined {
  const settings = isFlow(flow) ? cachedSettings(ctx, clientId) : undefined;
  if (settings === undefined || !isFlow(flow)) return undefined;
  const { pool } = settings;
  const queue = queueOf(flow, { ...settings, ...given });
  if (queue === undefined) return undefined;
  const mayWait = hasTrigger(pool, "PreAuthentication") || migratesUsers(pool);
  const place = ctx.app[queue][mayWait ? "refusal" : "reserve"](turnOf(ctx, pool));
  if (place instanceof Refusal) ctx.app.metrics.signIn(flow, place.code);
  return place;
}

function isFlow(name: string): name is Flow {
  return Object.hasOwn(flows, name);
}

/** Whether a flow may ask for the password in plain text. */
const asksPassword = (flow: Flow) => flows[flow].proof === "PASSWORD" || isChoice(flow);

/** Whether the first request of such a flow has its password checked. */
function checksPassword(pool: Pool, flow: Flow, parameters: StartRequest["parameters"]): boolean {
  if (!isChoice(flow)) return flows[flow].proof === "PASSWORD";
  const { PREFERRED_CHALLENGE: preferred, PASSWORD: given } = parameters;
  return preferred === "PASSWORD" && Boolean(given) && allowsFirst(pool, preferred);
}

function checkFlow(request: StartRequest): Flow {
  const { flow } = request;
  if (!isFlow(flow)) return refuse("InvalidParameterException", `${flow} is not enabled for the client.`);
  const rule = flows[flow];
  const isOfPages = request.entry !== "pages" || flow === flowAtPages(request.pool, request.client);
  if (!rule.entries.includes(request.entry) || !isOfPages) {
    return refuse("InvalidParameterException", "Initiate Auth method not supported.");
  }
  if (!allowsFlow(request.client, flow)) refuse("InvalidParameterException", rule.notEnabled);
  return flow;
}
