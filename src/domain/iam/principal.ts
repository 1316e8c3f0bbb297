/** The signer of a request. */
export interface Principal {
  readonly accessKeyId: string;
  readonly name: string;
  /** What error messages and the audit log call it: a user, or the session of an assumed role. */
  readonly arn: string;
  /** The policies of the key, or of the role, as JSON. */
  readonly policies: readonly string[];
  /** Set if a role was assumed. */
  readonly session?: RoleSession;
  /** Set if it calls with temporary credentials of its access key (GetSessionToken). */
  readonly isKeySession?: true;
}

/** What policies can test about the session of a role ("AWS global condition context keys", IAM User Guide). */
export interface RoleSession {
  /** The ARN of the role, which `aws:PrincipalArn` is; not that of the session. */
  readonly roleArn: string;
  /** `<id of the role>:<name of the session>`. */
  readonly userId: string;
  /** The id of the role; undefined if nobody has defined it, and the session may do nothing. */
  readonly roleId?: string;
  /** In epoch milliseconds. */
  readonly issuedAt: number;
  readonly tags: Readonly<Record<string, string>>;
  /** The keys of the tags that sessions which are begun with this one inherit. */
  readonly transitiveTags?: readonly string[];
  readonly sourceIdentity?: string;
  /** The provider that the user signed in with. */
  readonly federatedProvider?: string;
  /** What Cognito's identity pools say about the user, if one of them issued the session. */
  readonly identity?: {
    /** The id of the identity pool. */
    readonly aud: string;
    /** The id of the identity. */
    readonly sub: string;
    readonly amr: readonly string[];
  };
  /** Session policies that were given when the role was assumed; undefined if there were none, which restricts nothing. */
  readonly policies?: readonly string[];
}
