/** Configures Amplify and shows the page. */
import { Amplify, type ResourcesConfig } from "aws-amplify";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

/** The content of config.json, inserted by the build. */
declare const AMPLIFY_CONFIG: ResourcesConfig;

Amplify.configure(AMPLIFY_CONFIG);

createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
