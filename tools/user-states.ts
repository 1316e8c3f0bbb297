/**
 * THE table of what administrators' operations do to users in each state. docs/fidelity.md shows it, and test/fidelity
 * tests each cell over the wire. An operation without its row fails that test.
 */

export const userStates = {
  UNCONFIRMED: "UNCONFIRMED",
  CONFIRMED: "CONFIRMED",
  FORCE_CHANGE_PASSWORD: "FORCE_CHANGE_PASSWORD",
  RESET_REQUIRED: "RESET_REQUIRED",
  EXTERNAL_PROVIDER: "EXTERNAL_PROVIDER",
  disabled: "CONFIRMED, disabled",
  unverified: "CONFIRMED, without a verified address",
} as const;

export type UserState = keyof typeof userStates;

/** Refusals by the names that the table gives them; `<status>` and `<username>` are the user's. */
export const refusals = {
  notConfirmed: "UserNotConfirmedException: User is not confirmed.",
  noConfirmation: "NotAuthorizedException: User cannot be confirmed. Current status is <status>",
  noInvitation:
    "UnsupportedUserStateException: Resend not possible. <username> status is not FORCE_CHANGE_PASSWORD",
  resetRequired: "PasswordResetRequiredException: Password reset required for the user",
  noReset: "NotAuthorizedException: User password cannot be reset in the current state.",
  noAddress:
    "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email or phone_number",
  disabled: "NotAuthorizedException: User is disabled.",
  noPassword: "NotAuthorizedException: Incorrect username or password.",
  noFactor: "InvalidParameterException: PASSWORD is not available for the user.",
  noToken: "InvalidParameterException: User has not verified software token mfa",
} as const;

/**
 * `works`: the user's state stays. `none`: a user in this state cannot have what the operation is about. Otherwise the
 * state after it, the next challenge of a sign-in, or a refusal.
 */
export type Outcome =
  | "works"
  | "none"
  | "signs in"
  | "NEW_PASSWORD_REQUIRED"
  | "→ CONFIRMED"
  | "→ RESET_REQUIRED"
  | "→ EXTERNAL_PROVIDER"
  | "→ disabled"
  | "→ enabled"
  | "→ deleted"
  | keyof typeof refusals;

type Row = Readonly<Record<UserState, Outcome>>;

/** One outcome per state, in order. */
function row(...outcomes: readonly [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome, Outcome]): Row {
  const states = Object.keys(userStates) as UserState[];
  return Object.fromEntries(states.map((state, index) => [state, outcomes[index]])) as Row;
}

const always = (outcome: Outcome) => row(outcome, outcome, outcome, outcome, outcome, outcome, outcome);
const works = always("works");

export const userStateTable: Readonly<Record<string, Row>> = {
  AdminAddUserToGroup: works,
  AdminConfirmSignUp: { ...always("noConfirmation"), UNCONFIRMED: "→ CONFIRMED" },
  AdminCreateUser: { ...always("noInvitation"), FORCE_CHANGE_PASSWORD: "works" },
  AdminDeleteSoftwareToken: { ...works, UNCONFIRMED: "none", FORCE_CHANGE_PASSWORD: "none" },
  AdminDeleteUser: always("→ deleted"),
  AdminDeleteUserAttributes: works,
  AdminDisableProviderForUser: { ...always("→ EXTERNAL_PROVIDER"), EXTERNAL_PROVIDER: "works" },
  AdminDisableUser: { ...always("→ disabled"), disabled: "works" },
  AdminEnableUser: { ...works, disabled: "→ enabled" },
  AdminForgetDevice: works,
  AdminGetDevice: works,
  AdminGetUser: works,
  AdminGetUserAuthFactors: works,
  AdminInitiateAuth: row(
    "notConfirmed",
    "signs in",
    "NEW_PASSWORD_REQUIRED",
    "resetRequired",
    "noPassword",
    "disabled",
    "signs in",
  ),
  AdminLinkProviderForUser: works,
  AdminListDevices: works,
  AdminListGroupsForUser: works,
  AdminListUserAuthEvents: works,
  AdminListUserSessions: works,
  AdminRemoveUserFromGroup: works,
  AdminResetUserPassword: row(
    "noReset",
    "→ RESET_REQUIRED",
    "noReset",
    "works",
    "noReset",
    "disabled",
    "noAddress",
  ),
  AdminRespondToAuthChallenge: row(
    "none",
    "signs in",
    "NEW_PASSWORD_REQUIRED",
    "resetRequired",
    "noFactor",
    "none",
    "signs in",
  ),
  AdminRevokeUserSession: { ...always("none"), CONFIRMED: "works", unverified: "works" },
  AdminSetUserMFAPreference: { ...works, UNCONFIRMED: "noToken", FORCE_CHANGE_PASSWORD: "noToken" },
  AdminSetUserPassword: {
    ...always("→ CONFIRMED"),
    CONFIRMED: "works",
    disabled: "works",
    unverified: "works",
  },
  AdminSetUserSettings: works,
  AdminUpdateAuthEventFeedback: works,
  AdminUpdateDeviceStatus: works,
  AdminUpdateUserAttributes: works,
  AdminUserGlobalSignOut: works,
};

/** What the operations of the table are given, where that is not plain. */
const given: Readonly<Record<string, string>> = {
  AdminCreateUser: "AdminCreateUser, RESEND",
  AdminDisableProviderForUser: "AdminDisableProviderForUser, of the user pool's own sign-in",
  AdminInitiateAuth: "AdminInitiateAuth, ADMIN_USER_PASSWORD_AUTH with the right password",
  AdminRespondToAuthChallenge: "AdminRespondToAuthChallenge, SELECT_CHALLENGE with the right password",
  AdminSetUserMFAPreference: "AdminSetUserMFAPreference, of a software token",
  AdminSetUserPassword: "AdminSetUserPassword, Permanent",
};

/** The section of docs/fidelity.md. */
export function userStatesSection(): string {
  const states = Object.keys(userStates) as UserState[];
  const names = Object.keys(refusals);
  const cell = (outcome: Outcome) => {
    const number = names.indexOf(outcome) + 1;
    return number > 0 ? `refused (${number})` : outcome === "none" ? "–" : outcome;
  };
  const isPlain = (of: Row) => states.every((state) => of[state] === "works");
  const rows = Object.entries(userStateTable).filter(([, of]) => !isPlain(of));
  const plain = Object.entries(userStateTable).filter(([, of]) => isPlain(of));
  return [
    "An arrow leads to the state that follows; without one, the user's state stays. A dash: a user in this state has nothing that",
    "the operation could be about.",
    "",
    `| Operation | ${states.map((state) => userStates[state]).join(" | ")} |`,
    `|---|${states.map(() => "---").join("|")}|`,
    ...rows.map(
      ([name, of]) => `| ${given[name] ?? name} | ${states.map((state) => cell(of[state])).join(" | ")} |`,
    ),
    "",
    ...Object.values(refusals).map((text, index) => `${index + 1}. \`${text}\``),
    "",
    `In every state these work, and change no state: ${plain.map(([name]) => name).join(", ")}.`,
  ].join("\n");
}
