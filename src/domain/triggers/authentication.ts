/**
 * The triggers around a sign-in, which may refuse it: PreAuthentication before anything is proven, PostAuthentication
 * when everything is ("Pre authentication Lambda trigger" and "Post authentication Lambda trigger", Amazon Cognito
 * Developer Guide).
 */
import type { User } from "../../store/users.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type FiringCtx, fire } from "./fire.ts";
import type { Metadata } from "./trigger.ts";
import { given, userAttributes } from "./user-event.ts";

/**
 * Fires PreAuthentication. If the client hides who exists, the function is told of names that nobody has, with
 * `userNotFound`, so that they get the same answer after the same work. Throws as `fire` does.
 * @param request.user undefined if nobody has the name
 * @param request.validationData ClientMetadata of InitiateAuth
 */
export async function preAuthentication(
  ctx: FiringCtx,
  request: {
    readonly pool: Pool;
    readonly client: Client;
    readonly user: User | undefined;
    /** The name as it was entered. */
    readonly submitted: string;
    readonly validationData: Metadata | undefined;
  },
): Promise<void> {
  const { pool, client, user, submitted, validationData } = request;
  await fire(ctx, pool, "PreAuthentication", {
    source: "PreAuthentication_Authentication",
    userName: user?.username ?? submitted,
    clientId: client.id,
    request: () => ({
      userAttributes: user === undefined ? {} : userAttributes(pool, user),
      validationData: validationData ?? null,
      ...(hidesUsers(client) && { userNotFound: user === undefined }),
    }),
    form: {},
  });
}

/**
 * Fires PostAuthentication. Throws as `fire` does.
 * @param request.newDevice whether the device is a new one; undefined if the pool does not track devices
 * @param request.clientMetadata ClientMetadata of RespondToAuthChallenge
 */
export async function postAuthentication(
  ctx: FiringCtx,
  request: {
    readonly pool: Pool;
    readonly client: Client;
    readonly user: User;
    readonly newDevice: boolean | undefined;
    readonly clientMetadata: Metadata | undefined;
  },
): Promise<void> {
  const { pool, client, user, newDevice, clientMetadata } = request;
  await fire(ctx, pool, "PostAuthentication", {
    source: "PostAuthentication_Authentication",
    userName: user.username,
    clientId: client.id,
    request: () => ({
      userAttributes: userAttributes(pool, user),
      ...(newDevice !== undefined && { newDeviceUsed: newDevice }),
      ...given("clientMetadata", clientMetadata),
    }),
    form: {},
  });
}
