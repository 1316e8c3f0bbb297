/** A bare HTTP server, for what a start costs anyway. */
import { createServer } from "node:http";

const server = createServer((_incoming, outgoing) => outgoing.end("fine"));
server.listen(0, "127.0.0.1", () => console.log(`listens on ${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
