/** Sign-ins through other identity providers: authorize, the way back from the provider, and the tokens. */
import { type Answer, Connection, document } from "./lib/connection.ts";
import type { Operation } from "./lib/load.ts";
import { newSamlProvider } from "./lib/saml-provider.ts";
import type { Scenario } from "./lib/scenario.ts";
import { startProgram } from "./lib/server.ts";
import { type Stage, signedCall } from "./lib/stage.ts";
import { form, headerOf, oauthClient, queryOf, redeem } from "./oauth-scenarios.ts";

/** People who sign in: enough that no row is contended, and known after the warm-up. */
const people = 500;
const clientAtProvider = "bench";

interface NewProvider {
  readonly ProviderName: string;
  readonly ProviderType: "OIDC" | "SAML";
  readonly ProviderDetails: Readonly<Record<string, string>>;
  readonly AttributeMapping: Readonly<Record<string, string>>;
}

/** Adds a provider to the stage's pool, and a client whose only provider it is. Returns the client's id. */
async function addProvider(stage: Stage, provider: NewProvider): Promise<string> {
  const connection = new Connection(stage.server.port);
  const input = { UserPoolId: stage.poolId, ...provider };
  document(await signedCall(connection, stage.server.port, "CreateIdentityProvider", input));
  connection.close();
  return (await oauthClient(stage, { SupportedIdentityProviders: [provider.ProviderName] })).id;
}

interface SignIn {
  readonly stage: Stage;
  readonly clientId: string;
  /**
   * Brings the provider's answer to a request, which names the user.
   * @returns the answer of the server that sends the browser back to the application
   */
  readonly bring: (
    connection: Connection,
    request: URL,
    from: { readonly user: string; readonly cookie: string },
  ) => Promise<Answer>;
}

/** Where a browser is sent, provided that nobody refused it. */
function sentTo(answer: Answer): URL {
  const location = headerOf(answer, "location");
  if (!location.startsWith("http") || /[?&]error=/.test(location)) throw new Error(answer.head + answer.body);
  return new URL(location);
}

function signIn({ stage, clientId, bring }: SignIn): Operation {
  const query = queryOf(clientId);
  return async (connection, turn) => {
    const path = `/${stage.poolId}/oauth2/authorize?${query}`;
    const sent = await connection.request("GET", path);
    const cookie = headerOf(sent, "set-cookie").split(";")[0] ?? "";
    const from = { user: `user${turn % people}`, cookie };
    const back = await bring(connection, sentTo(sent), from);
    return redeem(connection, stage, clientId, sentTo(back).href);
  };
}

async function throughOpenId(stage: Stage): Promise<Operation> {
  const { port } = await startProgram("bench/lib/openid-provider.ts", [clientAtProvider]);
  const clientId = await addProvider(stage, {
    ProviderName: "OpenId",
    ProviderType: "OIDC",
    ProviderDetails: {
      client_id: clientAtProvider,
      client_secret: "the secret of the bench",
      oidc_issuer: `http://127.0.0.1:${port}`,
      authorize_scopes: "openid email profile",
      attributes_request_method: "GET",
    },
    AttributeMapping: { email: "email", given_name: "given_name", family_name: "family_name" },
  });
  const bring: SignIn["bring"] = (connection, request, { user, cookie }) => {
    const code = Buffer.from(JSON.stringify([request.searchParams.get("nonce"), user])).toString("base64url");
    const answer = new URLSearchParams({ code, state: request.searchParams.get("state") ?? "" });
    const path = `/${stage.poolId}/oauth2/idpresponse?${answer}`;
    return connection.request("GET", path, { cookie });
  };
  return signIn({ stage, clientId, bring });
}

async function throughSaml(stage: Stage): Promise<Operation> {
  const provider = await newSamlProvider();
  const { poolId } = stage;
  const clientId = await addProvider(stage, {
    ProviderName: "Saml",
    ProviderType: "SAML",
    ProviderDetails: { MetadataFile: provider.metadata },
    AttributeMapping: provider.mapping,
  });
  const path = `/${poolId}/saml2/idpresponse`;
  const acs = `http://localhost:${stage.server.port}${path}`;
  const bring: SignIn["bring"] = async (connection, request, { user, cookie }) => {
    const answer = {
      SAMLResponse: provider.answer(request, { poolId, acs, nameId: user }),
      RelayState: request.searchParams.get("RelayState") ?? "",
    };
    const body = new URLSearchParams(answer).toString();
    const { pathname, search } = sentTo(await connection.request("POST", path, form, body));
    return connection.request("GET", `${pathname}${search}`, { cookie });
  };
  return signIn({ stage, clientId, bring });
}

const common = { limit: { check: 1, signature: 2 }, connections: 4 } as const;

export const federationScenarios: readonly Scenario[] = [
  {
    name: "openid-provider",
    title: "Sign-in, OpenID provider",
    ...common,
    goal: { sqlite: 0.25, postgres: 0.25 },
    prepare: throughOpenId,
  },
  {
    name: "saml-provider",
    title: "Sign-in, SAML provider",
    ...common,
    goal: { sqlite: 0.15, postgres: 0.15 },
    prepare: throughSaml,
  },
];
