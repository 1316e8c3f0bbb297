/** Clients, groups, users and what the authorization server answers, as AWS was seen to show it. */
import { signIn } from "../kit/people.ts";
import { type Body, holds, type Measured, pick } from "./measured.ts";

const invalid = (message: string) => `InvalidParameterException: ${message}`;

const clients: readonly Measured[] = [
  {
    aws: "a client of which only the name is given has neither flows nor PreventUserExistenceErrors, and empty units",
    see: async (at) => {
      const {
        UserPoolId: _p,
        ClientId: _c,
        CreationDate: _d,
        LastModifiedDate: _m,
        ...shown
      } = await at.client();
      return shown;
    },
    is: {
      ClientName: "app",
      RefreshTokenValidity: 30,
      TokenValidityUnits: {},
      AllowedOAuthFlowsUserPoolClient: false,
      EnableTokenRevocation: true,
      EnablePropagateAdditionalUserContextData: false,
      AuthSessionValidity: 3,
      ClientType: "REGULAR",
    },
  },
  {
    aws: "ExplicitAuthFlows and PreventUserExistenceErrors are shown as they were sent, LEGACY included",
    see: async (at) => {
      const members = ["ExplicitAuthFlows", "PreventUserExistenceErrors"];
      const legacy = { ExplicitAuthFlows: [], PreventUserExistenceErrors: "LEGACY" };
      const own = { ExplicitAuthFlows: ["ALLOW_USER_AUTH"], PreventUserExistenceErrors: "ENABLED" };
      return [pick(await at.client(legacy), members), pick(await at.client(own), members)];
    },
    is: [
      { ExplicitAuthFlows: undefined, PreventUserExistenceErrors: "LEGACY" },
      { ExplicitAuthFlows: ["ALLOW_USER_AUTH"], PreventUserExistenceErrors: "ENABLED" },
    ],
  },
  {
    aws: "a client without ExplicitAuthFlows may sign in by SRP and refresh, but not by USER_PASSWORD_AUTH",
    see: async (at) => {
      const { ClientId } = await at.client();
      const start = async (AuthFlow: string, AuthParameters: Body) =>
        (await at.says("InitiateAuth", { ClientId, AuthFlow, AuthParameters })).replace(/ for.*/, "");
      return [
        await start("USER_SRP_AUTH", { USERNAME: "nobody", SRP_A: "ab12" }),
        await start("REFRESH_TOKEN_AUTH", { REFRESH_TOKEN: "none" }),
        await start("USER_PASSWORD_AUTH", { USERNAME: "nobody", PASSWORD: "Correct-Horse-7" }),
      ];
    },
    is: [
      "UserNotFoundException: User does not exist.",
      "NotAuthorizedException: Invalid Refresh Token.",
      "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled",
    ],
  },
  {
    aws: "lists of a client are shown sorted",
    see: async (at) => {
      const given = {
        CallbackURLs: ["https://b.example", "https://a.example"],
        LogoutURLs: ["https://d.example", "https://c.example"],
        AllowedOAuthFlows: ["implicit", "code"],
        AllowedOAuthScopes: ["phone", "openid", "email"],
        ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_CUSTOM_AUTH"],
        ReadAttributes: ["name", "email"],
        WriteAttributes: ["nickname", "name"],
      };
      const shown = await at.client({ ...given, AllowedOAuthFlowsUserPoolClient: true });
      return pick(shown, Object.keys(given));
    },
    is: {
      CallbackURLs: ["https://a.example", "https://b.example"],
      LogoutURLs: ["https://c.example", "https://d.example"],
      AllowedOAuthFlows: ["code", "implicit"],
      AllowedOAuthScopes: ["email", "openid", "phone"],
      ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
      ReadAttributes: ["email", "name"],
      WriteAttributes: ["name", "nickname"],
    },
  },
  {
    aws: "an update keeps validities, revocation and the length of sessions, and adds no member",
    see: async (at) => {
      const given = { RefreshTokenValidity: 60, EnableTokenRevocation: false, AuthSessionValidity: 15 };
      const before = await at.client(given);
      const { UserPoolId, ClientId, ClientName } = before;
      const after = await at.ask("UpdateUserPoolClient", { UserPoolId, ClientId, ClientName });
      const members = Object.keys(before).filter((name) => name !== "LastModifiedDate");
      const shown = after["UserPoolClient"] as Body;
      return [
        JSON.stringify(pick(shown, members)) === JSON.stringify(pick(before, members)),
        Object.keys(shown).filter((name) => !(name in before)),
        pick(shown, Object.keys(given)),
      ];
    },
    is: [true, [], { RefreshTokenValidity: 60, EnableTokenRevocation: false, AuthSessionValidity: 15 }],
  },
  {
    aws: "a scope that does not exist is refused",
    see: async (at) =>
      at.says("CreateUserPoolClient", {
        UserPoolId: await at.pool(),
        ClientName: "app",
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ["code"],
        AllowedOAuthScopes: ["api/read"],
        CallbackURLs: ["https://a.example"],
      }),
    is: /^ScopeDoesNotExistException: Invalid scope requested/,
  },
  {
    aws: "a secret is shown by Create and Describe",
    see: async (at) => typeof (await at.client({ GenerateSecret: true }))["ClientSecret"],
    is: "string",
  },
  {
    aws: "client_credentials of a client that may not use it is invalid_grant",
    see: async (at) => {
      const { base, ClientId, ClientSecret } = await at.oauth({ GenerateSecret: true });
      const authorization = `Basic ${btoa(`${ClientId}:${ClientSecret}`)}`;
      const body = new URLSearchParams({ grant_type: "client_credentials" });
      const answer = await fetch(`${base}/oauth2/token`, {
        method: "POST",
        headers: { authorization },
        body,
      });
      return [answer.status, ((await answer.json()) as Body)["error"]];
    },
    is: [400, "invalid_grant"],
  },
  {
    aws: "userInfo for a token without the scope openid is invalid_token",
    see: async (at) => {
      const { base, ClientId } = await at.oauth();
      const { AccessToken } = await signIn(at.server, ClientId, "ann");
      const headers = { authorization: `Bearer ${AccessToken}` };
      return (await fetch(`${base}/oauth2/userInfo`, { headers })).json();
    },
    is: { error: "invalid_token", error_description: "Access token does not contain openid scope" },
  },
];

const others: readonly Measured[] = [
  {
    aws: "scopes of a resource server are shown sorted by name",
    see: async (at) => {
      const Scopes = ["write", "admin", "read"].map((ScopeName) => ({ ScopeName, ScopeDescription: "d" }));
      const given = { UserPoolId: await at.pool(), Identifier: "api", Name: "api", Scopes };
      const made = await at.ask("CreateResourceServer", given);
      const { Scopes: shown } = made["ResourceServer"] as { Scopes: typeof Scopes };
      return shown.map(({ ScopeName }) => ScopeName);
    },
    is: ["admin", "read", "write"],
  },
  {
    aws: "a group shows its description and precedence, and what is absent stays absent",
    see: async (at) => {
      const given = { UserPoolId: await at.pool(), GroupName: "g", Description: "d", Precedence: 10 };
      await at.ask("CreateGroup", given);
      const { UserPoolId } = given;
      const { Group } = await at.ask("GetGroup", { UserPoolId, GroupName: "g" });
      const { CreationDate: _c, LastModifiedDate: _m, UserPoolId: _p, ...shown } = Group as Body;
      return shown;
    },
    is: { GroupName: "g", Description: "d", Precedence: 10 },
  },
  {
    aws: "a user made with an e-mail address has that and sub, and no email_verified",
    see: async (at) => {
      const request = { UserPoolId: await at.pool(), Username: "ann", MessageAction: "SUPPRESS" };
      const UserAttributes = [{ Name: "email", Value: "ann@example.com" }];
      const { User } = await at.ask("AdminCreateUser", { ...request, UserAttributes });
      return (User as { Attributes: { Name: string }[] }).Attributes.map(({ Name }) => Name).sort();
    },
    is: ["email", "sub"],
  },
  {
    aws: "<pool id>|<user> is no user name",
    see: async (at) => {
      const UserPoolId = await at.pool();
      await at.ask("CreateGroup", { UserPoolId, GroupName: "g" });
      await at.ask("AdminCreateUser", { UserPoolId, Username: "ann", MessageAction: "SUPPRESS" });
      return at.says("AdminAddUserToGroup", { UserPoolId, GroupName: "g", Username: `${UserPoolId}|ann` });
    },
    is: "UserNotFoundException: User does not exist.",
  },
  {
    aws: "CSS of a client is read back byte for byte",
    see: async (at) => {
      const { UserPoolId, ClientId } = await at.client();
      const CSS = ".label-customizable {font-weight: 400;}\n.banner-customizable { padding: 25px 0px;\t}";
      await at.ask("SetUICustomization", { UserPoolId, ClientId, CSS });
      const { UICustomization } = await at.ask("GetUICustomization", { UserPoolId, ClientId });
      return (UICustomization as Body)["CSS"] === CSS;
    },
    is: true,
  },
  {
    aws: "required attributes that are missing, and a text that is too short",
    see: async (at) => {
      const Schema = [
        ...["phone_number", "name", "nickname", "given_name"].map((Name) => ({ Name, Required: true })),
        { Name: "code", AttributeDataType: "String", StringAttributeConstraints: { MinLength: "3" } },
      ];
      const { UserPoolId, ClientId } = await at.client({}, { Schema });
      const person = { Username: "ann", Password: "Correct-Horse-7" };
      const UserAttributes = [{ Name: "custom:code", Value: "ab" }];
      return [
        await at.says("SignUp", { ClientId, ...person }),
        await at.says("AdminCreateUser", { UserPoolId, Username: "ann", UserAttributes }),
      ];
    },
    is: [
      invalid(
        "Attributes did not conform to the schema: name.formatted: The attribute name.formatted is required, " +
          "name.givenName: The attribute name.givenName is required, nickName: The attribute nickName is required, " +
          "phoneNumbers: The attribute phoneNumbers is required",
      ),
      invalid(
        "Attributes did not conform to the schema: custom:code: String must be no shorter than 3 characters\n",
      ),
    ],
  },
];

holds("clients, as AWS shows them", clients);
holds("groups, users and the rest, as AWS shows them", others);
