/** The signer of a request. */
export interface Principal {
  readonly accessKeyId: string;
  readonly name: string;
  readonly arn: string;
  readonly policy: string;
}
