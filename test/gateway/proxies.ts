/** nginx and Caddy as Debian has them, with the recipes of docs/gateway-proxies.md. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { temporaryFolder } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "gateway-proxies.md"), "utf8");

interface Places {
  /** Where the proxy listens. */
  readonly port: number;
  /** Host and port. */
  readonly gateway: string;
  readonly application: string;
}

/** The one recipe of a language, at other places and without TLS. */
function recipe(language: "nginx" | "caddyfile", { port, gateway, application }: Places): string {
  const [found, ...others] = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))];
  assert.ok(found !== undefined && others.length === 0, language);
  const replaced = [
    ["127.0.0.1:4180", gateway],
    ["127.0.0.1:3000", application],
    ...(language === "nginx"
      ? ([
          ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
          ["server_name cms.example.com;", "server_name 127.0.0.1;"],
          ["X-Forwarded-Host cms.example.com;", `X-Forwarded-Host 127.0.0.1:${port};`],
        ] as const)
      : ([["cms.example.com {", `http://127.0.0.1:${port} {`]] as const)),
  ] as const;
  let text = found[1]!.replaceAll(/^ *ssl_certificate.*\n/gm, "");
  for (const [from, to] of replaced) {
    assert.ok(text.includes(from), from);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** nginx with a configuration of its `http` block. It ends after the test. */
export async function startNginx(http: string, port: number): Promise<void> {
  const root = temporaryFolder();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const lines = [
    ...["daemon off;", "master_process off;", `pid ${root}/nginx.pid;`, "error_log stderr warn;"],
    ...["events {}", "http {", "access_log off;"],
    ...temporary.map((name) => `${name}_temp_path ${root}/${name};`),
    ...[http, "}"],
  ];
  writeFileSync(join(root, "nginx.conf"), lines.join("\n"));
  await started(spawn("/usr/sbin/nginx", ["-p", root, "-e", "stderr", "-c", join(root, "nginx.conf")]), port);
}

async function startCaddy(site: string, port: number): Promise<void> {
  const root = temporaryFolder();
  const file = join(root, "Caddyfile");
  writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`);
  const env = { PATH: process.env["PATH"], HOME: root, XDG_CONFIG_HOME: root, XDG_DATA_HOME: root };
  await started(spawn("/usr/bin/caddy", ["run", "--config", file, "--adapter", "caddyfile"], { env }), port);
}

async function started(child: ChildProcess, port: number): Promise<void> {
  let told = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (part) => (told += String(part)));
  after(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  await until("the proxy answers", async () => {
    assert.equal(child.exitCode, null, told);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { redirect: "manual" }).catch(() => undefined);
    return answer !== undefined;
  });
}

export const proxies = {
  nginx: (places: Places) => startNginx(recipe("nginx", places), places.port),
  caddy: (places: Places) => startCaddy(recipe("caddyfile", places), places.port),
} as const;
