/** Unmodified clients of AWS SDK v3, and the key that the servers of tests begin with. */
import { setTimeout as pause } from "node:timers/promises";
import {
  CognitoIdentityProviderClient,
  type CognitoIdentityProviderClientConfig,
} from "@aws-sdk/client-cognito-identity-provider";

export const rootKey = {
  accessKeyId: "AKIATESTROOTKEY00000",
  secretAccessKey: "test-root-secret-0123456789abcdef",
};

/** Sockets enough that calls do run side by side. */
export const manySockets = { requestHandler: { httpAgent: { maxSockets: 64, keepAlive: true } } };

/** With the root key and one attempt, unless told otherwise. Whoever makes one destroys it. */
export function newSdk(
  endpoint: string,
  more: CognitoIdentityProviderClientConfig = {},
): CognitoIdentityProviderClient {
  return new CognitoIdentityProviderClient({
    endpoint,
    region: "us-east-1",
    credentials: rootKey,
    maxAttempts: 1,
    ...more,
  });
}

/**
 * Lets a client ask again when the server is behind and refuses it unread: on a busy machine a real server admits only a
 * share of what one address asks, and says so.
 */
export function patient(client: CognitoIdentityProviderClient): CognitoIdentityProviderClient {
  client.middlewareStack.add(
    (next) => async (args) => {
      for (;;) {
        try {
          return await next(args);
        } catch (error) {
          const { name, message } = error as Error;
          if (name !== "TooManyRequestsException" || message !== "Rate exceeded") throw error;
          await pause(50);
        }
      }
    },
    { step: "initialize", name: "patient" },
  );
  return client;
}
