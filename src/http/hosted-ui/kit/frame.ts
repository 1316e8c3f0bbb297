/** The frame of a page: what it is rendered with besides its content. */
import type { Context } from "hono";
import type { html } from "hono/html";
import type { Appearance } from "../../../domain/branding/appearance.ts";
import type { Words } from "../words/en.ts";

export type Html = ReturnType<typeof html>;

/** The values that every page is rendered with. */
export interface Frame {
  readonly c: Context;
  readonly words: Words;
  /** The path that the pool's endpoints begin with. */
  readonly root: string;
  readonly requestId: string;
  /** The name of the application the user wants to get to; undefined if it is unknown or must not be shown. */
  readonly app: string | undefined;
  /** URIs besides our own that the answer to a form may redirect to. */
  readonly leadsTo: readonly string[];
  /** What the page in another language is requested with; undefined for the parameters of the request. */
  readonly parameters?: URLSearchParams;
  /** The client whose branding the page has; undefined for none. */
  readonly brand?: Brand;
}

/** The branding of a known client; pages without a client have none. */
export interface Brand {
  readonly clientId: string;
  /** Loads the branding; called only for pages, as many answers are redirects. */
  readonly appearance: () => Promise<Appearance | undefined>;
}
