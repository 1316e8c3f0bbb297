/** The first request of a sign-in: InitiateAuth and AdminInitiateAuth. */
import type { Ctx } from "../../app.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { checkSecretHash } from "../credentials/check-secret-hash.ts";
import { turnOf } from "../credentials/subjects.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { allowsFlow, hidesUsers } from "../user-pools/clients.ts";
import { type Client, cachedClient, type Pool } from "../user-pools/load-pool.ts";
import { deviceOfBrowser } from "../users/browser-devices.ts";
import { findUser } from "../users/find-user.ts";
import { resumeAfterSignUp } from "./after-sign-up.ts";
import { beginsWithSrp, refuseCustomAuth } from "./challenges/custom.ts";
import { chooseFactor } from "./first-factors.ts";
import { namedDevice } from "./named-device.ts";
import { proceed } from "./proceed.ts";
import { required } from "./refusals.ts";
import { eventResponse, newSignIn, type Outcome, type Page, type SignIn } from "./sign-in.ts";
import { readSrpA } from "./srp.ts";
import { type Flow, isChoice } from "./steps.ts";

export interface StartRequest {
  readonly pool: Pool;
  readonly client: Client;
  readonly flow: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Of ConfirmSignUp; a sign-up at the pages goes on there. */
  readonly session: string | undefined;
  readonly entry: Entry;
  /** Where it starts at one of the pages. */
  readonly page?: Page;
}

/** InitiateAuth, AdminInitiateAuth, or the hosted pages. */
type Entry = "public" | "admin" | "pages";

interface FlowRule {
  /** Where it may start. */
  readonly entries: readonly Entry[];
  /** How a client that does not allow it is told. */
  readonly notEnabled: string;
  /** What the first request must bring besides USERNAME. */
  readonly brings: "SRP_A" | "PASSWORD" | undefined;
  /** The queue of its costly work, where it always has some. */
  readonly waitsFor: "srp" | "passwordHasher" | undefined;
}

/** Anything not listed is refused. */
const flows: Readonly<Record<Flow, FlowRule>> = {
  USER_SRP_AUTH: {
    entries: ["public", "admin"],
    notEnabled: "USER_SRP_AUTH is not enabled for the client.",
    brings: "SRP_A",
    waitsFor: "srp",
  },
  USER_PASSWORD_AUTH: {
    entries: ["public"],
    notEnabled: "USER_PASSWORD_AUTH flow not enabled for this client",
    brings: "PASSWORD",
    waitsFor: "passwordHasher",
  },
  ADMIN_USER_PASSWORD_AUTH: {
    entries: ["admin"],
    notEnabled: "Auth flow not enabled for this client",
    brings: "PASSWORD",
    waitsFor: "passwordHasher",
  },
  ADMIN_NO_SRP_AUTH: {
    entries: ["admin"],
    notEnabled: "Auth flow not enabled for this client",
    brings: "PASSWORD",
    waitsFor: "passwordHasher",
  },
  USER_AUTH: {
    entries: ["public", "admin"],
    notEnabled: "USER_AUTH is not enabled for the client.",
    brings: undefined,
    waitsFor: undefined,
  },
  CUSTOM_AUTH: {
    entries: ["public", "admin"],
    notEnabled: "CUSTOM_AUTH is not enabled for the client.",
    brings: undefined,
    waitsFor: undefined,
  },
  HOSTED_AUTH: {
    entries: ["pages"],
    notEnabled: "The client may not use the hosted pages.",
    brings: undefined,
    waitsFor: undefined,
  },
};

/**
 * Starts a sign-in. Throws InvalidParameterException (unknown flow, not enabled, parameter missing),
 * NotAuthorizedException, UserNotFoundException (LEGACY clients), UserNotConfirmedException and
 * PasswordResetRequiredException.
 */
export function startSignIn(ctx: Ctx, request: StartRequest): Promise<Outcome> {
  const attempt = beginAttempt(ctx, "SignIn", {}, isFlow(request.flow) ? request.flow : undefined);
  return concluded(ctx, attempt, start(ctx, request, attempt), eventResponse);
}

async function start(ctx: Ctx, request: StartRequest, attempt: Attempt): Promise<Outcome> {
  const { pool, client, parameters } = request;
  const flow = checkFlow(request);
  const submitted = required(parameters, "USERNAME");
  const { brings } = flows[flow];
  const brought = brings && required(parameters, brings);
  // The pages are ours: the client proves itself when it redeems the code.
  if (request.entry !== "pages") checkSecretHash(client, submitted, parameters["SECRET_HASH"], "auth");
  assertRoom(ctx, flow, pool);
  // What no honest client sends is refused before anything is read.
  if (brought !== undefined && brings === "SRP_A") readSrpA(brought);
  const srpFirst = flow === "CUSTOM_AUTH" && beginsWithSrp(parameters);
  if (flow === "CUSTOM_AUTH") refuseCustomAuth(pool);
  refuseTriggers(pool, "PreAuthentication", "PostAuthentication", "PreTokenGeneration");
  const user = await findUser(ctx, pool, submitted);
  learn(attempt, { user });
  if (user === undefined && !hidesUsers(client)) refuseFor("noSuchUser");
  if (isChoice(flow) && request.session !== undefined) {
    const given = { session: request.session, submitted, user, attempt, flow, page: request.page };
    return proceed(ctx, await resumeAfterSignUp(ctx, request, given));
  }
  // In SRP the client names it again with its proof, and comes again without it if it is refused there.
  const named = flow === "USER_SRP_AUTH" ? undefined : parameters["DEVICE_KEY"];
  const device = request.page
    ? await deviceOfBrowser(ctx, pool, user?.id, request.page.devices)
    : await namedDevice(ctx, pool, user?.id, named);
  const begun = newSignIn({ pool, client, user, flow, submitted, page: request.page, attempt });
  const signIn: SignIn = { ...begun, deviceKey: device?.key, ...(srpFirst && { chosen: "PASSWORD_SRP" }) };
  if (!isChoice(flow)) return proceed(ctx, signIn, parameters);
  return proceed(ctx, await chooseFactor(ctx, signIn, parameters["PREFERRED_CHALLENGE"]), parameters);
}

/** Whoever would be refused anyway is refused before anything is read. Throws TooManyRequestsException. */
function assertRoom(ctx: Ctx, flow: Flow, pool: Pick<Pool, "id">): void {
  const { waitsFor } = flows[flow];
  if (waitsFor !== undefined) ctx.app[waitsFor].assertRoom(turnOf(ctx, pool));
}

/** The same where a client is known by its id alone, before it is loaded. Counts as the end of a sign-in. */
export function assertRoomEarly(ctx: Ctx, flow: string, clientId: string): void {
  const client = cachedClient(ctx, clientId);
  if (client === undefined || !isFlow(flow)) return;
  try {
    assertRoom(ctx, flow, { id: client.poolId });
  } catch (error) {
    ctx.app.metrics.signIn(flow, "TooManyRequestsException");
    throw error;
  }
}

function isFlow(name: string): name is Flow {
  return Object.hasOwn(flows, name);
}

function checkFlow(request: StartRequest): Flow {
  const { flow } = request;
  if (!isFlow(flow)) return refuse("InvalidParameterException", `${flow} is not enabled for the client.`);
  const rule = flows[flow];
  if (!rule.entries.includes(request.entry)) {
    return refuse("InvalidParameterException", "Initiate Auth method not supported.");
  }
  if (!allowsFlow(request.client, flow)) refuse("InvalidParameterException", rule.notEnabled);
  return flow;
}
