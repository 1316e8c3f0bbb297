/** Apache with mod_auth_openidc, as Debian ships them: a web server of its own in a folder of its own. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";

export interface Apache {
  readonly url: string;
  /** What it has logged. */
  log(): string;
  close(): Promise<void>;
}

const modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "headers", "dir", "auth_openidc"];

/** A port that was free a moment ago, since Apache takes none that it chose itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/**
 * @param authority file of the certificate that the client trusts
 * @param directives of the client, and of what it protects: the folders `open`, `app` and `admins` are there
 */
export async function startApache(port: number, authority: string, directives: string): Promise<Apache> {
  const root = temporaryFolder();
  for (const folder of ["open", "app", "admins"]) {
    mkdirSync(join(root, "www", folder), { recursive: true });
    writeFileSync(join(root, "www", folder, "index.html"), `This is ${folder}.`);
  }
  // Where it is started by root it serves as somebody else.
  chmodSync(root, 0o755);
  copyFileSync(authority, join(root, "authority.pem"));
  const config = join(root, "apache.conf");
  const log = join(root, "error.log");
  const lines = [
    `ServerRoot ${root}`,
    `ServerName localhost`,
    `Listen 127.0.0.1:${port}`,
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
    `PidFile ${root}/apache.pid`,
    `ErrorLog ${log}`,
    "LogLevel warn auth_openidc:info",
    `DefaultRuntimeDir ${root}`,
    "StartServers 1",
    `DocumentRoot ${root}/www`,
    "DirectoryIndex index.html",
    `OIDCCABundlePath ${root}/authority.pem`,
    directives,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const child = spawn("/usr/sbin/apache2", ["-d", root, "-f", config, "-DFOREGROUND"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const url = `http://localhost:${port}`;
  const told = () => `${output}${readLog(log)}`;
  await answers(`${url}/open/`, child, told);
  return {
    url,
    log: told,
    close: async () => {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

function readLog(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function answers(url: string, child: ChildProcess, told: () => string): Promise<void> {
  await until("Apache answers", async () => {
    assert.equal(child.exitCode, null, told());
    const answer = await fetch(url).catch(() => undefined);
    return answer?.ok === true;
  });
}
