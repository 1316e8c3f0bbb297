/** examples/people: compose.yaml and Dockerfile, followed without an engine: the same processes in the same order. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { globSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseEnv } from "node:util";
import { parse } from "yaml";
import { openDatabase } from "../../examples/people/api/database.ts";
import { endChild, main } from "../kit/child.ts";
import { browse } from "../kit/chromium.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import { freePort } from "../kit/ports.ts";
import {
  administerMariadb,
  example,
  forEachStore,
  mariadbUrl,
  type Program,
  spawnCommand,
} from "./people.ts";

interface Service {
  readonly image?: string;
  readonly build?: string | { readonly context: string; readonly target: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

const compose = parse(readFileSync(join(example, "compose.yaml"), "utf8"), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const { services } = compose;

interface Stage {
  readonly from: string;
  readonly lines: readonly (readonly [word: string, rest: string])[];
}

/** The stages of the Dockerfile by name. */
const stages = new Map<string, Stage>(
  readFileSync(join(example, "Dockerfile"), "utf8")
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split(/^FROM /m)
    .slice(1)
    .map((text) => {
      const [first = "", ...lines] = text.trim().split(/\n+/);
      const [, from = "", name = ""] = /^(\S+) AS (\S+)$/.exec(first) ?? assert.fail(first);
      const words = lines.map((line) => {
        const at = line.indexOf(" ");
        return [line.slice(0, at), line.slice(at + 1)] as const;
      });
      return [name, { from, lines: words }];
    }),
);

/** All that a stage says with a word, that of the stage it begins with first. */
function said(stage: string, word: string): string[] {
  const { from, lines } = stages.get(stage) ?? assert.fail(stage);
  const own = lines.filter(([one]) => one === word).map(([, rest]) => rest);
  return [...(stages.has(from) ? said(from, word) : []), ...own];
}

const commandOf = (stage: string): string[] => JSON.parse(said(stage, "CMD").at(-1)!);
const healthOf = (stage: string): string[] =>
  JSON.parse(said(stage, "HEALTHCHECK").at(-1)!.split("CMD ")[1]!);
const environmentOf = (stage: string) =>
  Object.fromEntries(said(stage, "ENV").flatMap((line) => line.split(" ").map((pair) => pair.split("="))));

/** Services in an order in which compose may start them. */
function inOrder(): string[] {
  const order: string[] = [];
  const start = (name: string) => {
    if (order.includes(name)) return;
    for (const other of Object.keys(services[name]?.depends_on ?? {})) start(other);
    order.push(name);
  };
  for (const name of Object.keys(services)) start(name);
  return order;
}

test("compose.yaml: every name is that of something, secrets are not in it, and Web has none of the database", () => {
  const text = readFileSync(join(example, "compose.yaml"), "utf8");
  assert.deepEqual(inOrder(), ["database", "poolhouse", "setup", "api", "web"]);
  for (const [name, service] of Object.entries(services)) {
    assert.ok(service.image !== undefined || service.build !== undefined, name);
    if (typeof service.build === "object") assert.ok(stages.has(service.build.target), name);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.ok(other in services);
      assert.match(condition, /^service_(?:started|healthy|completed_successfully)$/);
    }
    for (const volume of service.volumes ?? []) assert.ok(volume.split(":")[0]! in compose.volumes, volume);
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, "this machine only");
  }
  for (const [, name] of text.matchAll(/(?<!RANDOM_ROOT_)(?:PASSWORD|KEY_ID|ACCESS_KEY): (\S+)/g))
    assert.match(name!, /^\$\{\w+:\?is$/);
  assert.equal(services["web"]!.environment, undefined);
  assert.deepEqual(services["api"]!.volumes, ["settings-of-api:/settings:ro"]);
  assert.deepEqual(services["web"]!.volumes, ["settings-of-web:/settings:ro"]);
  assert.doesNotMatch(JSON.stringify(services["web"]), /DATABASE|database|migrat/);
});

test("Dockerfile: it copies what there is, and each program alone", () => {
  const tarball = "poolhouse-*.tgz";
  const copied = (stage: string) => said(stage, "COPY").flatMap((line) => line.split(" ").slice(0, -1));
  for (const stage of stages.keys())
    for (const name of copied(stage).filter((one) => one !== tarball))
      assert.notEqual(globSync(name, { cwd: example }).length, 0, name);
  const shared = ["package*.json", tarball, "settings.ts"];
  assert.deepEqual(copied("web"), [...shared, "web"]);
  assert.deepEqual(copied("api"), [...shared, "api"]);
  assert.deepEqual(copied("setup"), [...shared, "setup.ts"]);
  const importsOf = (folder: string) =>
    readdirSync(join(example, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap(
        (file) =>
          readFileSync(join(example, folder, file), "utf8").match(/(?<=from ")\.\.\/\.?.*(?=")/g) ?? [],
      );
  assert.deepEqual(new Set([...importsOf("web"), ...importsOf("api")]), new Set(["../settings.ts"]));
});

const settingsIn = (folder: string) => parseEnv(readFileSync(join(folder, ".env"), "utf8"));

/** Lets Node.js find Poolhouse by its alias, as in a container, and the package of the clone in place of a tarball. */
const withAlias = {
  NODE_OPTIONS: `--conditions=poolhouse-source --import ${new URL("alias.ts", import.meta.url).href}`,
};

/** Chromium looks for *.localhost on its own machine, as every browser does; its user comes in at the same URL. */
async function signIn(webUrl: string, poolUrl: string, settings: string): Promise<void> {
  const { USERS_PASSWORD, ISSUER } = settingsIn(settings);
  assert.ok(ISSUER!.startsWith(poolUrl), ISSUER);
  const browser = await browse();
  try {
    const page = await browser.newPage();
    await page.goto(webUrl);
    await page.getByRole("link", { name: "Sign in" }).click();
    assert.ok(page.url().startsWith(poolUrl), page.url());
    await page.fill("#username", "ada");
    await page.fill("#password", USERS_PASSWORD!);
    await page.locator("form button.primary").first().click();
    await page.waitForURL(new URL("/people", webUrl).href);
    assert.match((await page.textContent("main")) ?? "", /There is nobody here yet/);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(webUrl);
  } finally {
    await browser.close();
  }
}

const running: Program[] = [];
after(async () => {
  for (const { process } of running.toReversed()) await endChild(process, "SIGKILL");
});

forEachStore(() => {
  const options = needs("chromium");
  test(
    "its processes, one after another: the API waits for a database that comes late, and a browser signs in",
    options,
    async () => {
      const name = `people_${randomBytes(6).toString("hex")}`;
      const secrets: Readonly<Record<string, string>> = {
        DATABASE_PASSWORD: randomBytes(8).toString("hex"),
        ROOT_ACCESS_KEY_ID: "AKIACOMPOSETEST00000",
        ROOT_SECRET_ACCESS_KEY: randomBytes(24).toString("hex"),
      };
      const settings = temporaryFolder();
      for (const name of ["api", "web"]) mkdirSync(join(settings, name));
      const ports = { pool: await freePort(), api: await freePort(), web: await freePort() };
      const { host } = new URL(mariadbUrl);
      /** What is a place in containers is another one here. */
      const here = (text: string) =>
        text
          .replace(
            /\$\{(\w+):\?[^}]*\}/g,
            (_, variable: string) => secrets[variable] ?? assert.fail(variable),
          )
          .replace("people:", `${name}:`)
          .replace("@database:3306/people", `@${host}/${name}`)
          .replace("poolhouse.localhost:4747", `poolhouse.localhost:${ports.pool}`)
          .replace("api:3011", `localhost:${ports.api}`)
          .replace("localhost:3010", `localhost:${ports.web}`)
          .replace("/app/", `${example}/`);
      /** The command of a service with its own volume of settings. */
      const command = (service: string, argv: readonly string[]) =>
        argv.map((word) => here(word).replace("/settings/", `${settings}/${service}/`));
      const environment = (service: string, stage?: string) => ({
        ...(stage !== undefined && { ...environmentOf(stage), HOST: "127.0.0.1" }),
        ...Object.fromEntries(
          Object.entries(services[service]?.environment ?? {}).map(([variable, value]) => [
            variable,
            here(value),
          ]),
        ),
      });
      const run = (service: string) => {
        const cwd = service === "setup" ? settings : example;
        const argv = command(service, commandOf(service));
        const program = spawnCommand(argv, { cwd, env: { ...environment(service, service), ...withAlias } });
        running.push(program);
        return program;
      };

      const data = temporaryFolder();
      const poolhouse = spawnCommand(["node", main, "serve", "--data", data], {
        env: { ...environment("poolhouse"), POOLHOUSE_PORT: String(ports.pool) },
      });
      running.push(poolhouse);
      await poolhouse.hear(/Poolhouse ready at/);
      const setup = run("setup");
      assert.equal(await setup.ended, 0, setup.said());
      assert.equal(await run("setup").ended, 0, "started again it finds its work done");
      const [ofApi, ofWeb] = ["api", "web"].map((name) => settingsIn(join(settings, name)));
      assert.deepEqual(Object.keys(ofApi!).toSorted(), [
        "API_URL",
        "CLIENT_ID",
        "ISSUER",
        "SCRIPT_CLIENT_ID",
      ]);
      for (const name of ["USERS_PASSWORD", "SCRIPT_CLIENT_ID"]) assert.ok(!(name in ofWeb!), name);

      const api = run("api");
      await api.hear(/Waiting for the database: /);
      const healthy = () =>
        spawnCommand(command("api", healthOf("api")), { cwd: example, env: environment("api", "api") }).ended;
      assert.equal(await healthy(), 1);
      await administerMariadb(`create database ${name}`);
      try {
        await administerMariadb(
          `grant all on ${name}.* to '${name}'@'%' identified by '${secrets["DATABASE_PASSWORD"]}'`,
        );
        await api.hear(/The People API is at/);
        assert.equal(await healthy(), 0);
        const web = run("web");
        await web.hear(/People Web is at/);
        await signIn(`http://localhost:${ports.web}/`, `http://poolhouse.localhost:${ports.pool}/`, settings);
        const store = openDatabase(here(services["api"]!.environment!["DATABASE_URL"]!));
        assert.deepEqual(await store("migrations").pluck("name").orderBy("name"), [
          "1_people",
          "2_addresses",
          "3_status",
        ]);
        await store.destroy();
        for (const program of [web, api]) {
          program.process.kill("SIGTERM");
          assert.equal(await program.ended, 0, program.said());
          for (const secret of Object.values(secrets)) assert.ok(!program.said().includes(secret));
        }
      } finally {
        await administerMariadb(`drop database ${name}`);
        await administerMariadb(`drop user '${name}'@'%'`);
      }
    },
  );
}, ["mariadb"]);
