/** boto3 of Debian, unmodified: boto3_client.py drives a life and asserts it; here it is only started. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { password } from "../kit/people.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer } from "../kit/server.ts";

const script = fileURLToPath(new URL("boto3_client.py", import.meta.url));

describe("boto3", needs("boto3"), () => {
  forOneServer("sqlite", "a Python program", (open) => {
    test("pool, client, sign-up, sign-in, paginator, typed exceptions, sign-out", async () => {
      const server = await open();
      const env = {
        PATH: "/usr/bin:/bin",
        HOME: temporaryFolder(),
        ENDPOINT: server.endpoint,
        PASSWORD: password,
        AWS_DEFAULT_REGION: "us-east-1",
        AWS_EC2_METADATA_DISABLED: "true",
        AWS_ACCESS_KEY_ID: rootKey.accessKeyId,
        AWS_SECRET_ACCESS_KEY: rootKey.secretAccessKey,
        PYTHONDONTWRITEBYTECODE: "1",
      };
      const ran = await new Promise<{ error: Error | null; stdout: string; stderr: string }>((resolve) => {
        execFile("/usr/bin/python3", [script], { env }, (error, stdout, stderr) =>
          resolve({ error, stdout, stderr }),
        );
      });
      assert.equal(ran.error, null, `${ran.stdout}\n${ran.stderr}`);
      assert.equal(ran.stdout.trim().split("\n").at(-1), "done");
    });
  });
});
