/**
 * The routes of the welcome page and of the built-in application. The composition root mounts them on a server that only
 * this machine uses. Without the demo, for programs, and for requests through a proxy or from pages of other origins they
 * do not exist.
 */
import { readFileSync } from "node:fs";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { Serving } from "../context.ts";
import { copyScript } from "../kit/copy.ts";
import { plainHeaders, wantsPage } from "../kit/plain-page.ts";
import { comesFromElsewhere } from "../same-machine.ts";
import { callbackPath, type Demo, findDemo, signInPath } from "./demo.ts";
import { applicationPage, welcomePage } from "./page.ts";

type Bindings = { Bindings: HttpBindings };

/** Modules of jose that the application verifies tokens with, unchanged. */
const jose = new URL("..", import.meta.resolve("jose/jwt/verify"));
const ours = new URL("public/", import.meta.url);
const scriptsPath = "/demo/scripts";

export function welcomeRoutes(serving: Serving): Hono<Bindings> {
  const { app } = serving;
  const routes = new Hono<Bindings>();
  const prefix = new URL(app.config.publicUrl).pathname.replace(/\/$/, "");
  const pages = { "/": welcomePage, [signInPath]: applicationPage, [callbackPath]: applicationPage };
  for (const [path, page] of Object.entries(pages))
    routes.get(path, async (c, next) => {
      if (!wantsPage(c.req.header("accept")) || comesFromElsewhere(c)) return next();
      const demo: Demo | undefined = await findDemo(serving.context(c.env.incoming));
      if (demo === undefined) return next();
      return c.html(page(app, demo, `${prefix}${scriptsPath}`), 200, plainHeaders);
    });
  routes.get(`${scriptsPath}/:name{(?:welcome|application)\\.js}`, (c, next) => {
    return answerScript(c, new URL(c.req.param("name"), ours)) ?? next();
  });
  routes.get(`${scriptsPath}/copy.js`, (c, next) => answerScript(c, copyScript) ?? next());
  routes.get(`${scriptsPath}/jose/:folder{jw[a-z]+|lib|util}/:name{[a-z0-9_]+\\.js}`, (c, next) => {
    const { folder, name } = c.req.param();
    return answerScript(c, new URL(`${folder}/${name}`, jose)) ?? next();
  });
  return routes;
}

function answerScript(c: Context<Bindings>, file: URL): Response | undefined {
  const text = textOf(file);
  if (text === undefined) return undefined;
  return c.body(text, 200, {
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
  });
}

function textOf(file: URL): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
