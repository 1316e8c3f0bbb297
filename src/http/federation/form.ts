/** What providers post, directly or by a browser (application/x-www-form-urlencoded). */
import type { Context } from "hono";
import { readOnceFields } from "../form.ts";
import { holdings } from "../holdings.ts";
import type { Bindings } from "../place.ts";

/** Throws invalid_request, as readOnceFields. */
export const readAnswer = (c: Context<Bindings>): Promise<URLSearchParams> =>
  readOnceFields(c, holdings.providerAnswer.limit.bytes);
