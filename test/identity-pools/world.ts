/** An identity pool, and what is asked of it. */
import {
  type CognitoIdentityClient,
  DescribeIdentityCommand,
  GetCredentialsForIdentityCommand,
  GetIdCommand,
  GetOpenIdTokenForDeveloperIdentityCommand,
  LookupDeveloperIdentityCommand,
  MergeDeveloperIdentitiesCommand,
  UnlinkIdentityCommand,
} from "@aws-sdk/client-cognito-identity";
import { makePool, makeSomebody, refused, signIn } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { allowing, giveRoles, identityClient, makeIdentityPool, providerOf } from "./setup.ts";

/** The developer provider of the identity pool. */
export const developer = "login.mycompany.myapp";
/** How an identity is refused to whom it does not belong. */
export const forbidden = refused("NotAuthorizedException", /is forbidden\.$/);
/** Tokens by the names of their providers. */
export type Logins = Record<string, string>;

/** Two user pools, each a provider of one identity pool. */
export class World {
  readonly server: TestServer;
  readonly client: CognitoIdentityClient;
  readonly userPools: readonly { readonly UserPoolId: string; readonly ClientId: string }[];
  readonly poolId: string;

  private constructor(
    server: TestServer,
    client: CognitoIdentityClient,
    userPools: World["userPools"],
    poolId: string,
  ) {
    this.server = server;
    this.client = client;
    this.userPools = userPools;
    this.poolId = poolId;
  }

  static async make(open: () => Promise<TestServer>): Promise<World> {
    const server = await open();
    const client = identityClient(server);
    const userPools = [await makePool(server), await makePool(server)];
    const poolId = await makeIdentityPool(client, {
      AllowUnauthenticatedIdentities: true,
      AllowClassicFlow: true,
      DeveloperProviderName: developer,
      CognitoIdentityProviders: userPools.map(({ UserPoolId, ClientId }, index) => ({
        ProviderName: providerOf(UserPoolId),
        ClientId,
        ServerSideTokenCheck: index === 1,
      })),
    });
    const invoking = allowing("execute-api:Invoke");
    await giveRoles(server, client, poolId, { authenticated: invoking, unauthenticated: invoking });
    return new World(server, client, userPools, poolId);
  }

  /** The same, with another identity pool. */
  of(poolId: string): World {
    return new World(this.server, this.client, this.userPools, poolId);
  }

  /** The same at another server of the database. */
  at(server: TestServer): World {
    return new World(server, identityClient(server), this.userPools, this.poolId);
  }

  /** The login of a new user of one of the pools. */
  async login(index = 0): Promise<Logins> {
    const { UserPoolId, ClientId } = this.userPools[index]!;
    const { IdToken } = await signIn(this.server, ClientId, await makeSomebody(this.server, UserPoolId));
    return { [providerOf(UserPoolId)]: IdToken };
  }

  async id(Logins?: Logins): Promise<string> {
    const { IdentityId } = await this.client.send(new GetIdCommand({ IdentityPoolId: this.poolId, Logins }));
    return IdentityId!;
  }

  /** The identity that credentials are given for. */
  async use(IdentityId: string, Logins?: Logins): Promise<string> {
    const answer = await this.client.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
    return answer.IdentityId!;
  }

  async vouch(name: string, IdentityId?: string, more: Logins = {}): Promise<{ id: string; token: string }> {
    const command = new GetOpenIdTokenForDeveloperIdentityCommand({
      IdentityPoolId: this.poolId,
      IdentityId,
      Logins: { [developer]: name, ...more },
    });
    const answer = await this.client.send(command);
    return { id: answer.IdentityId!, token: answer.Token! };
  }

  /** The developer's users that are an identity. */
  async namesOf(IdentityId: string): Promise<string[]> {
    const command = new LookupDeveloperIdentityCommand({ IdentityPoolId: this.poolId, IdentityId });
    return (await this.client.send(command)).DeveloperUserIdentifierList ?? [];
  }

  async merge(SourceUserIdentifier: string, DestinationUserIdentifier: string): Promise<string> {
    const command = new MergeDeveloperIdentitiesCommand({
      ...{ IdentityPoolId: this.poolId, DeveloperProviderName: developer },
      ...{ SourceUserIdentifier, DestinationUserIdentifier },
    });
    return (await this.client.send(command)).IdentityId!;
  }

  unlink(IdentityId: string, LoginsToRemove: string[], Logins: Logins) {
    return this.client.send(new UnlinkIdentityCommand({ IdentityId, Logins, LoginsToRemove }));
  }

  async loginsOf(IdentityId: string): Promise<string[]> {
    return (await this.client.send(new DescribeIdentityCommand({ IdentityId }))).Logins ?? [];
  }
}
