/** Requests of the tests of who exists, and what may not differ between their answers. */

import assert from "node:assert/strict";
import { call, type RawAnswer } from "../kit/calls.ts";
import type { TestServer } from "../kit/server.ts";
import type { Work, watchWork } from "./work.ts";

export interface Setting {
  readonly server: TestServer;
  readonly pool: string;
  readonly ClientId: string;
  readonly during: ReturnType<typeof watchWork>["during"];
}

export type Request = (setting: Setting, name: string) => Promise<RawAnswer>;

/** A request, how often it is made, how the last answer reads, and the minutes before the next. */
export type Comparison = readonly [name: string, request: Request, times: number, last: string, wait: number];

/** Makes each request for each of these names: the same answers after the same work, in every state they lead to. */
export async function compare(
  setting: Setting,
  names: readonly string[],
  comparisons: readonly Comparison[],
): Promise<void> {
  const { clock } = setting.server;
  clock.freeze();
  for (const [name, request, times, last, wait] of comparisons) {
    let told = "";
    for (let time = 1; time <= times; time++) {
      let first: { shape: unknown; work: Work } | undefined;
      for (const one of names) {
        const { answer, work } = await setting.during(() => request(setting, one));
        const shape = shapeOf(answer);
        first ??= { shape, work };
        assert.deepEqual(shape, first.shape, `${name}, ${time}: ${one}`);
        assert.deepEqual(work, first.work, `${name}, ${time}: the work for ${one}`);
        assert.ok(work.statements.length >= 3, "it was watched");
        told = answer.message;
      }
    }
    assert.equal(told, last, `${name}: the last answer`);
    clock.advance(wait * 60_000);
  }
}

export const ask =
  (operation: string, body: (setting: Setting, name: string) => object): Request =>
  (setting, name) =>
    call(setting.server.endpoint, operation, body(setting, name));

/** What differs from one request to the next whoever is named. */
const always = new Set(["date", "x-amzn-requestid", "connection", "keep-alive"]);

/** An answer without its values: what is there, and how long it is. SRP_B and SALT are as long as their random numbers are. */
export function shapeOf(answer: RawAnswer): unknown {
  const parameters = answer.body["ChallengeParameters"] as Record<string, string> | undefined;
  const random = (parameters?.["SRP_B"]?.length ?? 0) + (parameters?.["SALT"]?.length ?? 0);
  const lengths = (value: unknown): unknown => {
    if (typeof value === "string") return value.length;
    if (typeof value !== "object" || value === null) return value;
    return Object.entries(value).map(([key, one]) => [key, lengths(one)]);
  };
  return {
    status: answer.status,
    type: answer.type,
    message: answer.message,
    headers: [...answer.headers]
      .filter(([name]) => !always.has(name))
      .map(([name, value]) => [name, name === "content-length" ? Number(value) - random : value]),
    body: lengths(
      random === 0
        ? answer.body
        : {
            ...answer.body,
            ChallengeParameters: { ...parameters, SRP_B: "", ...(parameters?.["SALT"] && { SALT: "" }) },
          },
    ),
  };
}
