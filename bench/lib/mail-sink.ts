/** A service that takes every message, in each way in which senders hand them over; with `hangs`, one that never answers. */
import { createServer } from "node:http";
import net, { type AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

const [, , kind = "http", hangs] = process.argv;

const answers: Readonly<Record<string, readonly [type: string, body: string]>> = {
  ses: ["application/json", '{"MessageId":"1"}'],
  sns: [
    "text/xml",
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
  ],
  twilio: ["application/json", '{"sid":"SM1"}'],
  http: ["text/plain", ""],
};

function open() {
  if (hangs) return net.createServer((socket) => socket.on("error", () => {}).resume());
  if (kind === "smtp") {
    const smtp = new SMTPServer({
      ...{ authOptional: true, disabledCommands: ["STARTTLS"], disableReverseLookup: true, logger: false },
      onData: (stream, _session, done) => stream.resume().once("end", () => done()),
    });
    smtp.on("error", () => {});
    return smtp.server;
  }
  const [type, body] = answers[kind]!;
  return createServer((request, response) => {
    request.resume().once("end", () => response.writeHead(200, { "content-type": type }).end(body));
  });
}

const server = open();
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready at http://localhost:${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
