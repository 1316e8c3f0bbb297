/** The first request of a sign-in: InitiateAuth and AdminInitiateAuth. */
import type { Ctx } from "../../app.ts";
import { refuse } from "../../wire/refuse.ts";
import { checkSecretHash } from "../credentials/secret-hash.ts";
import { turnOf } from "../credentials/subjects.ts";
import { allowsFlow, hidesUsers } from "../pools/clients.ts";
import type { Client, Pool } from "../pools/settings.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { findUser } from "../users/find.ts";
import { provePassword } from "./challenges/password.ts";
import { offerPasswordVerifier, readSrpA } from "./challenges/password-srp.ts";
import { counted } from "./count.ts";
import { assertUsable, proceed } from "./proceed.ts";
import { type Outcome, required, type SignIn } from "./sign-in.ts";
import type { Flow } from "./steps.ts";

export interface StartRequest {
  readonly pool: Pool;
  readonly client: Client;
  readonly flow: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Through AdminInitiateAuth. */
  readonly admin: boolean;
}

/** Which call may start a flow, and how a client that does not allow it is told. Anything not listed is refused. */
const flows: Readonly<Record<Flow, { admin: boolean; public: boolean; notEnabled: string }>> = {
  USER_SRP_AUTH: { admin: true, public: true, notEnabled: "USER_SRP_AUTH is not enabled for the client." },
  USER_PASSWORD_AUTH: {
    admin: false,
    public: true,
    notEnabled: "USER_PASSWORD_AUTH flow not enabled for this client",
  },
  ADMIN_USER_PASSWORD_AUTH: {
    admin: true,
    public: false,
    notEnabled: "Auth flow not enabled for this client",
  },
  ADMIN_NO_SRP_AUTH: { admin: true, public: false, notEnabled: "Auth flow not enabled for this client" },
};

/** Flows of Cognito that later releases bring. */
const laterFlows: readonly string[] = ["CUSTOM_AUTH", "USER_AUTH"];

/**
 * Starts a sign-in. Throws InvalidParameterException (unknown flow, not enabled, parameter missing),
 * NotAuthorizedException, UserNotFoundException (LEGACY clients), UserNotConfirmedException and
 * PasswordResetRequiredException.
 */
export function startSignIn(ctx: Ctx, request: StartRequest): Promise<Outcome> {
  const flow = Object.hasOwn(flows, request.flow) ? request.flow : undefined;
  return counted(ctx, flow, () => start(ctx, request));
}

async function start(ctx: Ctx, request: StartRequest): Promise<Outcome> {
  const { pool, client, parameters } = request;
  const flow = checkFlow(request);
  const submitted = required(parameters, "USERNAME");
  const proof = required(parameters, flow === "USER_SRP_AUTH" ? "SRP_A" : "PASSWORD");
  checkSecretHash(client, submitted, parameters["SECRET_HASH"], "auth");
  // Whoever would be refused anyway is refused before anything is read.
  const turn = turnOf(ctx, pool);
  (flow === "USER_SRP_AUTH" ? ctx.app.srp : ctx.app.passwordHasher).assertRoom(turn);
  assertUsable(pool);
  refuseTriggers(pool, "PreAuthentication", "PostAuthentication", "PreTokenGeneration");
  const srpA = flow === "USER_SRP_AUTH" ? readSrpA(proof) : undefined;
  const user = await findUser(ctx, pool, submitted);
  if (user === undefined && !hidesUsers(client)) refuse("UserNotFoundException", "User does not exist.");
  const signIn: SignIn = {
    pool,
    client,
    user,
    flow,
    proven: [],
    submitted,
    credentialVersion: 0,
    signOuts: user?.signOuts ?? 0,
    row: undefined,
    remember: false,
  };
  if (srpA !== undefined) return offerPasswordVerifier(ctx, signIn, srpA);
  return proceed(ctx, await provePassword(ctx, signIn, proof));
}

function checkFlow(request: StartRequest): Flow {
  const flow = Object.hasOwn(flows, request.flow) ? (request.flow as Flow) : undefined;
  if (flow === undefined) {
    if (laterFlows.includes(request.flow) && allowsFlow(request.client, request.flow)) {
      return refuse(
        "UnsupportedOperationException",
        `${request.flow} is not supported by this release of Poolhouse.`,
      );
    }
    return refuse("InvalidParameterException", `${request.flow} is not enabled for the client.`);
  }
  const rule = flows[flow];
  if (!(request.admin ? rule.admin : rule.public)) {
    return refuse("InvalidParameterException", "Initiate Auth method not supported.");
  }
  if (!allowsFlow(request.client, flow)) refuse("InvalidParameterException", rule.notEnabled);
  return flow;
}
