/** Loaded into the measured server with --import: answers the bench over the process channel, and ends with it. */
import cluster from "node:cluster";

// The channel of a worker leads to the first process of its server.
if (cluster.isPrimary) {
  process.on("message", (question) => {
    if (question !== "usage") return;
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000, rss: process.memoryUsage.rss() });
  });
  process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel?.unref();
}
