/** The welcome page, and the page that the built-in application fills. */
import { join } from "node:path";
import { html } from "hono/html";
import type { App } from "../../app.ts";
import { programVersion } from "../../config/version.ts";
import { issuer } from "../../domain/user-pools/load-pool.ts";
import { parseDatabase } from "../../lib/database-url.ts";
import { type Html, plainPage } from "../kit/plain-page.ts";
import {
  builtInCallback,
  type Demo,
  demoClientId,
  demoUser,
  homeUrl,
  ownCallback,
  signInPath,
} from "./demo.ts";
import { type Snippet, snippetsFor } from "./snippets.ts";

/** @param scripts the path below which the scripts are */
export function welcomePage({ config, senders }: App, demo: Demo, scripts: string): string {
  const { publicUrl } = config;
  const main = html`<h1>Poolhouse is running</h1>
<p class="lead">A self-hosted identity server, wire-compatible with Amazon Cognito. This is version ${programVersion}, on
${parseDatabase(config.database).kind === "sqlite" ? "an embedded SQLite database" : "PostgreSQL"}, with a demo pool to try
it out. Only this machine sees this page.</p>
${demo.hasApplication ? signInButton(publicUrl) : html`<p class="note">The demo’s client has no built-in application: start the server with <code>--demo</code>.</p>`}
<section aria-labelledby="demo">
<h2 id="demo">The demo</h2>
<dl>
${facts(demo, config)}
${senders.keepsInbox ? fact("Messages", link(`${publicUrl}/inbox`)) : ""}
</dl>
<p class="soft">Calls of administrators are signed. The root access key is in
<code>${join(config.data, "secrets", "root-access-key.json")}</code>, unless it was configured.</p>
</section>
<section aria-labelledby="snippets">
<h2 id="snippets">Sign in with your own client</h2>
<p>Each of these is complete as it is. All that differs from Cognito is the endpoint.</p>
${snippetsFor(config).map(snippet)}
</section>
${nextSteps(demo, config)}`;
  return plainPage({ title: "Welcome", main, script: `${scripts}/welcome.js` });
}

const signInButton = (publicUrl: string) =>
  html`<p class="actions"><a class="button primary" href="${publicUrl}${signInPath}">Sign in as the demo user</a>
<span class="soft">with the password below; then you see the tokens</span></p>`;

const fact = (name: string, value: Html | string) => html`<dt>${name}</dt><dd>${value}</dd>`;
const code = (text: string) => html`<code>${text}</code>`;
const link = (url: string) => html`<a href="${url}">${url}</a>`;

function facts({ pool, client }: Demo, config: App["config"]): Html[] {
  const base = `${config.publicUrl}/${pool.id}`;
  return [
    fact("Endpoint", code(config.publicUrl)),
    fact("Region", code(config.region)),
    fact("User pool", code(pool.id)),
    fact("App client", code(client.id)),
    fact("Demo user", html`${code(demoUser.name)}, in the group ${code(demoUser.group)}`),
    fact("Password", code(demoUser.password)),
    fact("Issuer", code(issuer(config, pool))),
    fact("Discovery", link(`${base}/.well-known/openid-configuration`)),
  ];
}

function snippet({ title, language, note, code }: Snippet, at: number): Html {
  return html`<div class="snippet">
<div class="top"><h3 id="snippet-${at}">${title}</h3></div>
<pre tabindex="0" role="region" aria-labelledby="snippet-${at}" data-language="${language}">${code}</pre>
<p class="soft">${note}</p>
</div>
`;
}

function nextSteps({ pool }: Demo, { publicUrl, region }: App["config"]): Html {
  const call = `aws cognito-idp --endpoint-url ${publicUrl} --region ${region}`;
  return html`<section aria-labelledby="next">
<h2 id="next">Next steps</h2>
<ol>
<li>Create a pool of your own: <code>${call} create-user-pool --pool-name mine</code>, signed with the root access key.</li>
<li>Let your application use it: set <code>AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=${publicUrl}</code> for AWS SDKs, and the
issuer <code>${publicUrl}/&lt;pool id&gt;</code> for whatever verifies tokens. An application at <code>${ownCallback}</code> can
use the demo’s client at once.</li>
<li>Change the look of the sign-in page: CreateManagedLoginBranding or SetUICustomization for <code>${pool.id}</code>.</li>
<li>Run a whole system in a clone: <code>npm run example</code>. README.md has the list.</li>
<li>Before others use it: <code>docs/operating.md</code> (TLS, PostgreSQL, mail, backups), <code>SECURITY.md</code> and
<code>docs/fidelity.md</code> (what differs from Cognito). Then this page is gone.</li>
</ol>
</section>`;
}

/** The page of the built-in application; its script does the rest. */
export function applicationPage({ config }: App, { pool }: Demo, scripts: string): string {
  const main = html`<h1>Demo application</h1>
<div id="application" data-discovery="${config.publicUrl}/${pool.id}/.well-known/openid-configuration"
 data-client="${demoClientId}" data-user="${demoUser.name}" data-callback="${builtInCallback(config)}" data-sign-in="${config.publicUrl}${signInPath}"
 data-home="${homeUrl(config)}"></div>
<noscript><p class="note">This application runs in the browser and needs JavaScript. The sign-in pages do not.</p></noscript>
<p class="back"><a href="${homeUrl(config)}">Back to the welcome page</a></p>`;
  return plainPage({ title: "Demo application", main, script: `${scripts}/application.js` });
}
