/** The package brings no types. */
declare module "cognito-express" {
  export default class CognitoExpress {
    constructor(config: { region: string; cognitoUserPoolId: string; tokenUse: "access" | "id" });
    validate(token: string): Promise<Readonly<Record<string, unknown>>>;
  }
}
