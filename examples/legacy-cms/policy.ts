/** The policy that was published with handlers/migrate_user.py, for the functions of a pool. */
export const policyFor = (region: string, accountId: string, userPoolId: string) => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: "arn:aws:logs:*:*:*",
    },
    {
      Effect: "Allow",
      Action: ["cognito-idp:AdminUpdateUserAttributes"],
      Resource: `arn:aws:cognito-idp:${region}:${accountId}:userpool/${userPoolId}`,
    },
  ],
});
