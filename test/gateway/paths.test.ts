/** Whatever another server makes of a path, a rule of the gateway guards it: compared with nginx and with URL. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { plainPath } from "../../src/gateway/paths.ts";
import { routeOf } from "../../src/gateway/rules.ts";
import { dice } from "../kit/dice.ts";
import { needs } from "../kit/machine.ts";
import { freePort } from "../kit/ports.ts";
import { whole } from "../kit/whole.ts";
import { route } from "./place.ts";
import { startNginx } from "./proxies.ts";

const routes = [
  route("/public/**", { access: "public" }),
  route("/admin/**", { groups: ["admins"] }),
  route("/other/**"),
];

/** The path that the gateway decides about, and the rule; undefined if it refuses. */
function decided(target: string): { readonly path: string; readonly rule: string } | undefined {
  const path = plainPath(target.split(/[?#]/, 1)[0]!);
  const found =
    path === undefined
      ? undefined
      : routeOf({ hosts: [], upstream: undefined, routes }, { method: "GET" }, path);
  return found === undefined ? undefined : { path: path!, rule: found.path };
}

const words = [
  "admin",
  "public",
  "other",
  "ADMIN",
  "Admin",
  "%61dmin",
  "adm%69n",
  "%41DMIN",
  "pub%6Cic",
  "x",
];
const marks = [
  ...[
    "/",
    "/",
    "/",
    "//",
    "/.",
    "/..",
    "/./",
    "/../",
    "/...",
    "..",
    ".",
    "%2e",
    "%2E%2e",
    "%2f",
    "%2F",
    "%5c",
    "\\",
  ],
  ...[
    "%00",
    "%0a",
    "%",
    "%zz",
    "%2",
    "%25",
    "%252e%252e",
    "%252f",
    ";",
    ";x=1",
    "..;",
    "?",
    "#",
    "%3f",
    "%23",
  ],
  ...[
    "%20",
    "+",
    "%c0%ae",
    "%c0%af",
    "%e0%80%af",
    "%c3%a4",
    "\u00e4",
    "%ff",
    "*",
    ":",
    "@",
    "&",
    "~",
    "%7e",
    "|",
  ],
];

/** Targets of one to eight pieces each; the same ones each time. */
function targets(count: number): string[] {
  const { pick, chance } = dice(19);
  return Array.from({ length: count }, () => {
    const pieces = Array.from({ length: pick([1, 2, 3, 4, 5, 6, 7, 8]) }, () =>
      pick(chance(2) ? words : marks),
    );
    return `/${pick(["", "public/", "admin/"])}${pieces.join("")}`;
  });
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Asks for each target, as it is, over as few connections as the server allows. */
async function answersOf(port: number, asked: readonly string[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < asked.length) {
    const batch = asked.slice(answers.length, answers.length + 200);
    const lines = batch.map((target, at) => {
      const close = at === batch.length - 1 ? "Connection: close\r\n" : "";
      return `GET ${target} HTTP/1.1\r\nHost: x\r\n${close}\r\n`;
    });
    const socket = connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    // A server that refuses one of them closes without reading the others.
    socket.on("error", () => {});
    socket.write(Buffer.from(lines.join(""), "latin1"));
    await once(socket, "close");
    const found = answersIn(Buffer.concat(parts).toString("latin1"));
    assert.ok(found.length > 0, batch[0]);
    answers.push(...found);
  }
  return answers;
}

function answersIn(text: string): Answer[] {
  const found: Answer[] = [];
  for (let rest = text; rest !== ""; ) {
    const end = rest.indexOf("\r\n\r\n") + 4;
    const head = rest.slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const body = Buffer.from(rest.slice(end, end + length), "latin1").toString();
    found.push({ status: Number(head.slice(9, 12)), body });
    rest = rest.slice(end + length);
  }
  return found;
}

describe("paths mean the same to the gateway and to", () => {
  test("nginx", needs("nginx"), async () => {
    const port = await freePort();
    const place = (location: string, rule: string) => `location ${location} { return 200 "${rule} $uri"; }`;
    await startNginx(
      `default_type text/plain; server { listen 127.0.0.1:${port};
        ${place("/", "none")} ${["public", "admin", "other"]
          .map((name) => place(`= /${name}`, `/${name}/**`) + place(`/${name}/`, `/${name}/**`))
          .join(" ")} }`,
      port,
    );
    const asked = targets(whole ? 60_000 : 6000);
    const answers = await answersOf(port, asked);
    const passed = { public: 0, admin: 0, refused: 0 };
    for (const [at, target] of asked.entries()) {
      const { status, body } = answers[at]!;
      const ours = decided(target);
      if (ours === undefined) passed.refused += 1;
      if (ours === undefined || status !== 200) continue;
      const [rule, uri] = [body.slice(0, body.indexOf(" ")), body.slice(body.indexOf(" ") + 1)];
      assert.equal(uri, ours.path, target);
      // A rule that asks for something also guards what nginx takes for another path: of other case, with parameters.
      if (rule === "/admin/**" || ours.rule === "/public/**") assert.equal(ours.rule, rule, target);
      if (rule === "/admin/**") passed.admin += 1;
      if (rule === "/public/**") passed.public += 1;
    }
    // The comparison is about something.
    for (const [what, count] of Object.entries(passed))
      assert.ok(count > asked.length / 200, `${what}: ${count}`);
  });

  test("programs that resolve it as a URL, and decode it once or twice", () => {
    let compared = 0;
    for (const target of targets(whole ? 200_000 : 20_000)) {
      const ours = decided(target);
      if (ours === undefined) continue;
      compared += 1;
      const { pathname } = new URL(target, "http://x");
      const once = decodeURIComponent(pathname);
      assert.equal(once, ours.path, target);
      assert.equal(decodeURIComponent(once.replaceAll(/%(?![\da-f]{2})/gi, "%25")), ours.path, target);
      for (const read of [
        once.replaceAll(/\/+/g, "/"),
        once.replaceAll("\\", "/"),
        once.replaceAll(/;[^/]*/g, ""),
      ])
        if (/^\/admin(?:\/|$)/i.test(read)) assert.equal(ours.rule, "/admin/**", target);
    }
    assert.ok(compared > 1000);
  });
});
