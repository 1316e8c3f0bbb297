/**
 * What the tests of growing tables and of waiting sign-ins share: a pool with every way in that does not say who exists, a
 * server whose limits are small, and callers from addresses that a proxy tells.
 */
import type {
  CreateUserPoolClientCommandInput,
  CreateUserPoolCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import type { LimitName } from "../../src/config/limits.ts";
import { identityPoolOperations } from "../../src/wire/generated/identity-pools.ts";
import { call, type RawAnswer } from "../kit/calls.ts";
import { type Place, turnMfa } from "../kit/factors.ts";
import type { TestServer } from "../kit/server.ts";

export const everyWayIn = {
  pool: {
    AutoVerifiedAttributes: ["email"],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] } },
  },
  client: {
    ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
  },
} as const satisfies {
  pool: Partial<CreateUserPoolCommandInput>;
  client: Partial<CreateUserPoolClientCommandInput>;
};

export const offerSoftwareTokens = (server: TestServer, place: Place) =>
  turnMfa(server, place, "OPTIONAL", { SoftwareTokenMfaConfiguration: { Enabled: true } });

/** The settings of a server with these limits, behind a proxy of this machine. */
export const withLimits = (limits: Partial<Record<LimitName, number>>) => ({
  POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1",
  POOLHOUSE_LIMITS: Object.entries(limits)
    .map(([name, number]) => `${name}=${number}`)
    .join(","),
});

export type Ask = (operation: string, body: object) => Promise<RawAnswer>;

/** Calls that come from this address. Operations of identity pools have another target. */
export const askFrom =
  ({ endpoint }: TestServer, address: string): Ask =>
  (operation, body) =>
    call(endpoint, operation, body, {
      "x-forwarded-for": address,
      ...(operation in identityPoolOperations && {
        "x-amz-target": `AWSCognitoIdentityService.${operation}`,
      }),
    });

/** Made when it is first asked for: once for a server. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
