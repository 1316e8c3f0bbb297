/** A web server of a provider, whose documents the tests decide. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Page {
  readonly status?: number;
  readonly body: string | object;
  /** What the answer waits for. */
  readonly after?: Promise<unknown>;
}

export interface ProviderPlace {
  readonly url: string;
  /** By path; any other answers 404. */
  readonly pages: Map<string, Page>;
  /** The paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function openPlace(): Promise<ProviderPlace> {
  const pages = new Map<string, Page>();
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? assert.fail("no path");
    asked.push(path);
    const page = pages.get(path);
    await page?.after;
    response.writeHead(page === undefined ? 404 : (page.status ?? 200));
    const body = page?.body ?? "";
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pages,
    asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
