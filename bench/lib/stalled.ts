/**
 * An attacker with unfinished bodies: as many as fill the budget for bodies, each sent again when it is cut off. Runs
 * in a separate process, so that it does not delay the clients that are measured.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setPriority } from "node:os";
import type { BenchServer } from "./server.ts";

/** The announced length; one byte less is sent. */
const announced = 128 * 1024;

export interface StalledBodies {
  /** Ends the attack. @returns how many bodies were cut off */
  stop(): Promise<number>;
}

/** @param from the one address that they all come from; @param bytes how many they hold together */
export function stallBodies({ port }: BenchServer, from: string, bytes: number): StalledBodies {
  const child: ChildProcess = fork(import.meta.filename, [String(port), from, String(bytes)]);
  // It shares its processor with the measured clients, which take precedence, so that only the server can delay them.
  setPriority(child.pid!, 19);
  return {
    stop: async () => {
      child.send("stop");
      const [cut] = (await once(child, "message")) as [number];
      child.kill();
      return cut;
    },
  };
}

function attack(port: number, from: string, bytes: number): void {
  let cut = 0;
  const body = Buffer.alloc(announced - 1, "a");
  const begin = () => {
    const socket = connect({ host: "127.0.0.1", port, localAddress: from });
    socket.on("error", () => {});
    socket.resume();
    socket.write(
      `POST / HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-type: application/x-amz-json-1.1\r\n` +
        `x-amz-target: AWSCognitoIdentityProviderService.CreateUserPool\r\ncontent-length: ${announced}\r\n\r\n`,
    );
    socket.write(body);
    socket.once("close", () => {
      cut += 1;
      setTimeout(begin, 100);
    });
  };
  for (let sent = 0; sent < bytes; sent += announced) begin();
  process.on("message", () => process.send?.(cut));
}

if (import.meta.main) {
  const [port, from = "", bytes] = process.argv.slice(2);
  attack(Number(port), from, Number(bytes));
}
