/** Who may do what: the roles of the identity pool, and the policy of the API's own access key. */

export interface Installation {
  readonly region: string;
  readonly accountId: string;
}

/** The API as policies name it: `arn:aws:execute-api:<region>:<account>:<API>/<stage>/<method>/<path>`. */
export const apiName = { apiId: "museum", stage: "prod" } as const;

/** Which routes a role may call. Only the group `admins` has the last one. */
const routes = {
  "museum-guests": ["GET/api/me"],
  "museum-members": ["GET/api/me"],
  "museum-admins": ["GET/api/me", "GET/api/visitors"],
} as const;

/** The role that lists the bucket, if the store has none of its own. */
const filesRole = "museum-files";

export type RoleName = keyof typeof routes | typeof filesRole;

export const roleArn = ({ accountId }: Installation, name: RoleName) =>
  `arn:aws:iam::${accountId}:role/${name}`;

const policy = (Action: string, Resource: string | readonly string[]) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action, Resource }],
});

/** Lets identities of one pool have a role: those that signed in, or guests. */
const trust = (identityPoolId: string, amr: "authenticated" | "unauthenticated") => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { Federated: "cognito-identity.amazonaws.com" },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: { "cognito-identity.amazonaws.com:aud": identityPoolId },
        "ForAnyValue:StringLike": { "cognito-identity.amazonaws.com:amr": amr },
      },
    },
  ],
});

/**
 * The roles in the form that `poolhouse roles apply` takes, which is IAM's.
 * @param bucket that of a store which asks Poolhouse about credentials; none if the store has roles of its own
 */
export function roleTemplate(place: Installation, identityPoolId: string, bucket: string | undefined) {
  const api = `arn:aws:execute-api:${place.region}:${place.accountId}:${apiName.apiId}/${apiName.stage}`;
  const role = (RoleName: RoleName, PolicyDocument: object) => ({
    RoleName,
    AssumeRolePolicyDocument: trust(
      identityPoolId,
      RoleName === "museum-guests" ? "unauthenticated" : "authenticated",
    ),
    Policies: [{ PolicyName: "permissions", PolicyDocument }],
  });
  const callers = Object.entries(routes).map(([name, allowed]) =>
    role(
      name as RoleName,
      policy(
        "execute-api:Invoke",
        allowed.map((route) => `${api}/${route}`),
      ),
    ),
  );
  const files =
    bucket === undefined ? [] : [role(filesRole, policy("s3:ListBucket", `arn:aws:s3:::${bucket}`))];
  return [...callers, ...files];
}

/** All that the API needs of Poolhouse: keys that verify signatures of calls to it. */
export const apiPolicy = ({ region, accountId }: Installation) =>
  policy("poolhouse:GetSigningKey", `arn:aws:poolhouse:${region}:${accountId}:signing-key/execute-api`);
