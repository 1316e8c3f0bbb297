/** An OpenID provider, by oidc-provider. Google is one, too. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import express, { type Express } from "express";
import Provider from "oidc-provider";
import { Html, html, page } from "../html.ts";
import { inMemory } from "./memory.ts";
import { choosePerson, personOf, refusedPage } from "./people.ts";

interface OurClient {
  readonly id: string;
  readonly secret: string;
  /** What the endpoints of the pool's domain begin with. */
  readonly pool: string;
}

/**
 * @param name its name on its pages
 * @param at its URL, with a slash at the end
 */
export function openIdProvider(name: string, at: string, client: OurClient): Express {
  const provider = new Provider(new URL(at).origin, configurationOf(name, client));
  const app = express();
  app.use("/style.css", express.static(`${import.meta.dirname}/../style.css`));
  app.get("/interaction/:id", (_request, response) => void response.send(choosePerson(name)));
  app.post("/interaction/:id", express.urlencoded(), async (request, response) => {
    const person = personOf(request.body?.["person"]);
    if (person === undefined) return void response.status(400).send(refusedPage("There is no such account."));
    await provider.interactionFinished(request, response, { login: { accountId: person.id } });
  });
  app.use(provider.callback());
  return app;
}

const configurationOf = (name: string, { id, secret, pool }: OurClient) => ({
  adapter: inMemory(),
  clients: [
    {
      client_id: id,
      client_secret: secret,
      redirect_uris: [`${pool}/oauth2/idpresponse`],
      // Where browsers return to that the pool has sent here to sign out (IDPSignout).
      post_logout_redirect_uris: [`${pool}/logout`],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  findAccount: (_context: unknown, accountId: string) => {
    const person = personOf(accountId);
    return person && { accountId, claims: () => claimsOf(person) };
  },
  // Nobody is asked whether we may know name and address.
  loadExistingGrant: async ({ oidc }: { oidc: Oidc }) => {
    const { Grant } = oidc.provider;
    const grant = new Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
  interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      logoutSource: (context: { body: string }, form: string) => {
        context.body = signOutPage(name, new Html(form));
      },
    },
  },
  cookies: {
    keys: [randomBytes(32).toString("base64url")],
    // All of localhost shares its cookies, whatever the port.
    names: {
      session: `${name}_session`,
      interaction: `${name}_interaction`,
      resume: `${name}_resume`,
      state: `${name}_state`,
    },
  },
  jwks: {
    keys: [
      {
        ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }),
        use: "sig",
        alg: "RS256",
      },
    ],
  },
  ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 3600, IdToken: 3600 },
});

/** Asks whether the session here is to end, too. @param form a form without buttons */
const signOutPage = (name: string, form: Html): string =>
  page(
    `Sign out of ${name}?`,
    html`<p>The application has signed you out. You still have a session here.</p>
${form}
<p><button form="op.logoutForm" name="logout" value="yes">Sign out of ${name}</button>
<button form="op.logoutForm">Stay signed in here</button></p>`,
  );

const claimsOf = ({ id, name, email }: NonNullable<ReturnType<typeof personOf>>) => ({
  sub: id,
  email,
  email_verified: true,
  name,
});

/** The parts of oidc-provider's context that are used. */
interface Oidc {
  readonly client: { readonly clientId: string };
  readonly session: { readonly accountId: string };
  readonly provider: {
    readonly Grant: new (
      about: object,
    ) => {
      addOIDCScope(scope: string): void;
      save(): Promise<unknown>;
    };
  };
}
