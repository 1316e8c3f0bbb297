/**
 * Ceph: a monitor, an object store in memory and its gateway for S3 (radosgw), from Debian's packages, on free ports of
 * loopback and with all their files in a temporary folder.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CertificateSource } from "../../src/integrations/tls.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { until } from "../kit/waiting.ts";

const run = promisify(execFile);

/** What these tests run, and the packages it comes from. */
const programs: Readonly<Record<string, string>> = {
  "/usr/bin/radosgw": "radosgw",
  "/usr/bin/radosgw-admin": "radosgw",
  "/usr/bin/ceph-mon": "ceph-mon",
  "/usr/bin/ceph-osd": "ceph-osd",
  "/usr/bin/ceph": "ceph-common",
  "/usr/bin/aws": "awscli",
  "/usr/bin/curl": "curl",
  "/usr/bin/jq": "jq",
  "/usr/bin/setpriv": "util-linux",
  "/usr/bin/unshare": "util-linux",
};

/** What to install; undefined if nothing is missing. */
export function missing(): string | undefined {
  const absent = Object.keys(programs).filter((path) => !existsSync(path));
  const packages = [...new Set(absent.map((path) => programs[path]))].join(" ");
  if (absent.length === 0) return undefined;
  return `${absent.join(", ")} not found: apt-get install --no-install-recommends ${packages}`;
}

export interface Ceph {
  /** What `radosgw --version` says. */
  readonly version: string;
  /** The URL of S3, IAM and STS, by https. */
  readonly endpoint: string;
  /** The variable by which Ceph's own commands find the cluster. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

interface Ports {
  readonly monitor: number;
  readonly gateway: number;
}

/** One copy of everything, and no waiting for further members of the cluster. */
const configuration = (folder: string, fsid: string, { monitor, gateway }: Ports) => `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitor}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = ${folder}/keyring
run dir = ${folder}
admin socket =
pid file =
log file = ${folder}/$name.log
mon data = ${folder}/mon
mon data avail crit = 0
paxos propose interval = 0.05
paxos min wait = 0.01
osd data = ${folder}/osd
osd objectstore = memstore
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off

[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast ssl_endpoint=127.0.0.1:${gateway} ssl_certificate=${folder}/gateway.pem ssl_private_key=${folder}/gateway.key
rgw run sync thread = false
rgw s3 auth use sts = true
rgw sts key = ${randomBytes(8).toString("hex")}
`;

/** Who takes part in the cluster, and what each may do there. */
const members: Readonly<Record<string, readonly string[]>> = {
  "mon.": ["mon", "allow *"],
  "client.admin": ["mon", "allow *", "osd", "allow *"],
  "client.rgw": ["mon", "allow rw", "osd", "allow rwx"],
  "osd.0": ["mon", "allow profile osd", "osd", "allow *"],
};

async function makeKeyring(path: string): Promise<void> {
  await run("ceph-authtool", ["--create-keyring", path]);
  for (const [name, allowed] of Object.entries(members)) {
    const caps = allowed.flatMap((value, index) => (index % 2 === 0 ? ["--cap", value] : [value]));
    await run("ceph-authtool", [path, "--gen-key", "-n", name, ...caps]);
  }
}

/** Starts Ceph's daemons, and ends them. */
function daemons(folder: string, env: NodeJS.ProcessEnv) {
  const children: ChildProcess[] = [];
  const end = () => {
    for (const child of children) child.kill("SIGKILL");
  };
  process.once("exit", end);
  return {
    start: (program: string, words: readonly string[]): ChildProcess => {
      const output = openSync(join(folder, `${program}.out`), "a");
      // In a view of the file system of its own, with one authority to trust, and it ends with these tests, however they do.
      const own = `mount --bind ${folder}/authorities /etc/ssl/certs && exec setpriv --pdeathsig KILL ${program} -f "$@"`;
      const argv = ["--map-root-user", "--mount", "/bin/sh", "-c", own, program, ...words];
      const child = spawn("unshare", argv, { env, stdio: ["ignore", output, output] });
      children.push(child);
      return child;
    },
    close: async () => {
      process.off("exit", end);
      const ended = children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit"));
      end();
      await Promise.all(ended);
    },
  };
}

/**
 * Starts a cluster. Throws if something that it needs is not installed.
 * @param tls its certificate for localhost, and the only authority that it trusts
 */
export async function startCeph({ first, authority }: CertificateSource): Promise<Ceph> {
  assert.equal(missing(), undefined);
  const folder = temporaryFolder();
  const path = (name: string) => join(folder, name);
  const ports = { monitor: await freePort(), gateway: await freePort() };
  const [fsid, osd] = [randomUUID(), randomUUID()];
  for (const name of ["mon", "osd", "authorities"]) mkdirSync(path(name));
  copyFileSync(authority ?? assert.fail("no authority"), path("authorities/ca.pem"));
  writeFileSync(path("gateway.pem"), first.cert);
  writeFileSync(path("gateway.key"), first.key);
  writeFileSync(path("ceph.conf"), configuration(folder, fsid, ports));
  await makeKeyring(path("keyring"));
  const address = `[v2:127.0.0.1:${ports.monitor}]`;
  await run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", address, path("monmap")]);

  const environment = { CEPH_CONF: path("ceph.conf") };
  const env = { ...process.env, ...environment };
  const { start, close } = daemons(folder, env);
  const monmap = ["--monmap", path("monmap"), "--keyring", path("keyring")];
  await run("ceph-mon", ["--mkfs", "-i", "a", ...monmap], { env });
  start("ceph-mon", ["-i", "a"]);
  await run("ceph", ["osd", "create", osd], { env });
  await run("ceph-osd", ["--mkfs", "-i", "0", "--osd-uuid", osd], { env });
  start("ceph-osd", ["-i", "0"]);
  const gateway = start("radosgw", ["-n", "client.rgw"]);
  const endpoint = `https://localhost:${ports.gateway}`;
  await until("the gateway answers", async () => {
    assert.equal(gateway.exitCode, null, `radosgw has ended: ${readFileSync(path("radosgw.out"), "utf8")}`);
    return fetch(endpoint).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  const { stdout } = await run("radosgw", ["--version"]);
  return { version: stdout.trim(), endpoint, environment, close };
}
