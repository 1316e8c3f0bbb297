/** Functions around a sign-in that answer anything at any time, and what each would say just now. */
import type { LambdaConfigType } from "@aws-sdk/client-cognito-identity-provider";
import type { Dice } from "../kit/dice.ts";
import { type Script, script, scripted } from "./functions.ts";

/** What an answer means for the sign-in. */
type Meaning = "agrees" | "refuses" | "asks";

const refusals: readonly Script[] = [
  { throws: "Not now" },
  { answer: null },
  { answer: { response: 7 } },
  { answer: "agreed" },
];
/** What each may say; refusals come on top. */
const sayings = {
  PreAuthentication: [["agrees", { response: {} }]],
  PostAuthentication: [["agrees", { response: { issueTokens: true } }]],
  TokenGeneration: [
    ["agrees", { response: {} }],
    ["agrees", { response: { claimsOverrideDetails: { claimsToAddOrOverride: { sub: "root" } } } }],
    ["refuses", { response: { claimsOverrideDetails: [] } }],
  ],
  DefineAuthChallenge: [
    ["asks", { response: { challengeName: "CUSTOM_CHALLENGE" } }],
    ["asks", { response: { challengeName: "CUSTOM_CHALLENGE", issueTokens: false } }],
    ["agrees", { response: { issueTokens: true } }],
    ["agrees", { response: { issueTokens: true, challengeName: "CUSTOM_CHALLENGE" } }],
    ["refuses", { response: { issueTokens: true, failAuthentication: true } }],
    ["refuses", { response: { challengeName: "PASSWORD_VERIFIER" } }],
    ["refuses", { response: { issueTokens: "true" } }],
    ["refuses", { response: {} }],
  ],
  CreateAuthChallenge: [["agrees", { response: { publicChallengeParameters: { USERNAME: "root" } } }]],
  VerifyAuthChallengeResponse: [
    ["agrees", { response: { answerCorrect: true } }],
    ["agrees", { response: { answerCorrect: false } }],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [Meaning, Script])[]>>;

export type Moody = keyof typeof sayings;
const all = Object.keys(sayings) as Moody[];

export interface Moods {
  readonly config: LambdaConfigType;
  /** What a function says from now on; "agrees" if the pool has none. */
  says(trigger: Moody): Meaning;
  /** Each makes up its mind anew. */
  change(poolId: string, die: Dice): void;
}

/** Those of CUSTOM_AUTH are always there, of the others whichever the dice say. */
export function makeMoods(die: Dice): Moods {
  const has = all.filter(
    (trigger) => trigger.endsWith("ChallengeResponse") || trigger.endsWith("AuthChallenge") || !die.chance(3),
  );
  const moods = new Map<Moody, Meaning>();
  return {
    config: Object.fromEntries(
      has.map((trigger) => [trigger === "TokenGeneration" ? "PreTokenGeneration" : trigger, scripted]),
    ),
    says: (trigger) => moods.get(trigger) ?? "agrees",
    change: (poolId, die) => {
      for (const trigger of has) {
        const own: readonly (readonly [Meaning, Script])[] = sayings[trigger];
        const [meaning, what] = die.chance(5) ? (["refuses", die.pick(refusals)] as const) : die.pick(own);
        moods.set(trigger, meaning);
        script(poolId, `${trigger}_Authentication`, what);
      }
    },
  };
}
