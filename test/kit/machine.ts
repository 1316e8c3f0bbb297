/** What tests need of the machine: programs, rights, an address. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { homedir, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

/** Mounting a small disk takes the rights of root. */
const mayMount = () => {
  const folder = mkdtempSync(join(tmpdir(), "poolhouse-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
};

/** An address of this machine that is none of loopback. */
export function outerAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one?.family === "IPv4" && !one.internal)?.address;
}

function succeeds(program: string, argv: readonly string[]): boolean {
  try {
    execFileSync(program, argv, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const awsProvider = "registry.terraform.io/hashicorp/aws/5.100.0";

/** The folder that Terraform gets its AWS provider from, if there is one: the places where it looks by itself, and /opt. */
export function providerMirror(): string | undefined {
  const places = [
    join(homedir(), ".terraform.d", "plugins"),
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/tf-plugins",
  ];
  return places.find((place) => existsSync(join(place, awsProvider)));
}

/**
 * The Chromium for tests: that of TEST_CHROMIUM, else Debian's without a window of its own (chromium-headless-shell). It
 * has the same engine, and costs half as much of the processor's time.
 */
export function chromiumPath(): string {
  const shell = "/usr/bin/chromium-headless-shell";
  return process.env["TEST_CHROMIUM"] ?? (existsSync(shell) ? shell : "/usr/bin/chromium");
}

const components = {
  mount: mayMount,
  "outer-address": () => outerAddress() !== undefined,
  chromium: () => existsSync(chromiumPath()),
  certutil: () => existsSync("/usr/bin/certutil"),
  php: () => existsSync("/usr/bin/php"),
  "aws-cli": () => existsSync("/usr/bin/aws"),
  mod_auth_openidc: () =>
    existsSync("/usr/sbin/apache2") && existsSync("/usr/lib/apache2/modules/mod_auth_openidc.so"),
  nginx: () => existsSync("/usr/sbin/nginx"),
  caddy: () => existsSync("/usr/bin/caddy"),
  // It may be there and not be allowed to do its work.
  strace: () => succeeds("strace", ["--trace=none", "true"]),
  // Runs a command on a terminal.
  script: () => existsSync("/usr/bin/script"),
  // Reads units without running any.
  "systemd-analyze": () => existsSync("/usr/bin/systemd-analyze"),
  // Signs requests since 7.75.
  curl: () => succeeds("curl", ["--version"]),
  boto3: () =>
    existsSync("/usr/bin/python3") && existsSync("/usr/lib/python3/dist-packages/boto3/__init__.py"),
  terraform: () => providerMirror() !== undefined && succeeds("terraform", ["version"]),
};

/** No package of Debian: `.ci/run` cannot install them, so they may be missing there, too. */
const notPackaged: ReadonlySet<keyof typeof components> = new Set(["terraform"]);

/**
 * Options of a suite that needs a program of this machine: skipped, with the reason, where it is absent. Where CI is
 * set nothing may be absent that can be installed.
 */
export function needs(component: keyof typeof components): { skip: string | false } {
  if (components[component]()) return { skip: false };
  if (process.env["CI"] && !notPackaged.has(component))
    throw new Error(`${component} is missing; CI is set, so nothing may be.`);
  return { skip: `${component} is not installed, or not allowed` };
}
