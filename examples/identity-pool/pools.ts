/** The user pool and the identity pool, made with the unmodified AWS SDK. */
import {
  type CognitoIdentityClient,
  CreateIdentityPoolCommand,
  SetIdentityPoolRolesCommand,
} from "@aws-sdk/client-cognito-identity";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  type CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";

export interface Group {
  readonly name: string;
  /** The role of its members' credentials. */
  readonly roleArn: string;
  /** Whoever is in several groups has the role of the lowest by default, and may ask for those of the others. */
  readonly precedence: number;
}

export interface UserPool {
  readonly userPoolId: string;
  readonly clientId: string;
  readonly accountId: string;
}

/** A user pool for a page: people sign in by SRP, and only administrators create them. */
export async function makeUserPool(idp: CognitoIdentityProviderClient): Promise<UserPool> {
  const { UserPool } = await idp.send(
    new CreateUserPoolCommand({
      PoolName: "Museum",
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
    }),
  );
  const UserPoolId = UserPool!.Id!;
  const { UserPoolClient } = await idp.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: "Museum",
      ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      PreventUserExistenceErrors: "ENABLED",
    }),
  );
  // arn:aws:cognito-idp:<region>:<account>:userpool/<id>
  const accountId = UserPool!.Arn!.split(":")[4]!;
  return { userPoolId: UserPoolId, clientId: UserPoolClient!.ClientId!, accountId };
}

/** Groups, and users with the names of their groups. */
export async function makeUsers(
  idp: CognitoIdentityProviderClient,
  UserPoolId: string,
  groups: readonly Group[],
  users: Readonly<Record<string, { readonly password: string; readonly groups: readonly string[] }>>,
): Promise<void> {
  for (const { name, roleArn, precedence } of groups)
    await idp.send(
      new CreateGroupCommand({ UserPoolId, GroupName: name, RoleArn: roleArn, Precedence: precedence }),
    );
  for (const [Username, { password, groups }] of Object.entries(users)) {
    await idp.send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: "SUPPRESS" }));
    await idp.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: password, Permanent: true }),
    );
    for (const GroupName of groups)
      await idp.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
  }
}

/**
 * An identity pool for guests and for the users of a user pool, whose groups decide which role they get. The roles need not
 * exist yet.
 * @returns its id
 */
export async function makeIdentityPool(
  identity: CognitoIdentityClient,
  region: string,
  { userPoolId, clientId }: UserPool,
  roles: { readonly guests: string; readonly members: string },
): Promise<string> {
  const provider = `cognito-idp.${region}.amazonaws.com/${userPoolId}`;
  const made = await identity.send(
    new CreateIdentityPoolCommand({
      IdentityPoolName: "Museum",
      AllowUnauthenticatedIdentities: true,
      CognitoIdentityProviders: [
        // Credentials stop coming as soon as a user is disabled or signs out everywhere.
        { ProviderName: provider, ClientId: clientId, ServerSideTokenCheck: true },
      ],
    }),
  );
  const IdentityPoolId = made.IdentityPoolId!;
  await identity.send(
    new SetIdentityPoolRolesCommand({
      IdentityPoolId,
      Roles: { unauthenticated: roles.guests, authenticated: roles.members },
      RoleMappings: {
        // By the token, in which cognito:preferred_role is the role of the group. Users without a group are members.
        [`${provider}:${clientId}`]: { Type: "Token", AmbiguousRoleResolution: "AuthenticatedRole" },
      },
    }),
  );
  return IdentityPoolId;
}
