/** Requests about names of every kind, to see whether response times reveal who exists. */
import { randomBytes } from "node:crypto";
import { type Connection, document } from "./connection.ts";

export const password = "Correct-Horse-7";

export const subjects = ["unknown", "known", "disabled", "hash-only", "unconfirmed", "passwordless"] as const;
export type Kind = (typeof subjects)[number];

export interface Stage {
  readonly connection: Connection;
  readonly ClientId: string;
}

/** `ask` is timed; `prepare` does what must come before it. */
export interface Operation {
  readonly name: string;
  readonly among: readonly Kind[];
  prepare?(stage: Stage, username: string): Promise<Record<string, string>>;
  ask(stage: Stage, username: string, prepared: Record<string, string>): [operation: string, body: object];
}

/** Kinds of users that can be asked for a password. */
const accounts: readonly Kind[] = ["unknown", "known", "disabled", "hash-only"];
/** Kinds of users that can confirm something. */
const signedUp: readonly Kind[] = [...accounts, "unconfirmed"];
/** Kinds of users that can choose how to sign in. */
const choosers: readonly Kind[] = ["unknown", "known", "disabled", "passwordless"];
const srpA = () => randomBytes(383).toString("hex").replace(/^/, "01");
const initiate = (ClientId: string, AuthFlow: string, AuthParameters: object): [string, object] => [
  "InitiateAuth",
  { ClientId, AuthFlow, AuthParameters },
];
const wrong = { PASSWORD: "Wrong-Guess-1" };
// Nine digits, so never the code that was sent.
const wrongCode = { EMAIL_OTP_CODE: "123456789" };

/** USER_AUTH with the parameters of its first request. */
const choice = (title: string, parameters: () => object): Operation => ({
  name: `InitiateAuth USER_AUTH ${title}`.trimEnd(),
  among: choosers,
  ask: ({ ClientId }, USERNAME) => initiate(ClientId, "USER_AUTH", { USERNAME, ...parameters() }),
});

/** An answer to a challenge of USER_AUTH, which is requested before the timing starts. */
const answerTo = (ChallengeName: string, title: string, preference: object, answer: object): Operation => ({
  name: `RespondToAuthChallenge ${ChallengeName} ${title}`.trimEnd(),
  among: choosers,
  prepare: async ({ connection, ClientId }, USERNAME) => {
    const body = initiate(ClientId, "USER_AUTH", { USERNAME, ...preference });
    const { Session } = document(await connection.call(...body));
    return { Session: Session as string };
  },
  ask: ({ ClientId }, USERNAME, { Session }) => [
    "RespondToAuthChallenge",
    { ClientId, ChallengeName, Session, ChallengeResponses: { USERNAME, ...answer } },
  ],
});

export const operations: readonly Operation[] = [
  {
    name: "InitiateAuth USER_PASSWORD_AUTH",
    among: accounts,
    ask: ({ ClientId }, USERNAME) =>
      initiate(ClientId, "USER_PASSWORD_AUTH", { USERNAME, PASSWORD: "Wrong-Guess-1" }),
  },
  {
    name: "InitiateAuth USER_SRP_AUTH",
    among: accounts,
    ask: ({ ClientId }, USERNAME) => initiate(ClientId, "USER_SRP_AUTH", { USERNAME, SRP_A: srpA() }),
  },
  {
    name: "RespondToAuthChallenge PASSWORD_VERIFIER",
    among: accounts,
    prepare: async ({ connection, ClientId }, USERNAME) => {
      const [operation, body] = initiate(ClientId, "USER_SRP_AUTH", { USERNAME, SRP_A: srpA() });
      return document(await connection.call(operation, body))["ChallengeParameters"] as Record<
        string,
        string
      >;
    },
    ask: ({ ClientId }, _username, parameters) => [
      "RespondToAuthChallenge",
      { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses: wrongProof(parameters) },
    ],
  },
  choice("", () => ({})),
  choice("EMAIL_OTP", () => ({ PREFERRED_CHALLENGE: "EMAIL_OTP" })),
  choice("PASSWORD", () => ({ PREFERRED_CHALLENGE: "PASSWORD", ...wrong })),
  choice("PASSWORD_SRP", () => ({ PREFERRED_CHALLENGE: "PASSWORD_SRP", SRP_A: srpA() })),
  choice("WEB_AUTHN", () => ({ PREFERRED_CHALLENGE: "WEB_AUTHN" })),
  answerTo("EMAIL_OTP", "", { PREFERRED_CHALLENGE: "EMAIL_OTP" }, wrongCode),
  answerTo("SELECT_CHALLENGE", "PASSWORD", {}, { ANSWER: "PASSWORD", ...wrong }),
  {
    name: "ForgotPassword",
    among: accounts,
    ask: ({ ClientId }, Username) => ["ForgotPassword", { ClientId, Username }],
  },
  {
    name: "ConfirmForgotPassword",
    among: accounts,
    ask: ({ ClientId }, Username) => [
      "ConfirmForgotPassword",
      { ClientId, Username, ConfirmationCode: "12345", Password: "Another-horse-2" },
    ],
  },
  {
    name: "ResendConfirmationCode",
    among: signedUp,
    ask: ({ ClientId }, Username) => ["ResendConfirmationCode", { ClientId, Username }],
  },
  {
    name: "ConfirmSignUp",
    among: signedUp,
    ask: ({ ClientId }, Username) => ["ConfirmSignUp", { ClientId, Username, ConfirmationCode: "12345" }],
  },
  {
    // A free name becomes a user: only the work is compared, since the answer reveals it anyway.
    name: "SignUp",
    among: accounts,
    prepare: async (_stage, username) => ({ free: `${username}-${randomBytes(8).toString("hex")}` }),
    ask: ({ ClientId }, username, { free }) => {
      const Username = username.startsWith("unknown") ? free : username;
      const email = `${randomBytes(8).toString("hex")}@mail.example`;
      return [
        "SignUp",
        { ClientId, Username, Password: password, UserAttributes: [{ Name: "email", Value: email }] },
      ];
    },
  },
];

function wrongProof(parameters: Record<string, string>): object {
  const [day, date, month, year, time] = new Date().toUTCString().replace(",", "").split(" ");
  return {
    USERNAME: parameters["USER_ID_FOR_SRP"],
    PASSWORD_CLAIM_SECRET_BLOCK: parameters["SECRET_BLOCK"],
    PASSWORD_CLAIM_SIGNATURE: randomBytes(32).toString("base64"),
    TIMESTAMP: `${day} ${month} ${Number(date)} ${time} UTC ${year}`,
  };
}
