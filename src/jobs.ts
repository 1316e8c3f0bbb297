/** THE table of what a server does besides answering requests, and of whether all of its workers do it or one. */
import type { App } from "./app.ts";
import { startUseWriter } from "./domain/iam/key-uses.ts";
import { startOutboxWorker } from "./domain/messages/worker.ts";
import { shareFunctionList } from "./domain/triggers/function-lists.ts";
import type { OpenedDatabase } from "./store/open.ts";
import { startKeyRefresh } from "./store/rotation/refresh-keys.ts";
import { startSweeper } from "./store/sweep.ts";

interface Running {
  stop(): Promise<void>;
}

interface Job {
  /**
   * `each`: it is about what a process has in its memory. `one`: it is about the database, and one process is enough for all
   * workers of a server; several servers may do it side by side.
   */
  readonly by: "each" | "one";
  readonly what: string;
  start(app: App, opened: OpenedDatabase): Running | Promise<Running>;
}

/** Every job. The certificate's file, of which each process has its own copy, is reread by the sockets (http/listen.ts). */
const jobs = {
  refreshKeys: {
    by: "each",
    what: "rereads the data keys",
    start: ({ log }, opened) => startKeyRefresh(opened, log),
  },
  noteKeyUses: {
    by: "each",
    what: "writes when access keys were last used",
    start: (app) => startUseWriter(app),
  },
  sweep: {
    by: "one",
    what: "removes expired rows and events",
    start: ({ db, clock, log, config }) => {
      const retention = { audit: config.auditRetentionDays, auth: config.authEventRetentionDays };
      return startSweeper(db, { clock, log, retention });
    },
  },
  deliver: {
    by: "one",
    what: "delivers messages that wait in the outbox",
    start: (app) => startOutboxWorker(app),
  },
  listFunctions: {
    by: "one",
    what: "tells other servers of the database which functions this one has",
    start: (app) => shareFunctionList(app),
  },
} as const satisfies Record<string, Job>;

export interface Jobs {
  /**
   * Begins the jobs of which one process is enough, unless they run. Throws what one of them throws; those that could not
   * begin do so when it is called again.
   */
  lead(): Promise<void>;
  /** Stops all jobs and waits for them, and for the messages that requests are sending. */
  stop(): Promise<void>;
}

/** Begins the jobs of each process. */
export async function startJobs(app: App, opened: OpenedDatabase): Promise<Jobs> {
  const running = new Map<Job, Running>();
  const begin = async (by: Job["by"]) => {
    for (const job of Object.values(jobs))
      if (job.by === by && !running.has(job)) running.set(job, await job.start(app, opened));
  };
  await begin("each");
  let leading = Promise.resolve();
  let isStopping = false;
  return {
    lead: () => {
      if (!isStopping) leading = leading.catch(() => {}).then(() => begin("one"));
      return leading;
    },
    stop: async () => {
      isStopping = true;
      // A job that could not begin has said so; the others end.
      await leading.catch(() => {});
      await Promise.all([
        ...[...running.values()].map((one) => one.stop()),
        Promise.all(app.deliveries),
        app.senders.close(),
      ]);
    },
  };
}
