/** What every page is made with. */
import type { Context } from "hono";
import type { html } from "hono/html";
import type { Look } from "../../../domain/branding/looks.ts";
import type { Words } from "../words/en.ts";

export type Html = ReturnType<typeof html>;

/** What every page is written with. */
export interface Frame {
  readonly c: Context;
  readonly words: Words;
  /** The path that the pool's endpoints begin with. */
  readonly root: string;
  readonly requestId: string;
  /** Who the user wants to get to; undefined: not known, or not to be told. */
  readonly app: string | undefined;
  /** Addresses that the answer to a form may lead to, besides ours. */
  readonly leadsTo: readonly string[];
  /** Whose colors and images the page has; undefined: nobody's. */
  readonly brand?: Brand;
}

/** What belongs to a client that was found; pages of nobody in particular have none. */
export interface Brand {
  readonly clientId: string;
  /** Asked for by pages alone, as many answers are redirects. */
  readonly look: () => Promise<Look | undefined>;
}
