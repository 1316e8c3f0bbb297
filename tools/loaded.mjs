/** The first test of a process of several files (tools/test.ts): it ends once all of them are imported. */
import { test } from "node:test";

const { promise, resolve } = Promise.withResolvers();

test("the files of this process are imported", () => promise);

export const loaded = resolve;
