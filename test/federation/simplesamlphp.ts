/** SimpleSAMLphp as an identity provider: Debian's package, run by PHP's own web server, with its settings in a temporary folder. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { newKey, pem } from "./saml-kit.ts";

const program = "/usr/share/simplesamlphp";
const packages = "php-cli php-xml php-mbstring simplesamlphp";

/** Throws with what to install. */
function checkInstalled(): void {
  const missing = [`${program}/www/module.php`, "/usr/bin/php"].filter((path) => !existsSync(path));
  const advice = `apt-get install --no-install-recommends ${packages}`;
  assert.deepEqual(missing, [], `SimpleSAMLphp is not installed: ${advice}`);
}

/** Settings of a service provider there (saml20-sp-remote.php), besides what its metadata says. */
export type ServiceSettings = Readonly<Record<string, unknown>>;

export interface SimpleSaml {
  readonly entityId: string;
  readonly metadataUrl: string;
  /** Knows a service provider by its metadata, which SimpleSAMLphp's own tool fetches, or again by other settings. */
  trust(service: Service, settings?: ServiceSettings): Promise<void>;
  /** Has these settings beside the usual ones (saml20-idp-hosted.php), in place of those of the last call. */
  configure(hosted?: ServiceSettings): void;
  /** The certificate of its key, DER in base64. */
  certificate(): string;
  /** Signs with another key from now on, and has that one in its metadata. */
  rotateKey(): Promise<void>;
  /** Where a browser begins to sign in to a service provider that has not asked for it. */
  unaskedUrl(service: Service, relayState: string): string;
  /** Where a browser signs out of everything. */
  signOutUrl(returnTo: string): string;
  close(): Promise<void>;
}

interface Service {
  readonly entityId: string;
  readonly metadataUrl: string;
}

/** Whoever may sign in: passwords are the names. */
const people = ["ann", "ben"];
const attributesOf = (name: string) => ({
  uid: [name],
  mail: [`${name}@example.com`],
  displayName: [`${name} Ünal <${name}>`],
  groups: ["staff", "admins"],
});

export const nameIdFormats = {
  persistent: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
  transient: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
  emailAddress: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
} as const;

const settingsOf = (folder: string, port: number) => ({
  baseurlpath: `http://127.0.0.1:${port}/`,
  certdir: `${folder}/cert/`,
  loggingdir: `${folder}/log/`,
  datadir: `${folder}/data/`,
  tempdir: `${folder}/tmp`,
  metadatadir: `${folder}/metadata/`,
  attributenamemapdir: "/etc/simplesamlphp/attributemap/",
  technicalcontact_email: "na@example.org",
  timezone: "UTC",
  secretsalt: "of-this-test",
  "auth.adminpassword": "of-this-test",
  "enable.saml20-idp": true,
  "module.enable": { exampleauth: true, core: true, saml: true, metarefresh: true },
  "trusted.url.domains": null,
  "logging.handler": "file",
  "logging.level": 6,
  "session.cookie.secure": false,
  "session.cookie.samesite": "Lax",
  "session.phpsession.savepath": `${folder}/sessions`,
  "language.cookie.secure": false,
  "language.cookie.samesite": "Lax",
  "store.type": "phpsession",
  "metadata.sources": [{ type: "flatfile" }],
  "metadata.sign.enable": true,
});

/** saml20-idp-hosted.php. Every NameID that a service provider may ask for is there. */
const hosted = (entityId: string, keyName: string, more: ServiceSettings) => ({
  [entityId]: {
    host: "__DEFAULT__",
    auth: "people",
    privatekey: `${keyName}.key`,
    certificate: `${keyName}.crt`,
    NameIDFormat: Object.values(nameIdFormats),
    "sign.logout": true,
    "validate.logout": true,
    SingleLogoutServiceBinding: ["Redirect", "POST"].map(
      (name) => `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-${name}`,
    ),
    authproc: {
      1: { class: "saml:PersistentNameID", attribute: "uid" },
      2: { class: "saml:AttributeNameID", attribute: "mail", Format: nameIdFormats.emailAddress },
    },
    ...more,
  },
});

/** Settings are JSON, which PHP reads anew for each request. */
const reading = (variable: string) => `<?php
$${variable} = json_decode(file_get_contents(substr(__FILE__, 0, -3) . 'json'), true);
`;
const readingServices = `${reading("settings")}
foreach (glob(dirname(__DIR__) . '/services/*/saml20-sp-remote.php') as $file) require $file;
foreach ($settings as $entityId => $more) $metadata[$entityId] = array_merge($metadata[$entityId], $more);
`;

const put = (folder: string, name: string, value: unknown) =>
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(value));

/** All its settings but those of the identity provider itself, which has no key yet. */
function writeSettings(folder: string, port: number): void {
  for (const name of ["cert", "log", "data", "tmp", "metadata", "sessions", "services"])
    mkdirSync(join(folder, name));
  const users = Object.fromEntries(people.map((name) => [`${name}:${name}`, attributesOf(name)]));
  const files: readonly (readonly [name: string, variable: string])[] = [
    ["config", "config"],
    ["authsources", "config"],
    ["metadata/saml20-idp-hosted", "metadata"],
  ];
  for (const [name, variable] of files) writeFileSync(join(folder, `${name}.php`), reading(variable));
  writeFileSync(join(folder, "metadata/saml20-sp-remote.php"), readingServices);
  put(folder, "config", settingsOf(folder, port));
  put(folder, "authsources", { people: { 0: "exampleauth:UserPass", ...users } });
  put(folder, "metadata/saml20-sp-remote", {});
}

/** Starts it on a free port. */
export async function startSimpleSaml(): Promise<SimpleSaml> {
  checkInstalled();
  const folder = temporaryFolder();
  const port = await freePort();
  writeSettings(folder, port);
  const environment = { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: folder };
  const base = `http://127.0.0.1:${port}`;
  const entityId = `${base}/saml2/idp/metadata.php`;
  let keys = 0;
  let certificate = "";
  const configure = (more: ServiceSettings = {}) =>
    put(folder, "metadata/saml20-idp-hosted", hosted(entityId, `key-${keys}`, more));
  const rotateKey = async () => {
    const key = await newKey(`key-${++keys}`);
    certificate = key.certificate;
    writeFileSync(join(folder, "cert", `key-${keys}.key`), key.privateKey);
    writeFileSync(join(folder, "cert", `key-${keys}.crt`), pem(key.certificate));
    configure();
  };
  await rotateKey();
  const services = new Map<string, ServiceSettings>();
  const child = await startPhp(port, environment);
  return {
    entityId,
    metadataUrl: entityId,
    certificate: () => certificate,
    configure,
    rotateKey,
    trust: async (service, settings = {}) => {
      const out = join(folder, "services", `${services.size}`);
      if (!services.has(service.entityId)) {
        mkdirSync(out);
        await metarefresh(service.metadataUrl, out, environment);
      }
      services.set(service.entityId, settings);
      put(folder, "metadata/saml20-sp-remote", Object.fromEntries(services));
    },
    unaskedUrl: (service, RelayState) =>
      `${base}/saml2/idp/SSOService.php?${new URLSearchParams({ spentityid: service.entityId, RelayState })}`,
    signOutUrl: (RelayState) => `${base}/saml2/idp/initSLO.php?${new URLSearchParams({ RelayState })}`,
    close: async () => {
      const ended = once(child, "close");
      child.kill();
      await ended;
    },
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What a service provider's metadata says, as settings of SimpleSAMLphp, by the tool that operators run for it. */
async function metarefresh(url: string, out: string, env: Environment): Promise<void> {
  const tool = `${program}/modules/metarefresh/bin/metarefresh.php`;
  const { stdout, stderr } = await promisify(execFile)("php", [tool, `--out-dir=${out}`, url], { env });
  assert.ok(existsSync(join(out, "saml20-sp-remote.php")), `${stdout}${stderr}`);
}

async function startPhp(port: number, env: Environment): Promise<ChildProcess> {
  const argv = ["-d", "opcache.revalidate_freq=0", "-S", `127.0.0.1:${port}`, "-t", `${program}/www`];
  const child = spawn("php", argv, { env, stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr });
  const started = new Promise<boolean>((resolve) => {
    lines.on("line", (line) => {
      said.push(line);
      if (/Development Server .* started/.test(line)) resolve(true);
    });
  });
  const ended = once(child, "close").then(() => false);
  assert.ok(await Promise.race([started, ended]), said.join("\n"));
  return child;
}

const schemas = { metadata: "metadata", message: "protocol" } as const;

/** What is wrong with XML by the schemas of SAML 2.0 (OASIS): empty if it is valid. */
export function schemaProblems(xml: string, kind: keyof typeof schemas): string {
  const code = `require "${program}/lib/_autoload.php";
    $said = SimpleSAML\\Utils\\XML::isValid(stream_get_contents(STDIN), "saml-schema-${schemas[kind]}-2.0.xsd");
    if ($said !== true) echo $said ?: "not valid";`;
  const { stdout, stderr, status } = spawnSync("php", ["-r", code], { input: xml, encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
}

/** Fills its form. */
export async function enterPassword(page: Page, name: string, password = name): Promise<void> {
  await page.fill("input[name=username]", name);
  await page.fill("input[name=password]", password);
  await page.locator("#submit_button, button[type=submit], input[type=submit]").first().click();
}
