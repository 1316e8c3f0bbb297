/** The process of child.ts for Node.js: loads one handler, and asks the Runtime API for calls. */
import { Agent, request } from "node:http";
import { basename } from "node:path";
import {
  callHandler,
  loadHandler,
  onUncaught,
  type ReportedError,
  report,
  uncaughtStatus,
  watchEventLoop,
} from "./handler.ts";

const [, , file = "", name = ""] = process.argv;
process.argv.length = 2;
const variables = process.env;
const api = `http://${variables["AWS_LAMBDA_RUNTIME_API"]}/2018-06-01/runtime`;
const facts = {
  name: variables["AWS_LAMBDA_FUNCTION_NAME"] ?? basename(file),
  memoryMb: Number(variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
};
// Its idle connection does not keep the event loop busy.
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function send(method: "GET" | "POST", path: string, body?: string): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = request(`${api}${path}`, { method, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

const sendError = (path: string, error: ReportedError) => send("POST", path, JSON.stringify(error));

try {
  await serveCalls();
} catch {
  // Nobody calls any more.
  process.exit(0);
}

/** Loads the handler and runs calls one after another, until the server is gone. */
async function serveCalls(): Promise<never> {
  let running: string | undefined;
  onUncaught((error) => {
    const told = running === undefined ? undefined : sendError(`/invocation/${running}/error`, error);
    void Promise.resolve(told).finally(() => process.exit(uncaughtStatus));
  });
  const loop = watchEventLoop(() => setImmediate(() => {}));
  const handler = await loadHandler(file, name).catch(refuse);
  for (;;) {
    const { headers, body } = await send("GET", "/invocation/next");
    const header = (which: string) => String(headers[`lambda-runtime-${which}`]);
    const id = header("aws-request-id");
    running = id;
    const call = { id, arn: header("invoked-function-arn"), deadline: Number(header("deadline-ms")) };
    const answered = await callHandler(handler, body, call, { facts, loop }).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error: report(error) }),
    );
    if ("answer" in answered) await send("POST", `/invocation/${id}/response`, answered.answer);
    else await sendError(`/invocation/${id}/error`, answered.error);
    running = undefined;
  }
}

async function refuse(error: unknown): Promise<never> {
  await sendError("/init/error", report(error));
  process.exit(1);
}
