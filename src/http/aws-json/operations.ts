/**
 * THE table of all operations of both services and their handlers. A missing row is a type error; `notYet` operations
 * are authenticated, authorized and validated, and then answer UnsupportedOperationException.
 */

import type { IdentityPoolOperationName } from "../../wire/generated/identity-pools.types.ts";
import type { UserPoolOperationName } from "../../wire/generated/user-pools.types.ts";
import * as developer from "./identity-pools/developer.ts";
import * as identities from "./identity-pools/identities.ts";
import * as identityPools from "./identity-pools/pools.ts";
import { type Handler, type IdentityHandler, notYet } from "./operation.ts";
import * as authEvents from "./user-pools/auth-events.ts";
import * as branding from "./user-pools/branding.ts";
import * as clients from "./user-pools/clients.ts";
import * as devices from "./user-pools/devices.ts";
import * as domains from "./user-pools/domains.ts";
import * as groups from "./user-pools/groups.ts";
import * as identityProviders from "./user-pools/identity-providers.ts";
import * as linkedIdentities from "./user-pools/linked-identities.ts";
import * as listUsers from "./user-pools/list-users.ts";
import * as mfa from "./user-pools/mfa.ts";
import * as passkeys from "./user-pools/passkeys.ts";
import * as passwords from "./user-pools/passwords.ts";
import * as pools from "./user-pools/pools.ts";
import * as resourceServers from "./user-pools/resource-servers.ts";
import * as sessions from "./user-pools/sessions.ts";
import * as signIn from "./user-pools/sign-in.ts";
import * as signUp from "./user-pools/sign-up.ts";
import * as tags from "./user-pools/tags.ts";
import * as terms from "./user-pools/terms.ts";
import * as tokens from "./user-pools/tokens.ts";
import * as usersAdmin from "./user-pools/users-admin.ts";
import * as usersSelf from "./user-pools/users-self.ts";

type UserPoolHandlers = { readonly [N in UserPoolOperationName]: Handler<N> | typeof notYet };

export const userPoolHandlers = {
  AddCustomAttributes: pools.AddCustomAttributes,
  AddUserPoolClientSecret: clients.AddUserPoolClientSecret,
  AdminAddUserToGroup: groups.AdminAddUserToGroup,
  AdminConfirmSignUp: usersAdmin.AdminConfirmSignUp,
  AdminCreateUser: usersAdmin.AdminCreateUser,
  AdminDeleteSoftwareToken: mfa.AdminDeleteSoftwareToken,
  AdminDeleteUser: usersAdmin.AdminDeleteUser,
  AdminDeleteUserAttributes: usersAdmin.AdminDeleteUserAttributes,
  AdminDisableProviderForUser: linkedIdentities.AdminDisableProviderForUser,
  AdminDisableUser: usersAdmin.AdminDisableUser,
  AdminEnableUser: usersAdmin.AdminEnableUser,
  AdminForgetDevice: devices.AdminForgetDevice,
  AdminGetDevice: devices.AdminGetDevice,
  AdminGetUser: usersAdmin.AdminGetUser,
  AdminGetUserAuthFactors: mfa.AdminGetUserAuthFactors,
  AdminInitiateAuth: signIn.AdminInitiateAuth,
  AdminLinkProviderForUser: linkedIdentities.AdminLinkProviderForUser,
  AdminListDevices: devices.AdminListDevices,
  AdminListGroupsForUser: groups.AdminListGroupsForUser,
  AdminListUserAuthEvents: authEvents.AdminListUserAuthEvents,
  AdminListUserSessions: sessions.AdminListUserSessions,
  AdminRemoveUserFromGroup: groups.AdminRemoveUserFromGroup,
  AdminResetUserPassword: usersAdmin.AdminResetUserPassword,
  AdminRespondToAuthChallenge: signIn.AdminRespondToAuthChallenge,
  AdminRevokeUserSession: sessions.AdminRevokeUserSession,
  AdminSetUserMFAPreference: mfa.AdminSetUserMFAPreference,
  AdminSetUserPassword: usersAdmin.AdminSetUserPassword,
  AdminSetUserSettings: mfa.AdminSetUserSettings,
  AdminUpdateAuthEventFeedback: authEvents.AdminUpdateAuthEventFeedback,
  AdminUpdateDeviceStatus: devices.AdminUpdateDeviceStatus,
  AdminUpdateUserAttributes: usersAdmin.AdminUpdateUserAttributes,
  AdminUserGlobalSignOut: usersAdmin.AdminUserGlobalSignOut,
  AssociateSoftwareToken: mfa.AssociateSoftwareToken,
  ChangePassword: usersSelf.ChangePassword,
  CompleteWebAuthnRegistration: passkeys.CompleteWebAuthnRegistration,
  ConfirmDevice: devices.ConfirmDevice,
  ConfirmForgotPassword: passwords.ConfirmForgotPassword,
  ConfirmSignUp: signUp.ConfirmSignUp,
  CreateGroup: groups.CreateGroup,
  CreateIdentityProvider: identityProviders.CreateIdentityProvider,
  CreateManagedLoginBranding: branding.CreateManagedLoginBranding,
  CreateResourceServer: resourceServers.CreateResourceServer,
  CreateTerms: terms.CreateTerms,
  CreateUserImportJob: notYet,
  CreateUserPool: pools.CreateUserPool,
  CreateUserPoolClient: clients.CreateUserPoolClient,
  CreateUserPoolDomain: domains.CreateUserPoolDomain,
  CreateUserPoolReplica: notYet,
  DeleteGroup: groups.DeleteGroup,
  DeleteIdentityProvider: identityProviders.DeleteIdentityProvider,
  DeleteManagedLoginBranding: branding.DeleteManagedLoginBranding,
  DeleteResourceServer: resourceServers.DeleteResourceServer,
  DeleteTerms: terms.DeleteTerms,
  DeleteUser: usersSelf.DeleteUser,
  DeleteUserAttributes: usersSelf.DeleteUserAttributes,
  DeleteUserPool: pools.DeleteUserPool,
  DeleteUserPoolClient: clients.DeleteUserPoolClient,
  DeleteUserPoolClientSecret: clients.DeleteUserPoolClientSecret,
  DeleteUserPoolDomain: domains.DeleteUserPoolDomain,
  DeleteUserPoolReplica: notYet,
  DeleteWebAuthnCredential: passkeys.DeleteWebAuthnCredential,
  DescribeIdentityProvider: identityProviders.DescribeIdentityProvider,
  DescribeManagedLoginBranding: branding.DescribeManagedLoginBranding,
  DescribeManagedLoginBrandingByClient: branding.DescribeManagedLoginBrandingByClient,
  DescribeResourceServer: resourceServers.DescribeResourceServer,
  DescribeRiskConfiguration: notYet,
  DescribeTerms: terms.DescribeTerms,
  DescribeTermsByClient: terms.DescribeTermsByClient,
  DescribeUserImportJob: notYet,
  DescribeUserPool: pools.DescribeUserPool,
  DescribeUserPoolClient: clients.DescribeUserPoolClient,
  DescribeUserPoolDomain: domains.DescribeUserPoolDomain,
  ForgetDevice: devices.ForgetDevice,
  ForgotPassword: passwords.ForgotPassword,
  GetCSVHeader: notYet,
  GetClientToken: notYet,
  GetDevice: devices.GetDevice,
  GetGroup: groups.GetGroup,
  GetIdentityProviderByIdentifier: identityProviders.GetIdentityProviderByIdentifier,
  GetLogDeliveryConfiguration: notYet,
  GetProvisionedLimit: notYet,
  GetSigningCertificate: identityProviders.GetSigningCertificate,
  GetTokensFromRefreshToken: tokens.GetTokensFromRefreshToken,
  GetUICustomization: branding.GetUICustomization,
  GetUser: usersSelf.GetUser,
  GetUserAttributeVerificationCode: usersSelf.GetUserAttributeVerificationCode,
  GetUserAuthFactors: mfa.GetUserAuthFactors,
  GetUserPoolClientSessionConfiguration: sessions.GetUserPoolClientSessionConfiguration,
  GetUserPoolMfaConfig: pools.GetUserPoolMfaConfig,
  GetUserPoolSessionConfiguration: sessions.GetUserPoolSessionConfiguration,
  GlobalSignOut: usersSelf.GlobalSignOut,
  InitiateAuth: signIn.InitiateAuth,
  ListDevices: devices.ListDevices,
  ListGroups: groups.ListGroups,
  ListIdentityProviders: identityProviders.ListIdentityProviders,
  ListResourceServers: resourceServers.ListResourceServers,
  ListTagsForResource: tags.ListTagsForResource,
  ListTerms: terms.ListTerms,
  ListUserImportJobs: notYet,
  ListUserPoolClientSecrets: clients.ListUserPoolClientSecrets,
  ListUserPoolClients: clients.ListUserPoolClients,
  ListUserPoolReplicas: notYet,
  ListUserPools: pools.ListUserPools,
  ListUserSessions: sessions.ListUserSessions,
  ListUsers: listUsers.ListUsers,
  ListUsersInGroup: groups.ListUsersInGroup,
  ListWebAuthnCredentials: passkeys.ListWebAuthnCredentials,
  ResendConfirmationCode: signUp.ResendConfirmationCode,
  RespondToAuthChallenge: signIn.RespondToAuthChallenge,
  RevokeToken: tokens.RevokeToken,
  RevokeUserSession: sessions.RevokeUserSession,
  SetLogDeliveryConfiguration: notYet,
  SetRiskConfiguration: notYet,
  SetUICustomization: branding.SetUICustomization,
  SetUserMFAPreference: mfa.SetUserMFAPreference,
  SetUserPoolClientSessionConfiguration: sessions.SetUserPoolClientSessionConfiguration,
  SetUserPoolMfaConfig: pools.SetUserPoolMfaConfig,
  SetUserPoolSessionConfiguration: sessions.SetUserPoolSessionConfiguration,
  SetUserSettings: mfa.SetUserSettings,
  SignUp: signUp.SignUp,
  StartUserImportJob: notYet,
  StartWebAuthnRegistration: passkeys.StartWebAuthnRegistration,
  StopUserImportJob: notYet,
  TagResource: tags.TagResource,
  UntagResource: tags.UntagResource,
  UpdateAuthEventFeedback: notYet,
  UpdateDeviceStatus: devices.UpdateDeviceStatus,
  UpdateGroup: groups.UpdateGroup,
  UpdateIdentityProvider: identityProviders.UpdateIdentityProvider,
  UpdateManagedLoginBranding: branding.UpdateManagedLoginBranding,
  UpdateProvisionedLimit: notYet,
  UpdateResourceServer: resourceServers.UpdateResourceServer,
  UpdateTerms: terms.UpdateTerms,
  UpdateUserAttributes: usersSelf.UpdateUserAttributes,
  UpdateUserPool: pools.UpdateUserPool,
  UpdateUserPoolClient: clients.UpdateUserPoolClient,
  UpdateUserPoolDomain: domains.UpdateUserPoolDomain,
  UpdateUserPoolReplica: notYet,
  VerifySoftwareToken: mfa.VerifySoftwareToken,
  VerifyUserAttribute: usersSelf.VerifyUserAttribute,
} satisfies UserPoolHandlers;

export const identityPoolHandlers = {
  CreateIdentityPool: identityPools.CreateIdentityPool,
  DeleteIdentities: identities.DeleteIdentities,
  DeleteIdentityPool: identityPools.DeleteIdentityPool,
  DescribeIdentity: identities.DescribeIdentity,
  DescribeIdentityPool: identityPools.DescribeIdentityPool,
  GetCredentialsForIdentity: identities.GetCredentialsForIdentity,
  GetId: identities.GetId,
  GetIdentityPoolRoles: identityPools.GetIdentityPoolRoles,
  GetOpenIdToken: identities.GetOpenIdToken,
  GetOpenIdTokenForDeveloperIdentity: developer.GetOpenIdTokenForDeveloperIdentity,
  GetPrincipalTagAttributeMap: identityPools.GetPrincipalTagAttributeMap,
  ListIdentities: identities.ListIdentities,
  ListIdentityPools: identityPools.ListIdentityPools,
  ListTagsForResource: identityPools.ListTagsForResource,
  LookupDeveloperIdentity: developer.LookupDeveloperIdentity,
  MergeDeveloperIdentities: developer.MergeDeveloperIdentities,
  SetIdentityPoolRoles: identityPools.SetIdentityPoolRoles,
  SetPrincipalTagAttributeMap: identityPools.SetPrincipalTagAttributeMap,
  TagResource: identityPools.TagResource,
  UnlinkDeveloperIdentity: developer.UnlinkDeveloperIdentity,
  UnlinkIdentity: identities.UnlinkIdentity,
  UntagResource: identityPools.UntagResource,
  UpdateIdentityPool: identityPools.UpdateIdentityPool,
} satisfies { readonly [N in IdentityPoolOperationName]: IdentityHandler<N> };
