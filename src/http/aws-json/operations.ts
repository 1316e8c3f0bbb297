/**
 * THE table of all operations of both services and their handlers. A missing row is a type error; `notYet` operations
 * are authenticated, authorized and validated, and then answer UnsupportedOperationException.
 */

import type { IdentityPoolOperationName } from "../../wire/generated/identity-pools.types.ts";
import type { UserPoolOperationName } from "../../wire/generated/user-pools.types.ts";
import { fileOf, type Handler, type IdentityHandler, notYet } from "./operation.ts";

/** Each file is loaded by the first call of one of its operations. */
const developer = fileOf(() => import("./identity-pools/developer.ts"));
const identities = fileOf(() => import("./identity-pools/identities.ts"));
const identityPools = fileOf(() => import("./identity-pools/pools.ts"));
const authEvents = fileOf(() => import("./user-pools/auth-events.ts"));
const branding = fileOf(() => import("./user-pools/branding.ts"));
const clients = fileOf(() => import("./user-pools/clients.ts"));
const devices = fileOf(() => import("./user-pools/devices.ts"));
const domains = fileOf(() => import("./user-pools/domains.ts"));
const groups = fileOf(() => import("./user-pools/groups.ts"));
const identityProviders = fileOf(() => import("./user-pools/identity-providers.ts"));
const linkedIdentities = fileOf(() => import("./user-pools/linked-identities.ts"));
const listUsers = fileOf(() => import("./user-pools/list-users.ts"));
const mfa = fileOf(() => import("./user-pools/mfa.ts"));
const passkeys = fileOf(() => import("./user-pools/passkeys.ts"));
const passwords = fileOf(() => import("./user-pools/passwords.ts"));
const pools = fileOf(() => import("./user-pools/pools.ts"));
const resourceServers = fileOf(() => import("./user-pools/resource-servers.ts"));
const sessions = fileOf(() => import("./user-pools/sessions.ts"));
const signIn = fileOf(() => import("./user-pools/sign-in.ts"));
const signUp = fileOf(() => import("./user-pools/sign-up.ts"));
const tags = fileOf(() => import("./user-pools/tags.ts"));
const terms = fileOf(() => import("./user-pools/terms.ts"));
const tokens = fileOf(() => import("./user-pools/tokens.ts"));
const usersAdmin = fileOf(() => import("./user-pools/users-admin.ts"));
const usersSelf = fileOf(() => import("./user-pools/users-self.ts"));

type UserPoolHandlers = { readonly [N in UserPoolOperationName]: Handler<N> | typeof notYet };

export const userPoolHandlers = {
  AddCustomAttributes: pools("AddCustomAttributes"),
  AddUserPoolClientSecret: clients("AddUserPoolClientSecret"),
  AdminAddUserToGroup: groups("AdminAddUserToGroup"),
  AdminConfirmSignUp: usersAdmin("AdminConfirmSignUp"),
  AdminCreateUser: usersAdmin("AdminCreateUser"),
  AdminDeleteSoftwareToken: mfa("AdminDeleteSoftwareToken"),
  AdminDeleteUser: usersAdmin("AdminDeleteUser"),
  AdminDeleteUserAttributes: usersAdmin("AdminDeleteUserAttributes"),
  AdminDisableProviderForUser: linkedIdentities("AdminDisableProviderForUser"),
  AdminDisableUser: usersAdmin("AdminDisableUser"),
  AdminEnableUser: usersAdmin("AdminEnableUser"),
  AdminForgetDevice: devices("AdminForgetDevice"),
  AdminGetDevice: devices("AdminGetDevice"),
  AdminGetUser: usersAdmin("AdminGetUser"),
  AdminGetUserAuthFactors: mfa("AdminGetUserAuthFactors"),
  AdminInitiateAuth: signIn("AdminInitiateAuth"),
  AdminLinkProviderForUser: linkedIdentities("AdminLinkProviderForUser"),
  AdminListDevices: devices("AdminListDevices"),
  AdminListGroupsForUser: groups("AdminListGroupsForUser"),
  AdminListUserAuthEvents: authEvents("AdminListUserAuthEvents"),
  AdminListUserSessions: sessions("AdminListUserSessions"),
  AdminRemoveUserFromGroup: groups("AdminRemoveUserFromGroup"),
  AdminResetUserPassword: usersAdmin("AdminResetUserPassword"),
  AdminRespondToAuthChallenge: signIn("AdminRespondToAuthChallenge"),
  AdminRevokeUserSession: sessions("AdminRevokeUserSession"),
  AdminSetUserMFAPreference: mfa("AdminSetUserMFAPreference"),
  AdminSetUserPassword: usersAdmin("AdminSetUserPassword"),
  AdminSetUserSettings: mfa("AdminSetUserSettings"),
  AdminUpdateAuthEventFeedback: authEvents("AdminUpdateAuthEventFeedback"),
  AdminUpdateDeviceStatus: devices("AdminUpdateDeviceStatus"),
  AdminUpdateUserAttributes: usersAdmin("AdminUpdateUserAttributes"),
  AdminUserGlobalSignOut: usersAdmin("AdminUserGlobalSignOut"),
  AssociateSoftwareToken: mfa("AssociateSoftwareToken"),
  ChangePassword: usersSelf("ChangePassword"),
  CompleteWebAuthnRegistration: passkeys("CompleteWebAuthnRegistration"),
  ConfirmDevice: devices("ConfirmDevice"),
  ConfirmForgotPassword: passwords("ConfirmForgotPassword"),
  ConfirmSignUp: signUp("ConfirmSignUp"),
  CreateGroup: groups("CreateGroup"),
  CreateIdentityProvider: identityProviders("CreateIdentityProvider"),
  CreateManagedLoginBranding: branding("CreateManagedLoginBranding"),
  CreateResourceServer: resourceServers("CreateResourceServer"),
  CreateTerms: terms("CreateTerms"),
  CreateUserImportJob: notYet,
  CreateUserPool: pools("CreateUserPool"),
  CreateUserPoolClient: clients("CreateUserPoolClient"),
  CreateUserPoolDomain: domains("CreateUserPoolDomain"),
  CreateUserPoolReplica: notYet,
  DeleteGroup: groups("DeleteGroup"),
  DeleteIdentityProvider: identityProviders("DeleteIdentityProvider"),
  DeleteManagedLoginBranding: branding("DeleteManagedLoginBranding"),
  DeleteResourceServer: resourceServers("DeleteResourceServer"),
  DeleteTerms: terms("DeleteTerms"),
  DeleteUser: usersSelf("DeleteUser"),
  DeleteUserAttributes: usersSelf("DeleteUserAttributes"),
  DeleteUserPool: pools("DeleteUserPool"),
  DeleteUserPoolClient: clients("DeleteUserPoolClient"),
  DeleteUserPoolClientSecret: clients("DeleteUserPoolClientSecret"),
  DeleteUserPoolDomain: domains("DeleteUserPoolDomain"),
  DeleteUserPoolReplica: notYet,
  DeleteWebAuthnCredential: passkeys("DeleteWebAuthnCredential"),
  DescribeIdentityProvider: identityProviders("DescribeIdentityProvider"),
  DescribeManagedLoginBranding: branding("DescribeManagedLoginBranding"),
  DescribeManagedLoginBrandingByClient: branding("DescribeManagedLoginBrandingByClient"),
  DescribeResourceServer: resourceServers("DescribeResourceServer"),
  DescribeRiskConfiguration: notYet,
  DescribeTerms: terms("DescribeTerms"),
  DescribeTermsByClient: terms("DescribeTermsByClient"),
  DescribeUserImportJob: notYet,
  DescribeUserPool: pools("DescribeUserPool"),
  DescribeUserPoolClient: clients("DescribeUserPoolClient"),
  DescribeUserPoolDomain: domains("DescribeUserPoolDomain"),
  ForgetDevice: devices("ForgetDevice"),
  ForgotPassword: passwords("ForgotPassword"),
  GetCSVHeader: notYet,
  GetClientToken: notYet,
  GetDevice: devices("GetDevice"),
  GetGroup: groups("GetGroup"),
  GetIdentityProviderByIdentifier: identityProviders("GetIdentityProviderByIdentifier"),
  GetLogDeliveryConfiguration: notYet,
  GetProvisionedLimit: notYet,
  GetSigningCertificate: identityProviders("GetSigningCertificate"),
  GetTokensFromRefreshToken: tokens("GetTokensFromRefreshToken"),
  GetUICustomization: branding("GetUICustomization"),
  GetUser: usersSelf("GetUser"),
  GetUserAttributeVerificationCode: usersSelf("GetUserAttributeVerificationCode"),
  GetUserAuthFactors: mfa("GetUserAuthFactors"),
  GetUserPoolClientSessionConfiguration: sessions("GetUserPoolClientSessionConfiguration"),
  GetUserPoolMfaConfig: pools("GetUserPoolMfaConfig"),
  GetUserPoolSessionConfiguration: sessions("GetUserPoolSessionConfiguration"),
  GlobalSignOut: usersSelf("GlobalSignOut"),
  InitiateAuth: signIn("InitiateAuth"),
  ListDevices: devices("ListDevices"),
  ListGroups: groups("ListGroups"),
  ListIdentityProviders: identityProviders("ListIdentityProviders"),
  ListResourceServers: resourceServers("ListResourceServers"),
  ListTagsForResource: tags("ListTagsForResource"),
  ListTerms: terms("ListTerms"),
  ListUserImportJobs: notYet,
  ListUserPoolClientSecrets: clients("ListUserPoolClientSecrets"),
  ListUserPoolClients: clients("ListUserPoolClients"),
  ListUserPoolReplicas: notYet,
  ListUserPools: pools("ListUserPools"),
  ListUserSessions: sessions("ListUserSessions"),
  ListUsers: listUsers("ListUsers"),
  ListUsersInGroup: groups("ListUsersInGroup"),
  ListWebAuthnCredentials: passkeys("ListWebAuthnCredentials"),
  ResendConfirmationCode: signUp("ResendConfirmationCode"),
  RespondToAuthChallenge: signIn("RespondToAuthChallenge"),
  RevokeToken: tokens("RevokeToken"),
  RevokeUserSession: sessions("RevokeUserSession"),
  SetLogDeliveryConfiguration: notYet,
  SetRiskConfiguration: notYet,
  SetUICustomization: branding("SetUICustomization"),
  SetUserMFAPreference: mfa("SetUserMFAPreference"),
  SetUserPoolClientSessionConfiguration: sessions("SetUserPoolClientSessionConfiguration"),
  SetUserPoolMfaConfig: pools("SetUserPoolMfaConfig"),
  SetUserPoolSessionConfiguration: sessions("SetUserPoolSessionConfiguration"),
  SetUserSettings: mfa("SetUserSettings"),
  SignUp: signUp("SignUp"),
  StartUserImportJob: notYet,
  StartWebAuthnRegistration: passkeys("StartWebAuthnRegistration"),
  StopUserImportJob: notYet,
  TagResource: tags("TagResource"),
  UntagResource: tags("UntagResource"),
  UpdateAuthEventFeedback: notYet,
  UpdateDeviceStatus: devices("UpdateDeviceStatus"),
  UpdateGroup: groups("UpdateGroup"),
  UpdateIdentityProvider: identityProviders("UpdateIdentityProvider"),
  UpdateManagedLoginBranding: branding("UpdateManagedLoginBranding"),
  UpdateProvisionedLimit: notYet,
  UpdateResourceServer: resourceServers("UpdateResourceServer"),
  UpdateTerms: terms("UpdateTerms"),
  UpdateUserAttributes: usersSelf("UpdateUserAttributes"),
  UpdateUserPool: pools("UpdateUserPool"),
  UpdateUserPoolClient: clients("UpdateUserPoolClient"),
  UpdateUserPoolDomain: domains("UpdateUserPoolDomain"),
  UpdateUserPoolReplica: notYet,
  VerifySoftwareToken: mfa("VerifySoftwareToken"),
  VerifyUserAttribute: usersSelf("VerifyUserAttribute"),
} satisfies UserPoolHandlers;

export const identityPoolHandlers = {
  CreateIdentityPool: identityPools("CreateIdentityPool"),
  DeleteIdentities: identities("DeleteIdentities"),
  DeleteIdentityPool: identityPools("DeleteIdentityPool"),
  DescribeIdentity: identities("DescribeIdentity"),
  DescribeIdentityPool: identityPools("DescribeIdentityPool"),
  GetCredentialsForIdentity: identities("GetCredentialsForIdentity"),
  GetId: identities("GetId"),
  GetIdentityPoolRoles: identityPools("GetIdentityPoolRoles"),
  GetOpenIdToken: identities("GetOpenIdToken"),
  GetOpenIdTokenForDeveloperIdentity: developer("GetOpenIdTokenForDeveloperIdentity"),
  GetPrincipalTagAttributeMap: identityPools("GetPrincipalTagAttributeMap"),
  ListIdentities: identities("ListIdentities"),
  ListIdentityPools: identityPools("ListIdentityPools"),
  ListTagsForResource: identityPools("ListTagsForResource"),
  LookupDeveloperIdentity: developer("LookupDeveloperIdentity"),
  MergeDeveloperIdentities: developer("MergeDeveloperIdentities"),
  SetIdentityPoolRoles: identityPools("SetIdentityPoolRoles"),
  SetPrincipalTagAttributeMap: identityPools("SetPrincipalTagAttributeMap"),
  TagResource: identityPools("TagResource"),
  UnlinkDeveloperIdentity: developer("UnlinkDeveloperIdentity"),
  UnlinkIdentity: identities("UnlinkIdentity"),
  UntagResource: identityPools("UntagResource"),
  UpdateIdentityPool: identityPools("UpdateIdentityPool"),
} satisfies { readonly [N in IdentityPoolOperationName]: IdentityHandler<N> };
