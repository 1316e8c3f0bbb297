/** What every way to run a function has in common: the same table for all of them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { FunctionError, FunctionFault } from "../../src/integrations/functions/functions.ts";
import { until } from "../kit/waiting.ts";
import { arnOf, fails, handlers, open, type TestFunctions } from "./kit.ts";

interface Way {
  readonly name: string;
  readonly settings: () => Promise<object>;
}

const node = { file: join(handlers, "contract.mjs") };
const ways: readonly Way[] = [{ name: "worker", settings: async () => ({ run: "worker", ...node }) }];

type Outcome = { readonly answer: unknown } | { readonly fault: FunctionFault; readonly message: RegExp };
interface Row {
  readonly act: string;
  readonly outcome: Outcome;
  /** The ways whose outcome differs, and those that cannot do it. */
  readonly but?: Readonly<Record<string, Outcome | "not there">>;
}

/** Time limits of functions, in seconds: one that a handler reaches which never ends, and one that none reaches. */
const tooShort = 0.5;
const ample = 600;

const failed = (message: RegExp): Outcome => ({ fault: "failed", message });
const python = { python: "not there" } as const;
const exit129 = failed(/^RequestId: [\da-f-]{36} Error: Runtime exited with error: exit status 129$/);
const response = { text: "ü 𝄞 \u2028", nested: [1, { two: true }] };

const table: readonly Row[] = [
  { act: "answer", outcome: { answer: { do: "answer", response } } },
  { act: "null", outcome: { answer: null } },
  { act: "undefined", outcome: { answer: null } },
  { act: "number", outcome: { answer: 7 } },
  { act: "text", outcome: { answer: "seven" } },
  { act: "list", outcome: { answer: [1, 2] } },
  { act: "throw", outcome: failed(/^no such domain$/) },
  { act: "type", outcome: failed(/^not that type$/) },
  {
    act: "throw text",
    outcome: failed(/^only a text$/),
    but: { python: failed(/^exceptions must derive from BaseException$/) },
  },
  { act: "throw nothing", outcome: failed(/^undefined$/), but: python },
  { act: "reject", outcome: failed(/^rejected later$/), but: python },
  {
    act: "circular",
    outcome: failed(/^Unable to stringify response body$/),
    but: { python: failed(/^Unable to marshal response: .*set/) },
  },
  { act: "hang", outcome: { fault: "late", message: /^Task timed out after 0\.50 seconds$/ } },
  { act: "never settle", outcome: failed(/promise was never settled/), but: python },
  { act: "exit", outcome: exit129 },
  { act: "sys.exit", outcome: exit129, but: { worker: "not there", node: "not there" } },
  { act: "exit well", outcome: failed(/^RequestId: .+ Error: Runtime exited without providing a reason$/) },
  { act: "fail aside", outcome: failed(/^nobody caught this$/), but: python },
  { act: "reject aside", outcome: failed(/^nobody waited for this$/), but: python },
  { act: "largest", outcome: { answer: "x".repeat(6 * 1024 * 1024 - 2) } },
  {
    act: "large",
    outcome: failed(/^Response payload size exceeded maximum allowed payload size \(6291456 bytes\)/),
  },
  { act: "flood", outcome: { answer: "flooded" } },
  {
    act: "memory",
    outcome: failed(/^RequestId: .+ Error: Runtime exited with error: signal: (?:killed|aborted)$/),
    but: { python: failed(/^MemoryError$/) },
  },
];

async function outcomeIs(functions: TestFunctions, act: string, outcome: Outcome): Promise<void> {
  const call = functions.invoke(arnOf("contract"), { do: act });
  if ("answer" in outcome) assert.deepEqual(await call, outcome.answer);
  else await fails(call, outcome.fault, outcome.message);
}

for (const way of ways) {
  describe(way.name, () => {
    for (const { act, outcome, but = {} } of table) {
      const expected = but[way.name] ?? outcome;
      if (expected === "not there") continue;
      test(`${act}; and the next call is answered`, async () => {
        const seconds = act === "hang" ? tooShort : ample;
        const settings = { ...(await way.settings()), timeout: seconds, attempts: 1 };
        const functions = await open({ contract: settings });
        await functions.check();
        await outcomeIs(functions, act, expected);
        const isAnswered = () =>
          functions.invoke(arnOf("contract"), { do: "number" }).then(
            (answer) => answer === 7,
            (error: FunctionError) => {
              // On a busy machine, loading the handler again may take longer than this function's limit.
              assert.equal(error.fault, act === "hang" ? "late" : undefined, error.message);
              return false;
            },
          );
        await until("the next call is answered", isAnswered);
        const lines = functions.log.filter((line) => line.function === "contract");
        assert.ok(lines.length <= 502, `${lines.length} lines`);
      });
    }

    test("what it prints is logged under its name", async () => {
      const functions = await open({ contract: await way.settings() });
      await functions.invoke(arnOf("contract"), { do: "say" });
      for (const message of ["said on stdout", "said on stderr"]) {
        const isLogged = () =>
          functions.log.some((line) => line.message === message && line.function === "contract");
        await until(`the log has "${message}"`, isLogged);
      }
    });
  });
}
