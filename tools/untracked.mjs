/**
 * Preloaded into each process of tests: lets Node's test runner follow its tests without async hooks.
 *
 * The runner records for every promise and every request which test has made it, in order to name that test when an
 * error is thrown that nothing catches. A server that runs in the process of its tests makes so many that a quarter of
 * the processor's time went into it. Here only tests and suites themselves are recorded, which nesting needs. An error
 * that nothing catches still fails its file, by a warning and the exit status, without the name of the test.
 *
 * If a version of Node follows its tests otherwise, this changes nothing: tests are slower, not wrong.
 * test/runner.test.ts
 */
import hooks from "node:async_hooks";
import { syncBuiltinESMExports } from "node:module";

const { AsyncResource, createHook } = hooks;

/** A hook without effect: enabled, even one without callbacks gives each promise an identity. */
const never = { enable: () => never, disable: () => never };

let record;

hooks.createHook = (callbacks) => {
  const [, , caller] = new Error().stack?.split("\n") ?? [];
  if (!caller?.includes("node:internal/test_runner/harness")) return createHook(callbacks);
  record = callbacks.init;
  return never;
};

// Tests and suites are resources; the runner learns of each as it is made.
hooks.AsyncResource = class extends AsyncResource {
  constructor(type, options) {
    super(type, options);
    record?.(this.asyncId(), type, this.triggerAsyncId(), this);
  }
};
syncBuiltinESMExports();
