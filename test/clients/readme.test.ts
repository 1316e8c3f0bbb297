/** The README and the welcome page, by paste: each snippet run as it is printed, against the demo of `npm start`. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ask } from "../kit/ask.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";

const root = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);

interface Snippet {
  readonly title: string;
  readonly language: string;
  readonly code: string;
}

/** The fenced snippets of a section, each with the bold words that introduce it. */
function snippets(section: string): Snippet[] {
  const text = readFileSync(join(root, "README.md"), "utf8").split(`## ${section}\n`)[1]!.split("\n## ")[0]!;
  let title = "";
  return [...text.matchAll(/^\*\*(.+?)\*\*|^```(\w+)\n([\s\S]*?)^```/gm)].flatMap((match) => {
    if (match[1] !== undefined) title = match[1];
    return match[2] === undefined ? [] : [{ title, language: match[2], code: match[3]! }];
  });
}

/** The demo server of `npm start`, in an empty folder, on a port of its own. */
async function startDemo(folder: string): Promise<{ port: string; stop: () => Promise<void> }> {
  const argv = [join(root, "src", "main.ts"), "serve", "--demo", "--port", "0"];
  const child = spawn(process.execPath, argv, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  for await (const chunk of child.stdout) {
    output += chunk;
    const [, port] = /^Poolhouse ready at http:\/\/localhost:(\d+)$/m.exec(output) ?? [];
    if (port === undefined) continue;
    const stop = async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    };
    return { port, stop };
  }
  throw new Error(`the demo did not start: ${output}`);
}

const programs: Readonly<Record<string, string>> = {
  sh: "/bin/bash",
  python: "/usr/bin/python3",
  js: process.execPath,
};

/** What each snippet of the README prints when it works. */
const expected: Readonly<Record<string, RegExp>> = {
  curl: /"AccessToken":"eyJ/,
  "aws-cli": /"AccessToken": "eyJ|"demo@example\.com"/,
  boto3: /^3600$/m,
  "AWS SDK for JavaScript v3": /^Bearer$/m,
  "AWS SDK for JavaScript v2": /^Bearer$/m,
  "amazon-cognito-identity-js": /^demo@example\.com$/m,
  "Verifying a token": /token_use: 'id'/,
};

test("every snippet of the README works by paste", needs("aws-cli"), async (t) => {
  const folder = temporaryFolder();
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const demo = await startDemo(folder);
  const options = { cwd: folder, env: { ...process.env, PATH: `/usr/bin:${process.env["PATH"]}` } };
  const here = (code: string) => code.replaceAll("localhost:4747", `localhost:${demo.port}`);
  const all = snippets("First sign-in");
  try {
    assert.deepEqual(new Set(all.map(({ title }) => title)), new Set(Object.keys(expected)));
    for (const [index, { title, language, code }] of all.entries()) {
      await t.test(`${index + 1} ${title}`, needs(language === "python" ? "boto3" : "aws-cli"), async () => {
        const script = join(folder, language === "js" ? "try.mjs" : "snippet");
        writeFileSync(script, here(code));
        const token = title === "Verifying a token" ? [await idToken(demo.port)] : [];
        const { stdout } = await run(programs[language]!, [script, ...token], options);
        assert.match(stdout, expected[title]!);
      });
    }
  } finally {
    await demo.stop();
  }
});

/** What each snippet of the welcome page prints when it works. */
const welcomed: Readonly<Record<string, RegExp>> = {
  "aws-cli": /"AccessToken": "eyJ/,
  "AWS SDK for JavaScript v3": /^eyJ/m,
  Amplify: /email: 'demo@example\.com'/,
  "OpenID Connect client": /\/us-east-1_Demo12345\/oauth2\/authorize\?.*code_challenge_method=S256/,
  boto3: /^eyJ/m,
};

test(
  "every snippet of the welcome page works by paste, and so does the README's own pool",
  needs("aws-cli"),
  async (t) => {
    const folder = temporaryFolder();
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const demo = await startDemo(folder);
    const url = `http://localhost:${demo.port}`;
    const options = { cwd: folder, env: { ...process.env, PATH: `/usr/bin:${process.env["PATH"]}` } };
    const paste = async (language: string, code: string) => {
      const script = join(folder, language === "js" ? "try.mjs" : "snippet");
      writeFileSync(script, code);
      const { stdout } = await run(programs[language]!, [script], options);
      return stdout;
    };
    try {
      const page = await (await fetch(url, { headers: { accept: "text/html" } })).text();
      const found = [
        ...page.matchAll(/<h3[^>]*>(.*?)<\/h3>[\s\S]*?<pre [^>]*data-language="(\w+)">([\s\S]*?)<\/pre>/g),
      ];
      assert.deepEqual(
        found.map(([, title]) => title),
        Object.keys(welcomed),
      );
      for (const [, title = "", language = "", code = ""] of found)
        await t.test(title, needs(language === "python" ? "boto3" : "aws-cli"), async () => {
          assert.match(await paste(language, unescaped(code)), welcomed[title]!);
        });
      await t.test("a pool of one's own", async () => {
        const [{ code } = assert.fail("no snippet")] = snippets("Replace Cognito in an afternoon");
        const stdout = await paste("sh", code.replaceAll("localhost:4747", `localhost:${demo.port}`));
        assert.match(stdout, /^FORCE_CHANGE_PASSWORD$/m);
        const [signIn = ""] = /^http:\/\/mine\.auth\.localhost:.*$/m.exec(stdout) ?? [];
        const { pathname, search, host } = new URL(signIn);
        const shown = await ask(`${url}${pathname}${search}`, { headers: { host } });
        assert.equal(shown.status, 200);
        const inbox = await (await fetch(`${url}/inbox/messages?to=ann@example.com`)).text();
        assert.match(inbox, /"kind":"invitation"/);
      });
    } finally {
      await demo.stop();
    }
  },
);

/** The text of HTML that has only the escapes of hono. */
const unescaped = (text: string) =>
  text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");

async function idToken(port: string): Promise<string> {
  const answer = await fetch(`http://localhost:${port}/`, {
    method: "POST",
    headers: { "x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth" },
    body: JSON.stringify({
      ClientId: "demoappclient",
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: "demo@example.com", PASSWORD: "Poolhouse-demo-1" },
    }),
  });
  const { AuthenticationResult } = (await answer.json()) as { AuthenticationResult: { IdToken: string } };
  return AuthenticationResult.IdToken;
}
