/** APIs of AWS JSON 1.1 besides those of http/aws-json, at the same address `POST /`. */
import type { Ctx } from "../app.ts";
import type { WireRequest } from "../lib/sigv4.ts";
import type { JsonAnswer } from "./json-errors.ts";

/** An operation for signed calls. */
export interface JsonOperation {
  /** As the log and the metrics name it. */
  readonly name: string;
  /** Answers one call; never throws. */
  answer(ctx: Ctx, request: WireRequest): Promise<JsonAnswer>;
}

/** Finds the operation that a value of X-Amz-Target names; undefined if it is none of this API. */
export type JsonDoor = (target: string) => JsonOperation | undefined;
