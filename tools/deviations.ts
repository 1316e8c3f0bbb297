/**
 * Where Poolhouse knowingly differs from Cognito, by operation; docs/fidelity.md is generated from it.
 * `*` holds for all operations.
 */
export const deviations: Readonly<Record<string, readonly string[]>> = {
  "*": [
    "Strings that hold U+0000 or half a surrogate pair, and bodies nested deeper than 64, are a SerializationException.",
    "Triggers cannot run yet. A pool that has PreSignUp, PostConfirmation, PreAuthentication, PostAuthentication or PreTokenGeneration gets UnexpectedLambdaException where the trigger would decide; CustomMessage and the custom senders are stored and not called, UserMigration finds nobody.",
    "One-time codes are no first factor for users from whom a second one is demanded; a passkey is one for them only with FactorConfiguration MULTI_FACTOR_WITH_USER_VERIFICATION and WebAuthnMfaSettings turned on.",
    "Feature tiers gate nothing. IssuerConfiguration, KeyConfiguration, AcrConfiguration and DcrConfiguration are stored and have no effect.",
    "The issuer is `<public URL>/<pool id>`; the pool tag `poolhouse:issuer` = `aws` gives AWS's own form.",
    'With PreventUserExistenceErrors ENABLED, a user who exists is told the real delivery details and, in SRP, the internal username; a locked account answers "Password attempts exceeded" to each of its names. So does Cognito.',
    "A preferred_username that is an alias may not have the shape of an e-mail address or phone number that is an alias too, and nobody may be called like another user's sub.",
    "Signature V4 in the query: a POST with X-Amz-Target as a signed header, whose body the signature covers; good for X-Amz-Expires (1 to 604800 seconds), without it for five minutes. Session tokens are refused until STS exists.",
    "Policies of access keys that name unknown actions, operators, condition keys or resources of these services are refused when they are written. Tags that mean something here, chosen ids and foreign senders of mail need permissions that AWS does not have (docs/security-model.md, Policies of access keys).",
    "AWS's request-rate quotas are not imitated. Overload answers TooManyRequestsException, and so do the limits by address (docs/security-model.md), which refuse strangers only.",
    "Wrong passwords, wrong codes and requests from networks that a user is known from are counted apart from those of strangers, under Cognito's numbers: strangers cannot keep an owner out.",
    "A mailbox or phone gets at most 20 messages an hour in a pool. With PreventUserExistenceErrors ENABLED, ForgotPassword and ResendConfirmationCode then answer as always and send nothing; elsewhere LimitExceededException.",
    "Refresh tokens are about 120 characters long and no JWE; clients must treat them as opaque, as with Cognito.",
  ],
  AddUserPoolClientSecret: ["A public client cannot get a secret."],
  AdminCreateUser: [
    "A taken alias answers AliasExistsException. ForceAliasCreation also unverifies the address of its previous owner.",
    "In pools whose users can sign in by one-time codes, a user without password is CONFIRMED.",
    "Without DesiredDeliveryMediums a user who has an e-mail address and no phone number is invited by e-mail; Cognito would try SMS.",
  ],
  AdminListUserAuthEvents: [
    "Recorded without threat protection, for POOLHOUSE_AUTH_EVENT_RETENTION_DAYS days. A sign-in is one event from its first request to its end; each refused answer that leaves the Session usable is an event of its own. What is proven by anything but a password is called Mfa. No EventRisk, city, country or time zone. An event is told by other servers a quarter of a second later; the last ones before a crash are lost. Attempts that prove nothing are told one by one up to 30 an hour, user and kind; the others share one event, whose DeviceName ends in their number, `(12 attempts)`; successes always are.",
  ],
  AdminListUserSessions: [
    "While tracking is DISABLED: OperationNotEnabledException, as the other operations of sessions. Up to date, not eventually consistent. Sign-ins of before tracking was enabled are not listed. There is no NextToken: of 25 browsers of a user the least recently used one ends when another signs in.",
    "LastLocation is always Country `unknown`: there is no map of addresses. A session whose authorization code an application's server has redeemed shows the browser's device and address until that server refreshes it.",
    "A user who signs in again in the same browser goes on with its SSO session, under a new cookie; another user's sign-in there ends it.",
  ],
  AdminRevokeUserSession: [
    "At once. A session that is over, or another user's, is ResourceNotFoundException. Codes that an SSO session has given out and nobody has redeemed are void with it.",
  ],
  AdminUpdateAuthEventFeedback: ["Recorded with the event; changes nothing else."],
  AdminConfirmSignUp: ["Refused while a PostConfirmation trigger is configured."],
  ChangePassword: [
    "Tokens of the user go on, as with Cognito; sessions at the hosted pages end in every browser, but for the one that the access token came through where sessions are tracked.",
  ],
  AdminResetUserPassword: [
    "Every token of the user is revoked, and every device forgotten. May answer CodeDeliveryFailureException.",
    "The address is chosen as by ForgotPassword.",
  ],
  AdminSetUserPassword: ["Every token of the user is revoked, and every device forgotten."],
  AdminUpdateUserAttributes: ["May answer CodeDeliveryFailureException."],
  ConfirmForgotPassword: [
    "Every token of the user is revoked, and every device forgotten; with Cognito they live on.",
    "A code is treated as one that was never sent once its address has become a second factor, or AccountRecoverySetting no longer lets it recover the password.",
    "With PreventUserExistenceErrors ENABLED, a wrong code reads the same whether a code was asked for or not.",
  ],
  ConfirmSignUp: [
    "Returns a Session only to clients with ALLOW_USER_AUTH, and none for users from whom a second factor is demanded. The Session of SignUp may be left out, as Amplify does, and lives as long as the code.",
    "With PreventUserExistenceErrors ENABLED, a wrong code reads the same whether a code was asked for or not.",
  ],
  CreateUserPool: [
    "MFA modes need SmsConfiguration, but no auto-verified phone_number.",
    "AllowedFirstAuthFactors must include PASSWORD.",
    "Both EmailMessage and EmailMessageByLink are accepted together.",
    "The id of a pool that was deleted within a year can be chosen again only with the permission poolhouse:ReuseUserPoolId.",
    "EmailConfiguration.From must be one address, with or without a name; mail goes out through the server's own SMTP settings, whatever SourceArn says.",
  ],
  CreateUserPoolClient: [
    "Read and write attributes left unset include custom attributes.",
    "The scope `address` is accepted in pools whose tag `poolhouse:oidc` names clients, and granted to those.",
    "Providers other than COGNITO are refused until their operations exist.",
    "A ClientName may have the form `_custom_id_:<id>`, which fixes the client id. An id that another pool gave up within a year is given only to whom a policy permits poolhouse:ReuseName, as the root key's does.",
  ],
  CreateManagedLoginBranding: [
    "Images must be what their Extension says by their first bytes. An SVG image with scripts, links, animations, event handlers, foreign elements or references to anything outside is refused. Settings have at most 256 KiB, the assets of a style 10 MB.",
    "ICO images are for FAVICON_ICO alone, which takes no others; FAVICON_SVG takes SVG.",
    "A client without a style has the default one, and pages are there. A setting that is not exactly a color, a number or a known word counts as left out, as does a radius above 64. Where text, the edge of a field or the focus would not be seen on what lies under it (WCAG 2.2: 4.5:1 and 3:1), pages show the nearest color that is, and the server's log names the settings.",
    "Pages do not act on these settings: auth, form.instructions, form.sessionTimerDisplay and signUp of the categories; dropDown, idpButtons, optionControls, placeholderColor and the pending and warning status of the component classes; idpButton, phoneNumberSelector, primaryButton.disabled and secondaryButton.active of the components; nor on IDP_BUTTON_ICON. An image behind the form is veiled by 88% of the form's color, one behind the page is not shown where the form fills a small window.",
  ],
  UpdateManagedLoginBranding: [
    "Settings take the place of all former ones; assets that of the same Category, ColorMode and ResourceId. UseCognitoProvidedValues removes both. An asset without Bytes keeps the one there is.",
  ],
  DescribeManagedLoginBranding: ["The defaults that ReturnMergedResources adds are our own pages'."],
  DescribeManagedLoginBrandingByClient: ["As DescribeManagedLoginBranding."],
  CreateTerms: [
    "Links must be http or https URLs. The sign-up page shows them once terms-of-use and privacy-policy are both there, also at domains of the classic hosted UI.",
  ],
  UpdateTerms: ["Members that are left out stay as they are. Links must be http or https URLs."],
  SetUICustomization: [
    "Needs no domain. CSS and ImageFile are set together: what is left out is taken away. CSS may use the classes of the documentation and of the console's template, and only functions that compute a value. ImageFile has at most 100 KiB. ImageUrl is an address of this server.",
    "On the main host a style of managed login has precedence. What is set dresses our own pages, which are light then: text, boxes and borders of the parts that stand where the classic pages had its classes (idpButton, idpDescription, socialButton and passwordCheck have none). Of a background the first color counts, but on the banner. Declarations that could move a part, lay it over another or hide it (position, negative margins, opacity and the like; display: none but for texts, logo and banner) are left out, as is !important; colors that could not be seen are shown as in CreateManagedLoginBranding. The server's log names both.",
  ],
  CreateResourceServer: ["As many as wanted. Two scopes of one name are refused."],
  CreateUserPoolDomain: [
    "A pool has as many domains of both kinds as wanted. A prefix domain is `<prefix>.<POOLHOUSE_AUTH_DOMAIN>`; a custom domain is any host name but the server's own and those below POOLHOUSE_AUTH_DOMAIN, kept in lower case and ASCII. CertificateArn, SecurityPolicy and Routing are kept and have no effect; CloudFrontDomain is the host of the public URL. Domains are ACTIVE at once. One that another pool gave up is refused for a year, or until an operator releases it, but to whom a policy permits poolhouse:ReuseName, as the root key's does.",
  ],
  UpdateUserPoolDomain: ["Members that are left out stay as they are."],
  DescribeUserPool: ["Of several domains of a kind the oldest is shown."],
  DescribeUserPoolClient: ["Of two secrets the newest is shown."],
  ForgotPassword: [
    "With PreventUserExistenceErrors ENABLED everybody gets delivery details, also invited, disabled and unverified users, and the message is sent by the worker: CodeDeliveryFailureException does not appear.",
    "Refused for UNCONFIRMED users, also with a verified address.",
    "An address to which a sign-in could send a second-factor code cannot recover the password, even if the user never turned it on; nor can one that is turned on but no longer used by the pool.",
  ],
  GetTokensFromRefreshToken: [
    "A replay after the grace period revokes the whole token family.",
    "Refresh tokens of the authorization server grant those of their scopes that the client may have now; NotAuthorizedException where none is left, or the client has lost OAuth or the code flow.",
  ],
  InitiateAuth: [
    "One-time codes sign in by verified addresses alone.",
    "CUSTOM_AUTH is refused: UnexpectedLambdaException where the pool has its triggers, which cannot run yet. The hosted pages have a page for CUSTOM_CHALLENGE, which nothing leads to before that; of the public challenge parameters it shows `title` as its heading, `prompt` above the field and all others as text.",
    "With PreventUserExistenceErrors ENABLED, USER_AUTH offers everybody every first factor that the pool allows, and who chooses one that they do not have is answered like a name that nobody has; CREDENTIAL_REQUEST_OPTIONS name no passkeys.",
    "Whether an account is disabled, unconfirmed or to be reset is told only to who proves the password.",
    "A password changed while a sign-in runs voids that sign-in.",
    "A code that could not be sent answers CodeDeliveryFailureException, but where USER_AUTH hides who exists.",
  ],
  AdminInitiateAuth: [
    "As InitiateAuth. ContextData.IpAddress is the address that limits count; a value that is none is ignored.",
  ],
  AdminUserGlobalSignOut: [
    "Also ends the sign-ins that are running, and the user's sessions at the hosted pages in every browser.",
  ],
  ListUserSessions: ["As AdminListUserSessions."],
  DeleteWebAuthnCredential: ["Ends the user's sessions at the hosted pages that a passkey has opened."],
  AdminDeleteSoftwareToken: ["Ends the user's sessions at the hosted pages that it has opened."],
  RevokeUserSession: [
    "As AdminRevokeUserSession. The session of the access token is InvalidParameterException, and stays when LINKED would reach it.",
  ],
  SetUserPoolClientSessionConfiguration: [
    "While tracking is DISABLED: OperationNotEnabledException. An SSO session is kept as long as the longest that a client of the pool was set to when the user signed in; a higher value counts from the next sign-in on.",
  ],
  SetUserPoolSessionConfiguration: [
    "SSO sessions end with GlobalSignOut, AdminUserGlobalSignOut, AdminDisableUser and another password, whether they are tracked or not.",
  ],
  GlobalSignOut: [
    "Also ends the sign-ins that are running, and the user's sessions at the hosted pages in every browser.",
    "The token of a user who was deleted is a revoked one: its model does not declare UserNotFoundException.",
  ],
  ListUsers: [
    "Attributes named in AttributesToGet that a user lacks are left out instead of being an error.",
  ],
  AssociateSoftwareToken: ["SecretCode has 52 characters (256 bits)."],
  VerifySoftwareToken: [
    "By Session the token is turned on and preferred at once; by access token SetUserMFAPreference does that.",
    "Wrong codes count with those of sign-ins.",
    "A token that replaces another ends the user's sessions at the hosted pages that the former has opened.",
  ],
  SetUserMFAPreference: [
    "A user can turn on SMS and e-mail only for a verified address; an administrator for any.",
    "WebAuthnMfaSettings needs FactorConfiguration MULTI_FACTOR_WITH_USER_VERIFICATION and another MFA factor; it makes a passkey with user verification a sign-in of two factors.",
  ],
  AdminSetUserMFAPreference: ["As SetUserMFAPreference."],
  SetUserSettings: ["MFAOptions can name SMS to phone_number alone."],
  AdminSetUserSettings: ["As SetUserSettings."],
  StartWebAuthnRegistration: [
    "Without RelyingPartyId the relying party is the pool's oldest custom domain, else its oldest prefix domain, as with Cognito; of a pool without a domain it is the host of the public URL, and so it is at the hosted pages of that host.",
  ],
  ConfirmDevice: [
    "Needs the access token that came with the device's key, and a DeviceSecretVerifierConfig.",
    "A device stands for MFA only if two factors were proven in the sign-in that confirmed it, or in one in which it proved itself.",
    "The hosted pages confirm a browser by themselves, where ChallengeRequiredOnNewDevice is on and the sign-in had two factors: its DeviceName is what the browser calls itself. With DeviceOnlyRememberedOnUserPrompt only those that the user wants remembered become devices. Tokens of the authorization server carry no device_key, and refreshing them takes none.",
  ],
  ForgetDevice: ["Tokens that were issued to the device are revoked."],
  AdminForgetDevice: ["Tokens that were issued to the device are revoked."],
  RespondToAuthChallenge: [
    "NEW_PASSWORD_REQUIRED: email and phone_number of a user who has a second factor change at the end of the sign-in, when that is proven; a sign-in that is not finished changes neither.",
    "MFA_SETUP lists and sets up only what the client may write (WriteAttributes).",
  ],
  AdminRespondToAuthChallenge: ["As RespondToAuthChallenge."],
  RevokeToken: [
    "An unknown client, and a token that is not the client's, answer UnauthorizedException: its model declares nothing closer.",
  ],
  ResendConfirmationCode: [
    "With PreventUserExistenceErrors ENABLED as ForgotPassword.",
    "CONFIRM_WITH_LINK as SignUp.",
  ],
  SignUp: [
    "Usernames are kept with composed letters (Unicode NFC) and in lower case where the pool is not case sensitive; AdminCreateUser does the same.",
    "Returns a Session, for ConfirmSignUp, only to clients with ALLOW_USER_AUTH.",
    "CONFIRM_WITH_LINK needs no domain: the link leads to the oldest custom domain, else a prefix, else the public URL, and opening it shows a button.",
    "ClientMetadata and ValidationData are accepted and reach nobody: there are no triggers.",
    "With PreventUserExistenceErrors ENABLED the message is sent by the worker: CodeDeliveryFailureException does not appear.",
  ],
  UpdateGroup: ["Members that are left out stay as they are."],
  UpdateUserPool: [
    "Members that are left out: see below. MfaConfiguration turns SMS on where no factor is set and the pool has SmsConfiguration. Combinations of factors are refused as by SetUserPoolMfaConfig.",
  ],
  UpdateUserPoolClient: ["Members that are left out: see below."],
  SetUserPoolMfaConfig: [
    "Members that are left out: see below. EmailMfaConfiguration goes with every EmailSendingAccount. MULTI_FACTOR_WITH_USER_VERIFICATION means UserVerification required, and is refused beside another. Whether factors may be combined is checked on the pool as it would be after the change, whichever operation makes it; a pool that already has a refused combination signs users in as before, and everything else of it can be changed.",
  ],
  UpdateUserAttributes: [
    "A verified address that is lost, by whichever operation, ends the user's sessions at the hosted pages that a code sent there has opened.",
    "At most 20 requests with a message an hour a user: TooManyRequestsException.",
  ],
};
