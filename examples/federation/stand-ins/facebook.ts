/** The part of Facebook Login that a pool uses: the dialog, the code for a token, and the profile from the Graph API. */
import { createHash, createHmac, randomBytes } from "node:crypto";
import express, { type Express } from "express";
import { choosePerson, type Person, personOf, refusedPage } from "./people.ts";

interface Code {
  readonly person: Person;
  readonly redirectUri: string;
  readonly challenge: string;
}

const answerOf = ({ id, name, email }: Person, fields: readonly string[]) => {
  const known: Readonly<Record<string, string>> = { id, name, email };
  return Object.fromEntries(
    Object.entries(known).filter(([field]) => field === "id" || fields.includes(field)),
  );
};

/** @param pool what the endpoints of the pool's domain begin with */
export function facebook(client: {
  readonly id: string;
  readonly secret: string;
  readonly pool: string;
}): Express {
  const codes = new Map<string, Code>();
  const tokens = new Map<string, Person>();
  const app = express();
  app.use("/style.css", express.static(`${import.meta.dirname}/../style.css`));

  app.all("/dialog/oauth", express.urlencoded(), (request, response) => {
    const { client_id: id, redirect_uri: redirectUri, state, code_challenge: challenge } = request.query;
    if (id !== client.id || redirectUri !== `${client.pool}/oauth2/idpresponse`)
      return void response
        .status(400)
        .send(refusedPage("This application or its redirect URI is not known here."));
    const person = request.method === "POST" ? personOf(request.body?.["person"]) : undefined;
    if (person === undefined) return void response.send(choosePerson("Facebook"));
    const code = randomBytes(24).toString("base64url");
    codes.set(code, { person, redirectUri, challenge: String(challenge) });
    const back = new URL(redirectUri);
    back.search = String(new URLSearchParams({ code, state: String(state) }));
    response.redirect(303, back.href);
  });

  app.post("/oauth/access_token", express.urlencoded(), (request, response) => {
    const { client_id, client_secret, code, redirect_uri, code_verifier } = request.body ?? {};
    const known = codes.get(code);
    codes.delete(code);
    const challenge = createHash("sha256").update(String(code_verifier)).digest("base64url");
    const isOurs = client_id === client.id && client_secret === client.secret;
    if (!isOurs || known?.redirectUri !== redirect_uri || known?.challenge !== challenge)
      return void response.status(400).json({ error: "invalid_grant" });
    const token = randomBytes(24).toString("base64url");
    tokens.set(token, known!.person);
    response.json({ access_token: token, token_type: "bearer", expires_in: 3600 });
  });

  app.get("/me", (request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const person = tokens.get(token);
    const proof = createHmac("sha256", client.secret).update(token).digest("hex");
    if (person === undefined || request.query["appsecret_proof"] !== proof)
      return void response.status(401).json({ error: { message: "Invalid token or appsecret_proof" } });
    response.json(answerOf(person, String(request.query["fields"]).split(",")));
  });
  return app;
}
