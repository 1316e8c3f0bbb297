/** How each event of the matrix of trust comes about. */
import assert from "node:assert/strict";
import type { TrustEvent } from "../../tools/trust-table.ts";
import { totp } from "../kit/factors.ts";
import { makeUser, newAddress, password } from "../kit/people.ts";
import { administer, ask, clientSettings, demandMfa, enter, type Kind, named, succeeded } from "./holder.ts";
import { type Held, recover } from "./things.ts";

export interface Happening {
  /** Where it happens: among others, at clients of its own, in a pool of its own, or in one that tracks sessions. */
  readonly at: "shared" | "client" | "pool" | "tracked";
  readonly of?: Kind;
  readonly happen: (held: Held) => Promise<unknown>;
  readonly undo?: (held: Held) => Promise<unknown>;
}

const chosen = "Another-Horse-8";

/** To the holder, by their own access token. */
const own =
  (name: string, input: (held: Held) => object = () => ({})): Happening["happen"] =>
  async (held) =>
    succeeded(await ask(held, name, { AccessToken: held.AccessToken, ...input(held) }));

/** To the holder, by an administrator. */
const by =
  (name: string, input: (held: Held) => object = () => ({})): Happening["happen"] =>
  (held) =>
    administer(held, name, { ...named(held), ...input(held) });

/** To the holder and to who has signed up. */
const toBoth =
  (name: string, input: object = {}): Happening["happen"] =>
  async (held) => {
    await administer(held, name, { ...named(held), ...input });
    await administer(held, name, { ...named(held), Username: held.newcomer.Username, ...input });
  };

/** To the client. */
const updated =
  (change: object = {}): Happening["happen"] =>
  (held) => {
    const { UserPoolId, main } = held.place;
    const input = { UserPoolId, ClientId: main.ClientId, ...clientSettings, ...change };
    return administer(held, "UpdateUserPoolClient", input);
  };

const atClient = (change: object): Happening => ({
  at: "client",
  happen: updated(change),
  undo: updated(),
});

const setPassword = (Permanent: boolean): Happening => ({
  at: "shared",
  happen: async (held) => {
    await toBoth("AdminSetUserPassword", { Password: chosen, Permanent })(held);
    held.password = chosen;
  },
});

const off = { Enabled: false };
const on = { Enabled: true };
const twoFactors = (settings: object) => ({
  SoftwareTokenMfaSettings: settings,
  WebAuthnMfaSettings: settings,
});

/** By the browser's session of the holder, which the pool has tracked. */
const revokeBrowser = (RevokeAssociatedSessions: "NONE" | "LINKED"): Happening => ({
  at: "tracked",
  happen: async (held) => {
    const listed = await administer(held, "AdminListUserSessions", named(held));
    const sessions = listed.body["Sessions"] as { SessionId: string; SessionType: string }[];
    const [browser, ...more] = sessions.filter(({ SessionType }) => SessionType === "SSO");
    assert.deepEqual(more, []);
    const input = { ...named(held), SessionId: browser?.SessionId, RevokeAssociatedSessions };
    return administer(held, "AdminRevokeUserSession", input);
  },
});

async function newApp(held: Held): Promise<string> {
  const { server, AccessToken } = held;
  const begun = await ask(held, "AssociateSoftwareToken", { AccessToken });
  const secret = String(succeeded(begun).body["SecretCode"]);
  const UserCode = totp(secret, server.clock.now);
  succeeded(await ask(held, "VerifySoftwareToken", { AccessToken, UserCode }));
  return secret;
}

export const happenings: Readonly<Record<TrustEvent, Happening>> = {
  ChangePassword: {
    at: "shared",
    happen: async (held) => {
      await own("ChangePassword", () => ({ PreviousPassword: password, ProposedPassword: chosen }))(held);
      held.password = chosen;
    },
  },
  ConfirmForgotPassword: {
    at: "shared",
    happen: async (held) => {
      succeeded(await recover(held, held.recoveryCode, chosen));
      held.password = chosen;
    },
  },
  "AdminSetUserPassword, permanent": setPassword(true),
  "AdminSetUserPassword, temporary": setPassword(false),
  AdminResetUserPassword: { at: "shared", happen: by("AdminResetUserPassword") },
  AdminDisableUser: {
    at: "shared",
    happen: toBoth("AdminDisableUser"),
    undo: toBoth("AdminEnableUser"),
  },
  "AdminDeleteUser, DeleteUser": { at: "shared", happen: toBoth("AdminDeleteUser") },
  GlobalSignOut: { at: "shared", happen: own("GlobalSignOut") },
  AdminUserGlobalSignOut: { at: "shared", happen: toBoth("AdminUserGlobalSignOut") },
  "RevokeToken, of the API's": {
    at: "shared",
    happen: async (held) =>
      succeeded(await ask(held, "RevokeToken", { ...held.place.main, Token: held.RefreshToken })),
  },
  "/oauth2/revoke, of the pages'": {
    at: "shared",
    happen: async ({ place, page }) => {
      const { ClientId: client_id, ClientSecret: client_secret } = place.main;
      const body = new URLSearchParams({ token: page.refresh, client_id, client_secret });
      const url = `${place.server.endpoint}/${place.UserPoolId}/oauth2/revoke`;
      assert.equal((await fetch(url, { method: "POST", body })).status, 200);
    },
  },
  "/logout": {
    at: "shared",
    happen: async ({ place, visitor }) =>
      visitor.submit(await visitor.get(`/signout?client_id=${place.main.ClientId}`), "/signout"),
  },
  "another user signs in in the browser": {
    at: "shared",
    happen: async (held) => {
      const { server, UserPoolId, place, visitor } = held;
      const Username = `${held.Username}-other`;
      await makeUser(server, UserPoolId, Username, []);
      const other = { ...held, Username, password };
      assert.match((await enter(other, visitor, place.second, 0)).location, /[?&]code=/);
    },
  },
  "AdminRevokeUserSession, of the browser": revokeBrowser("NONE"),
  "the same with LINKED": revokeBrowser("LINKED"),
  "the client is deleted": {
    at: "client",
    happen: (held) => {
      const { UserPoolId, main } = held.place;
      return administer(held, "DeleteUserPoolClient", { UserPoolId, ClientId: main.ClientId });
    },
  },
  "the client may use OAuth no more": atClient({ AllowedOAuthFlowsUserPoolClient: false }),
  "the client loses the code flow": atClient({ AllowedOAuthFlows: ["implicit"] }),
  "the client loses the scopes": atClient({ AllowedOAuthScopes: ["phone"] }),
  "the client loses the callback URL": atClient({ CallbackURLs: ["https://app.example/other"] }),
  "the client's secret is replaced": {
    at: "client",
    happen: async (held) => {
      const { UserPoolId, main } = held.place;
      const of = { UserPoolId, ClientId: main.ClientId };
      const list = async () => {
        const { body } = await administer(held, "ListUserPoolClientSecrets", of);
        return body["ClientSecrets"] as { ClientSecretId: string }[];
      };
      const [former] = await list();
      const added = await administer(held, "AddUserPoolClientSecret", of);
      const { ClientSecretValue } = added.body["ClientSecretDescriptor"] as { ClientSecretValue: string };
      const { ClientSecretId } = former ?? assert.fail("no secret");
      await administer(held, "DeleteUserPoolClientSecret", { ...of, ClientSecretId });
      main.ClientSecret = ClientSecretValue;
    },
  },
  "the client loses its ExplicitAuthFlows": atClient({ ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH"] }),
  "the pool begins to demand MFA": {
    at: "pool",
    of: "one",
    happen: ({ place }) => demandMfa(place, "ON"),
    undo: ({ place }) => demandMfa(place, "OPTIONAL"),
  },
  "a second factor is turned on": {
    at: "shared",
    of: "one",
    happen: async (held) => {
      await newApp(held);
      await own("SetUserMFAPreference", () => ({ SoftwareTokenMfaSettings: on }))(held);
    },
    undo: own("SetUserMFAPreference", () => ({ SoftwareTokenMfaSettings: off })),
  },
  "the second factor is turned off": {
    at: "shared",
    happen: own("SetUserMFAPreference", () => twoFactors(off)),
    undo: own("SetUserMFAPreference", () => twoFactors(on)),
  },
  "another software token takes its place": { at: "shared", happen: newApp },
  AdminDeleteSoftwareToken: { at: "shared", happen: by("AdminDeleteSoftwareToken") },
  DeleteWebAuthnCredential: {
    at: "shared",
    happen: own("DeleteWebAuthnCredential", ({ passkey }) => ({
      CredentialId: passkey.id.toString("base64url"),
    })),
  },
  "the address is another": {
    at: "shared",
    happen: by("AdminUpdateUserAttributes", () => ({
      UserAttributes: [
        { Name: "email", Value: newAddress() },
        { Name: "email_verified", Value: "true" },
      ],
    })),
  },
  "ForgetDevice, of the API's": {
    at: "shared",
    happen: own("ForgetDevice", ({ device }) => ({ DeviceKey: device?.key })),
  },
  "AdminForgetDevice, of the browser": {
    at: "shared",
    happen: (held) => {
      const { visitor, place } = held;
      const cookie = visitor.cookies.get(`poolhouse-devices-${place.UserPoolId}`) ?? assert.fail("no device");
      return by("AdminForgetDevice", () => ({ DeviceKey: cookie.split("~")[0] }))(held);
    },
  },
  "the pool is deleted": {
    at: "pool",
    happen: (held) => administer(held, "DeleteUserPool", { UserPoolId: held.UserPoolId }),
  },
};
