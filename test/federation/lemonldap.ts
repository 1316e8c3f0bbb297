/** LemonLDAP::NG as an identity provider: Debian's package on the Lasso library, by plackup, with its settings in a temporary folder. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Page } from "playwright-core";
import { temporaryFolder } from "../kit/databases.ts";
import { freePort } from "../kit/ports.ts";
import { newKey, pem } from "./saml-kit.ts";

const portal = "/usr/share/lemonldap-ng/portal";
const packages =
  "liblemonldap-ng-portal-perl liblasso-perl libplack-perl libxml-simple-perl libgd-securityimage-perl perlmagick";

export interface Lemonldap {
  /** Its metadata. */
  metadata(): Promise<string>;
  /** Where a browser signs out of everything. */
  readonly signOutUrl: string;
  close(): Promise<void>;
}

/** A user of its demonstration. The password is the name. */
export const rose = { name: "rtyler", mail: "rtyler@badwolf.org", fullName: "Rose Tyler" };

interface Setting {
  readonly url: string;
  readonly folder: string;
  readonly key: Awaited<ReturnType<typeof newKey>>;
  readonly service: string;
}

/** lmConf-1.json: one service provider, whose messages must be signed, and whose users are named by their addresses. */
const settingsOf = ({ url, folder, key, service }: Setting) => ({
  cfgNum: 1,
  cfgAuthor: "test",
  cfgDate: 1,
  domain: "lemon.localhost",
  portal: url,
  cookieName: "lemonldap",
  securedCookie: 0,
  // Its own choice is None, which browsers take by https only.
  sameSite: "Lax",
  key: "a key of this test only",
  authentication: "Demo",
  userDB: "Same",
  passwordDB: "Null",
  demoExportedVars: { cn: "cn", mail: "mail", uid: "uid" },
  macros: { _whatToTrace: "$uid" },
  whatToTrace: "_whatToTrace",
  requireToken: 0,
  locationRules: {},
  exportedHeaders: {},
  globalStorage: "Apache::Session::File",
  globalStorageOptions: { Directory: `${folder}/sessions`, LockDirectory: `${folder}/sessions` },
  persistentStorage: "Apache::Session::File",
  persistentStorageOptions: { Directory: `${folder}/sessions`, LockDirectory: `${folder}/sessions` },
  issuerDBSAMLActivation: 1,
  samlServicePrivateKeySig: key.privateKey,
  samlServicePublicKeySig: pem(key.certificate),
  samlSPMetaDataXML: { pool: { samlSPMetaDataXML: service } },
  samlSPMetaDataExportedAttributes: { pool: { mail: "1;mail;;", cn: "1;displayName;;" } },
  samlSPMetaDataOptions: {
    pool: {
      samlSPMetaDataOptionsNameIDFormat: "email",
      samlSPMetaDataOptionsSignSSOMessage: 1,
      samlSPMetaDataOptionsSignSLOMessage: 1,
      samlSPMetaDataOptionsCheckSSOMessageSignature: 1,
      samlSPMetaDataOptionsCheckSLOMessageSignature: 1,
    },
  },
});

const ini = (folder: string) => `[all]
logLevel = notice
logger = Lemonldap::NG::Common::Logger::Std
[configuration]
type = File
dirName = ${folder}
[portal]
staticPrefix = /static
templateDir = ${portal}/templates
languages = en
`;

const application = `use Plack::Builder;
use Lemonldap::NG::Portal::Main;
builder {
  enable 'Static', path => qr{^/static/}, root => '${portal}/htdocs';
  enable 'Static', path => qr{^/javascript/}, root => '/usr/share';
  Lemonldap::NG::Portal::Main->run({});
};
`;

/**
 * Starts it on a free port.
 * @param service the metadata of its only service provider
 */
export async function startLemonldap(service: string): Promise<Lemonldap> {
  const missing = [`${portal}/templates`, "/usr/share/perl5/XML/Simple.pm", "/usr/bin/plackup"].filter(
    (path) => !existsSync(path),
  );
  const advice = `apt-get install --no-install-recommends ${packages}`;
  assert.deepEqual(missing, [], `LemonLDAP::NG is not installed: ${advice}`);
  const folder = temporaryFolder();
  const port = await freePort();
  // It gives its cookie to a whole domain, which an address or `localhost` is not.
  const url = `http://auth.lemon.localhost:${port}/`;
  mkdirSync(join(folder, "sessions"));
  const settings = settingsOf({ url, folder, service, key: await newKey("lemonldap") });
  writeFileSync(join(folder, "lmConf-1.json"), JSON.stringify(settings));
  writeFileSync(join(folder, "lemonldap-ng.ini"), ini(folder));
  writeFileSync(join(folder, "portal.psgi"), application);
  const child = spawn("plackup", ["-o", "127.0.0.1", "-p", `${port}`, join(folder, "portal.psgi")], {
    env: { ...process.env, LLNG_DEFAULTCONFFILE: join(folder, "lemonldap-ng.ini") },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "close").then(() => false);
  const said: string[] = [];
  const started = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);

      if (/Accepting connections/.test(line)) resolve(true);
    });
  });
  assert.ok(await Promise.race([started, ended]), said.join("\n"));
  return {
    metadata: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/saml/metadata`, {
        headers: { host: new URL(url).host },
      });
      return answer.text();
    },
    signOutUrl: `${url}?logout=1`,
    close: async () => {
      child.kill();
      await ended;
    },
  };
}

/** Fills its form. */
export async function enterAtLemonldap(page: Page, name: string, password = name): Promise<void> {
  await page.fill("input[name=user]", name);
  await page.fill("input[name=password]", password);
  await page.press("input[name=password]", "Enter");
}
