/** The store on a PostgreSQL behind a proxy that does as it is told. */
import { after, before } from "node:test";
import { openDatabase } from "../../src/store/open.ts";
import { type Fresh, testPostgresUrl } from "../kit/databases.ts";
import { makeThings } from "../store/things.ts";
import { type HostileProxy, startHostileProxy } from "./hostile-proxy.ts";

export interface BehindProxy {
  readonly proxy: HostileProxy;
  readonly db: Awaited<ReturnType<typeof openDatabase>>["db"];
}

/** Opens it before the tests of the suite and closes it after them; the answer is to be asked for inside of them. */
export function openBehindProxy(fresh: Fresh, more: { queryTimeoutMs?: number } = {}): () => BehindProxy {
  let opened: (BehindProxy & { close(): Promise<void> }) | undefined;
  before(async () => {
    const options = await fresh();
    const url = new URL(options.url);
    const real = new URL(testPostgresUrl);
    const proxy = await startHostileProxy({ host: real.hostname, port: Number(real.port || 5432) });
    url.host = `127.0.0.1:${proxy.port}`;
    opened = { proxy, ...(await openDatabase({ ...options, url: url.href, ...more })) };
    await makeThings(opened.db);
  });
  after(async () => {
    await opened?.close();
    opened?.proxy.close();
  });
  return () => {
    if (opened === undefined) throw new Error("asked before the tests began");
    return opened;
  };
}
