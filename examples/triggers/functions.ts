/** Writes poolhouse.yaml, the configuration file with the functions of template.yaml, into the current folder. */
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { setting } from "./settings.ts";
import { functionsOfTemplate } from "./template.ts";

const functions = functionsOfTemplate(
  { AppUrl: setting("APP_URL"), SmtpUrl: setting("SMTP_URL"), SmsUrl: setting("SMS_URL") },
  {
    "access-key-id": setting("AWS_ACCESS_KEY_ID"),
    "secret-access-key": setting("AWS_SECRET_ACCESS_KEY"),
  },
);
writeFileSync("poolhouse.yaml", stringify({ functions }, { aliasDuplicateObjects: false }), { mode: 0o600 });
