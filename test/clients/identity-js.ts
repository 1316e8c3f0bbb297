/** What tests use of amazon-cognito-identity-js: its two kinds of callbacks as promises, and its errors. */
import assert from "node:assert/strict";
import { CognitoUserPool } from "amazon-cognito-identity-js";
import type { TestServer } from "../kit/server.ts";

export const poolOf = (server: TestServer, UserPoolId: string, ClientId: string) =>
  new CognitoUserPool({ UserPoolId, ClientId, endpoint: server.endpoint });

/** node-style callbacks. */
export function called<T>(run: (done: (error?: unknown, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}

/** `{onSuccess, onFailure}` callbacks. */
export function told<T>(
  run: (callbacks: { onSuccess: (result: T) => void; onFailure: (error: unknown) => void }) => void,
): Promise<T> {
  return new Promise((resolve, reject) => run({ onSuccess: resolve, onFailure: reject }));
}

/** The error that a call must end with. */
export const refused = (code: string, message?: string) => (error: { code: string; message: string }) => {
  assert.equal(error.code, code, error.message);
  if (message !== undefined) assert.equal(error.message, message);
  return true;
};
