/** The thread of srp-exchanger.ts: one computation at a time; answers carry the job's number. */
import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { exchange, makeVerifier, SrpError } from "../../lib/srp.ts";
import type { SrpAnswer, SrpJob } from "./srp-exchanger.ts";

// On Linux this lowers the priority of this thread only, below that of the one that answers requests.
if (process.platform === "linux") setPriority(0, 5);

parentPort?.on("message", async (job: SrpJob) => {
  parentPort?.postMessage(await answer(job));
});

async function answer(job: SrpJob): Promise<SrpAnswer> {
  try {
    return { ok: "exchange" in job ? await exchange(job.exchange) : makeVerifier(job.verifier) };
  } catch (error) {
    return { refused: error instanceof SrpError, message: error instanceof Error ? error.message : "" };
  }
}
