/**
 * Known differences from Cognito by operation; `*` applies to all of them. docs/fidelity.md is generated from this table.
 */
export const deviations: Readonly<Record<string, readonly string[]>> = {
  "*": [
    "Strings that contain U+0000 or half a surrogate pair, and bodies nested deeper than 64, answer SerializationException.",
    "Triggers run functions that the server's configuration describes by the name or ARN in LambdaConfig (docs/functions.md); one that is described nowhere answers UnexpectedLambdaException, and none is skipped.",
    "Lambda's Invoke API (`aws lambda invoke`) runs the configured functions, by InvocationType RequestResponse or DryRun; Event is refused. Policies are matched against the function's own ARN without a qualifier (docs/functions.md).",
    "PreSignUp runs before the name is looked up, so also for names that are taken. PreAuthentication and the triggers of CUSTOM_AUTH run for names that nobody has only if the client has PreventUserExistenceErrors ENABLED. PreTokenGeneration runs before a refresh token is rotated or a code used up: what it refuses stays good.",
    "CustomMessage runs when the message is delivered: what it throws reaches the caller, except where PreventUserExistenceErrors is ENABLED and the worker delivers. emailMessage counts with Cognito's own sender, too.",
    "Messages for which the pool has no template are in the language of the user's attribute `locale`, else of the hosted page, else of the pool's tag `poolhouse:language`, else English; Cognito's are always English. The English subjects, texts and text messages begin with Cognito's words; the HTML has the branding of the client's pages (docs/message-looks.md). Text messages that a page sends end with a line that binds the code to its host.",
    "CustomEmailSender and CustomSMSSender run when the message is delivered, and CustomMessage is then not asked. A function that throws is called three times in all; one that is not configured, or has no access key to decrypt codes with, answers UnexpectedLambdaException, unless PreventUserExistenceErrors hides users. CustomEmailSender_AccountTakeOverNotification does not occur, since there is no threat protection.",
    "Owners of accounts get notices by e-mail: of changed passwords and addresses, factors, sign-ins from new networks, remembered devices, and the deletion of the account (docs/notices.md). Cognito sends none without threat protection. The pool tag `poolhouse:no-notices` turns them off. CustomMessage and CustomEmailSender are not asked for them, as there is no trigger source.",
    "Texts to numbers that no country has are not sent, except by CustomSMSSender. Texts have hourly budgets by pool and by range of numbers, and the setting `sms-countries` can leave out countries; what exceeds them is refused as messages to one phone are (docs/decisions/0023-phone-numbers.md).",
    "KMSKeyID must be the ARN of a key, not of an alias. The key need not exist in AWS: each pool has a key of its own for it here, and Decrypt of KMS is answered for the functions that send the pool's messages (docs/functions.md). No other operation of KMS is.",
    "GetSigningKey (target `Poolhouse.GetSigningKey`) is an operation of ours, for those who verify signed calls to services of their own (docs/sigv4.md).",
    "Users who need a second factor cannot use one-time codes as the first; they can use a passkey only with FactorConfiguration MULTI_FACTOR_WITH_USER_VERIFICATION and WebAuthnMfaSettings turned on.",
    "SAML providers are told more strictly what is wrong with their responses (docs/saml.md). SHA-1, RSA 1.5 and metadata with RSA keys below 2048 bits are refused; requests are also signed if the provider's metadata asks for it; logout messages are taken by HTTP-Redirect, too. The member MetadataSigningCertificate of ProviderDetails is our own.",
    "Feature tiers restrict nothing. IssuerConfiguration, KeyConfiguration, AcrConfiguration and DcrConfiguration are stored and have no effect.",
    "The issuer is `<public URL>/<pool id>`; the pool tag `poolhouse:issuer` = `aws` gives AWS's own form, and so does a server that has AWS's names (moving-from-cognito.md).",
    'With PreventUserExistenceErrors ENABLED, answers for an existing user contain the real delivery details and, in SRP, the internal username; a locked account answers "Password attempts exceeded" for each of its names. Cognito does the same.',
    "A preferred_username that is an alias must not look like an e-mail address or phone number if those are aliases, too, and nobody can have another user's sub as a name.",
    "Signature V4 in the query: a POST with X-Amz-Target as a signed header, whose body the signature covers; valid for X-Amz-Expires (1 to 604800 seconds), or for five minutes without it; the session token need not be covered. GetCallerIdentity of STS also by GET, for 15 minutes. SignedHeaders must name each header once.",
    "STS has AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity, GetSessionToken and GetAccessKeyInfo, at the same address; others answer InvalidAction. Requests with repeated parameters, and lists that are written in another way, are refused. The user id of an access key is the key's own. Roles have no tags, access keys no MFA, and there are no managed policies; policy and tags of a session have at most 4096 bytes. ID tokens of the server's own user pools need no registered provider, and count while their users are signed in (docs/identity-pools.md).",
    "Policies of access keys that name unknown actions, operators, condition keys or resources of these services are refused when they are stored. Tags with a meaning for Poolhouse, chosen ids and foreign senders of mail require permissions that AWS does not have (docs/security-model.md, Policies of access keys). Texts that are no ARNs cannot be compared by Arn conditions, nor by wildcards what takes more than 20,000 steps: both allow nothing, and deny.",
    "AWS's request rate quotas are not implemented. Overload answers TooManyRequestsException, and so do limits by address (docs/security-model.md), which refuse only strangers.",
    "Wrong passwords, wrong codes and requests from networks where a user is known are counted separately from those of strangers, with Cognito's numbers: strangers cannot lock an owner out.",
    "A mailbox or phone gets at most 20 messages per hour from a pool. Beyond that, with PreventUserExistenceErrors ENABLED, ForgotPassword and ResendConfirmationCode answer as usual but send nothing; other operations answer LimitExceededException.",
    "A user's attributes are listed with `sub` first. A sub is a UUID of version 4; those of Cognito's newer users have the version digit 7.",
    "Required attributes that are missing are named in Cognito's present words (`name.formatted: The attribute name.formatted is required`) where these were seen: emails, phoneNumbers, addresses, nickName, and the parts of names. The others are named as in the schema.",
    "Refresh tokens are about 120 characters long and not JWEs; as with Cognito, clients must treat them as opaque.",
    "`prompt=login` asks OpenID and SAML providers to authenticate the user anew, and an answer that shows an earlier authentication (auth_time, AuthnInstant) is refused. Cognito passes `prompt` on to OpenID providers and checks neither.",
    "`auth_time` of a sign-in through an identity provider is when the user authenticated there, where the provider says so (auth_time of the ID token, AuthnInstant), and the moment of the sign-in here where it does not; refreshed tokens keep it. `max_age` and the 15 minutes of /passkeys/add count from it. A time more than 3 minutes in the future, or before 1970, is refused.",
    "OpenID providers are asked by PKCE (S256) unless their metadata says that they do not know it, and with a nonce. The client secret goes into the body as with Cognito, or into HTTP Basic for providers that only know that; without a secret, the client is public. ID tokens may be signed with RS, PS, ES or EdDSA, with HS (keyed by the client secret) only where the metadata announces it, and `iss` of RFC 9207 and `azp` are checked. authorize_url, token_url and jwks_uri together replace discovery; some of them replace what it finds. `openid` is requested whether or not authorize_scopes names it. The clocks may differ by 3 minutes. IDPSignout `true` in ProviderDetails makes /logout end the session at the provider, too (OpenID Connect RP-Initiated Logout).",
    "Requests to identity providers follow at most 5 redirects (Cognito: 20), for discovery and keys only, take at most 10 seconds, and lead to public addresses by https, on any port, or to those that `private-providers` allows (docs/security-model.md).",
    "Facebook's token endpoint is asked by POST, and its API with appsecret_proof. Google's ID token is verified, and the People API is asked only for mapped claims that the token does not have. The URLs of social providers can be given in ProviderDetails, which Cognito refuses.",
  ],
  AddUserPoolClientSecret: ["A public client cannot get a secret."],
  AdminCreateUser: [
    "A taken alias answers AliasExistsException. ForceAliasCreation also marks the address of its previous owner as unverified.",
    "In pools whose users can sign in with one-time codes, a user without a password is CONFIRMED.",
    "A username that begins with the name of an identity provider and an underscore, in whatever case, is refused, as in SignUp.",
    "Without DesiredDeliveryMediums, a user with an e-mail address but no phone number is invited by e-mail; Cognito would try SMS.",
  ],
  AdminDisableProviderForUser: [
    "All sign-ins of the user end. ProviderName Cognito sets the status EXTERNAL_PROVIDER and forgets the password: nothing but linked identities signs the user in, no name but the username is left, and AdminSetUserPassword undoes it.",
    "If an identity is removed from the user that was created for it, its next sign-in is refused (`Already found an entry for username`) until it is linked to somebody or that user is deleted.",
  ],
  AdminLinkProviderForUser: [
    "A link by a claim becomes one by the subject at the first sign-in. A claim `email` of an OpenID or social provider counts only with `email_verified`. A link awaits nobody of a later provider of the same name, nor of another issuer in the settings of an OpenID provider.",
    "A link that is made in PreSignUp_ExternalProvider works at once; with Cognito the first sign-in fails.",
    "The tag `poolhouse:link-by-email` links by e-mail addresses that both sides have verified (docs/operating.md, Tags of a pool).",
  ],
  AdminListUserAuthEvents: [
    "Recorded without threat protection, for POOLHOUSE_AUTH_EVENT_RETENTION_DAYS days. A sign-in is one event from its first request to its end; each refused answer that leaves the Session usable is a separate event. Everything proven other than a password is called Mfa. There are no EventRisk, city, country or time zone. Other servers show an event a quarter of a second later; the last events before a crash are lost. Attempts that prove nothing are recorded one by one up to 30 per hour, user and kind; further ones share a single event, whose DeviceName ends in their number, `(12 attempts)`. Successes are always recorded one by one.",
  ],
  AdminListUserSessions: [
    "While tracking is DISABLED, this and the other session operations answer OperationNotEnabledException. The list is up to date rather than eventually consistent. Sign-ins from before tracking was enabled are not listed. There is no NextToken: once a user has 25 browsers, the least recently used session ends when another begins.",
    "LastLocation always has Country `unknown`: there is no geo-IP database. A session whose authorization code was redeemed by an application's server shows the browser's device and address until that server refreshes it.",
    "When a user signs in again in the same browser, the SSO session continues under a new cookie; another user's sign-in there ends it.",
  ],
  AdminRevokeUserSession: [
    "Takes effect at once. An ended session, or another user's, answers ResourceNotFoundException. Unredeemed codes of an SSO session become void with it.",
  ],
  AdminUpdateAuthEventFeedback: ["Recorded with the event, without further effect."],
  ChangePassword: [
    "The user's tokens stay valid, as with Cognito; sessions at the hosted pages end in every browser, except the one that the access token came through if sessions are tracked.",
  ],
  AdminResetUserPassword: [
    "All tokens of the user are revoked, and all devices forgotten. May answer CodeDeliveryFailureException.",
    "The address is chosen as in ForgotPassword.",
  ],
  AdminSetUserPassword: [
    "All tokens of the user are revoked, and all devices forgotten.",
    "A user who came through an identity provider gets the names that the attributes give; if somebody else has one, the password is refused.",
  ],
  AdminUpdateUserAttributes: ["May answer CodeDeliveryFailureException."],
  ConfirmForgotPassword: [
    "All tokens of the user are revoked, and all devices forgotten; with Cognito both remain.",
    "A code is void once its address has become a second factor, or AccountRecoverySetting no longer allows it to recover the password.",
    "With PreventUserExistenceErrors ENABLED, a wrong code gets the same answer whether or not a code was requested.",
  ],
  ConfirmSignUp: [
    "Returns a Session only to clients with ALLOW_USER_AUTH, and none for users who need a second factor. The Session of SignUp may be omitted, as by Amplify, and is valid as long as the code.",
    "With PreventUserExistenceErrors ENABLED, a wrong code gets the same answer whether or not a code was requested.",
  ],
  CreateUserPool: [
    "MFA modes need SmsConfiguration, but no auto-verified phone_number.",
    "AllowedFirstAuthFactors must include PASSWORD.",
    "AutoVerifiedAttributes with phone_number needs no SmsConfiguration.",
    "Pools from before AccountRecoverySetting had its default show none, and send codes to the phone number first.",
    "EmailMessage and EmailMessageByLink are accepted together.",
    "The id of a pool that was deleted within the last year can only be chosen again with the permission poolhouse:ReuseUserPoolId.",
    "EmailConfiguration.From must be a single address, with or without a name; mail is sent by the server's own senders, whatever SourceArn says.",
  ],
  CreateUserPoolClient: [
    "ScopeDoesNotExistException also names the scope.",
    "Clients from before ExplicitAuthFlows and PreventUserExistenceErrors were stored as sent show the defaults they had.",
    "If ReadAttributes and WriteAttributes are not set, they include custom attributes.",
    "The scope `address` is accepted in pools whose tag `poolhouse:oidc` lists clients, and granted to those.",
    "A ClientName of the form `_custom_id_:<id>` sets the client id. An id that another pool gave up within the last year requires the permission poolhouse:ReuseName, which the root key has.",
  ],
  CreateManagedLoginBranding: [
    "The first bytes of images must match their Extension. An SVG image with scripts, links, animations, event handlers, foreign elements or external references is refused. Settings are limited to 256 KiB, the assets of a style to 10 MB.",
    "ICO images are only accepted for FAVICON_ICO, which accepts no others; FAVICON_SVG accepts SVG.",
    "A client without a style has the default one, and its pages work. A setting that is not exactly a color, a number or a known word counts as omitted, as does a radius above 64. If text, the border of a field or the focus would lack contrast to its background (WCAG 2.2: 4.5:1 and 3:1), pages use the nearest color with enough contrast, and the server's log names the settings.",
    "Pages do not use these settings: the display of authMethodOrder, form.instructions, form.sessionTimerDisplay and signUp of the categories; dropDown, optionControls, placeholderColor and the pending and warning status of the component classes; phoneNumberSelector, primaryButton.disabled and secondaryButton.active of the components. An image behind the form is covered by 88% of the form's color; one behind the page is not shown if the form fills a small window.",
    "idpButton.standard has the colors of the buttons of OpenID and SAML providers; those of Google, Facebook, Amazon and Apple keep their brands'. AWS does not document what idpButton.custom contains: here it has, by the name of a provider of any type, what standard has, and omitted colors are those of standard. IDP_BUTTON_ICON is the icon of the provider whose name is its ResourceId; without ResourceId, of all OpenID and SAML providers. The only known interfaceStyle is BUTTON_LIST: whether an e-mail address is asked for depends on the identifiers of SAML providers.",
  ],
  UpdateManagedLoginBranding: [
    "Settings replace all former ones; an asset replaces the one with the same Category, ColorMode and ResourceId. UseCognitoProvidedValues removes both. An asset without Bytes keeps the existing one.",
  ],
  DescribeManagedLoginBranding: ["The defaults that ReturnMergedResources adds are those of our own pages."],
  DescribeManagedLoginBrandingByClient: ["As DescribeManagedLoginBranding."],
  CreateTerms: [
    "Links must be http or https URLs. The sign-up page shows them once terms-of-use and privacy-policy both exist, also on domains with the classic hosted UI.",
  ],
  UpdateTerms: ["Omitted members stay unchanged. Links must be http or https URLs."],
  SetUICustomization: [
    "Needs no domain. CSS and ImageFile are set together: what is omitted is removed. CSS may use the classes of the documentation and of the console's template, and only functions that compute a value. ImageFile is limited to 100 KiB. ImageUrl is a URL of this server.",
    "On the main host a style of managed login takes precedence. The CSS applies to our own pages, which are then light: to text, boxes and borders of the parts that correspond to the classic classes (passwordCheck has none). idpButton is a button of an OpenID or SAML provider, idpDescription the label of the field for an address at an organization, and socialButton a button of Google, Facebook, Amazon or Apple, whose colors stay. Of a background only the first color is used, except for the banner. Only declarations are used whose effect stays in the part's own box: none that could move it, cover another or hide it (position, negative margins, opacity, outer shadows and the like; display: none except for texts, logo and banner), and sizes only within limits (margins up to 64px, padding up to 32px, fonts from 10px to 64px; a height of a button or banner is its least height, and texts have none). !important is ignored; colors without enough contrast are replaced as in CreateManagedLoginBranding. The server's log names both.",
  ],
  CreateIdentityProvider: [
    "Members of ProviderDetails that the type does not have are refused, as are switches other than `true` and `false`. The endpoints of social providers can be given; endpoints may have any port, and http on this machine if the server listens on loopback (docs/identity-providers.md).",
    "The configuration of an OpenID provider must name exactly the issuer that is given; Cognito notices at the first sign-in. Its discovered endpoints are not returned.",
    "Issuers of Microsoft Entra that stand for all tenants (`common`, `organizations`, `consumers`, `{tenantid}`) are refused; Cognito takes them, and then refuses each token, whose issuer is that of its tenant.",
    "AttributeMapping takes claims of any name from social providers, too. `username` cannot be mapped to another claim than the provider's id of the user, nor for SAML at all.",
    "An identifier that another provider of the pool has, in whatever case, answers DuplicateProviderException; AWS documents that it must be unique, but no error. There is no limit on the number of providers. AcrMapping is stored and has no effect.",
    "A name that differs from another provider's only by case answers DuplicateProviderException: the usernames of their users begin with it.",
    "Certificates for SAML have a subject key identifier, AWS's no extension.",
  ],
  CreateResourceServer: ["There is no limit on their number. Two scopes of the same name are refused."],
  CreateUserPoolDomain: [
    "A pool can have any number of domains of both kinds. A prefix domain is `<prefix>.<POOLHOUSE_AUTH_DOMAIN>`; a custom domain is any host name except the server's own, POOLHOUSE_AUTH_DOMAIN and those below it, stored in lower case and ASCII. CertificateArn, SecurityPolicy and Routing are stored without effect; CloudFrontDomain is the host of the public URL. Domains are ACTIVE at once. A domain that another pool gave up is refused for a year, or until an operator releases it, except with the permission poolhouse:ReuseName, which the root key has.",
  ],
  UpdateUserPoolDomain: ["Omitted members stay unchanged."],
  DescribeUserPool: [
    "Shows the oldest of several domains of a kind.",
    "EstimatedNumberOfUsers is exact up to 1,000, and an estimate beyond.",
  ],
  DescribeUserPoolClient: ["Shows the newest of two secrets."],
  ForgotPassword: [
    "With PreventUserExistenceErrors ENABLED, everybody gets delivery details, including invited, disabled and unverified users, and the worker sends the message: CodeDeliveryFailureException does not occur.",
    "Refused for UNCONFIRMED users, even with a verified address.",
    "An address to which a sign-in could send a second-factor code cannot recover the password, even if the user never turned it on; nor can one that is turned on but no longer used by the pool.",
  ],
  GetUserPoolMfaConfig: [
    "WebAuthnConfiguration is absent until it is set; Cognito shows FactorConfiguration SINGLE_FACTOR after any SetUserPoolMfaConfig.",
  ],
  GetTokensFromRefreshToken: [
    "A replay after the grace period revokes the whole token family.",
    "Refresh tokens of the authorization server grant those of their scopes that the client may have now; NotAuthorizedException if none is left, or the client has lost OAuth or the code flow.",
  ],
  InitiateAuth: [
    "One-time codes are only sent to verified addresses.",
    "CUSTOM_AUTH: wrong answers count against the user as wrong codes do, however many the functions would allow; each answer uses up its Session. A second factor that is demanded is asked for after the functions' challenges, or after the password if SRP_A comes first. The hosted pages start CUSTOM_AUTH for the clients that a tag of the pool names (docs/operating.md).",
    "With PreventUserExistenceErrors ENABLED, USER_AUTH offers everybody every first factor that the pool allows, and a user who chooses one that they do not have gets the same answers as a name that nobody has; CREDENTIAL_REQUEST_OPTIONS lists no passkeys.",
    "Only a caller who proves the password learns that an account is disabled, unconfirmed or needs a reset.",
    "Changing the password during a sign-in voids that sign-in.",
    "If a code cannot be sent, the answer is CodeDeliveryFailureException, unless USER_AUTH hides who exists.",
  ],
  AdminInitiateAuth: [
    "As InitiateAuth. ContextData.IpAddress is the address for limits; a value that is not an address is ignored.",
  ],
  AdminUserGlobalSignOut: [
    "Also ends sign-ins in progress, and the user's sessions at the hosted pages in every browser.",
  ],
  ListUserSessions: ["As AdminListUserSessions."],
  DeleteWebAuthnCredential: [
    "Ends the user's sessions at the hosted pages that were started with a passkey.",
  ],
  AdminDeleteSoftwareToken: ["Ends the user's sessions at the hosted pages that were started with it."],
  RevokeUserSession: [
    "As AdminRevokeUserSession. The access token's own session answers InvalidParameterException, and is kept when LINKED would include it.",
  ],
  SetUserPoolClientSessionConfiguration: [
    "While tracking is DISABLED: OperationNotEnabledException. An SSO session is kept for the longest time that any client of the pool was set to when the user signed in; a higher value applies from the next sign-in on.",
  ],
  SetUserPoolSessionConfiguration: [
    "SSO sessions end with GlobalSignOut, AdminUserGlobalSignOut, AdminDisableUser and a new password, whether they are tracked or not.",
  ],
  GlobalSignOut: [
    "Also ends sign-ins in progress, and the user's sessions at the hosted pages in every browser.",
    "The token of a deleted user counts as revoked: the model does not declare UserNotFoundException.",
  ],
  ListUsers: [
    "Attributes in AttributesToGet that the schema has but a user lacks are left out rather than causing an error.",
  ],
  AssociateSoftwareToken: ["SecretCode has 52 characters (256 bits)."],
  VerifySoftwareToken: [
    "With a Session, the token is turned on and preferred at once; with an access token, SetUserMFAPreference does that.",
    "Wrong codes are counted together with those of sign-ins.",
    "A token that replaces another ends the user's sessions at the hosted pages that were started with the former one.",
  ],
  SetUserMFAPreference: [
    "Users can turn on SMS and e-mail only for a verified address; administrators for any.",
    "WebAuthnMfaSettings needs FactorConfiguration MULTI_FACTOR_WITH_USER_VERIFICATION and another MFA factor; it makes a passkey with user verification count as two factors.",
  ],
  AdminSetUserMFAPreference: ["As SetUserMFAPreference."],
  SetUserSettings: ["MFAOptions only supports SMS to phone_number."],
  AdminSetUserSettings: ["As SetUserSettings."],
  StartWebAuthnRegistration: [
    "Without RelyingPartyId, the relying party is the pool's oldest custom domain, else its oldest prefix domain, as with Cognito; for a pool without a domain, and for the hosted pages on that host, it is the host of the public URL.",
  ],
  ConfirmDevice: [
    "Requires the access token that was issued with the device's key, and a DeviceSecretVerifierConfig.",
    "A device replaces MFA only if two factors were proven in the sign-in that confirmed it, or in one in which it was used.",
    "With ChallengeRequiredOnNewDevice, the hosted pages confirm a browser themselves after a sign-in with two factors; its DeviceName comes from the User-Agent. With DeviceOnlyRememberedOnUserPrompt, only browsers that the user wants remembered become devices. Tokens of the authorization server contain no device_key, and refreshing them needs none.",
  ],
  ForgetDevice: ["Revokes the tokens that were issued to the device."],
  AdminForgetDevice: ["Revokes the tokens that were issued to the device."],
  RespondToAuthChallenge: [
    "DEVICE_SRP_AUTH without a Session continues the user's newest sign-in at this client that named the device and has proven everything else, from the same network; DEVICE_PASSWORD_VERIFIER without one is found by its SECRET_BLOCK.",
    "NEW_PASSWORD_REQUIRED: email and phone_number of a user with a second factor change at the end of the sign-in, once that is proven; an unfinished sign-in changes neither.",
    "MFA_SETUP only lists and sets up factors that the client may write (WriteAttributes).",
  ],
  AdminRespondToAuthChallenge: ["As RespondToAuthChallenge."],
  RevokeToken: [
    "An unknown client, and a token that is not the client's, answer UnauthorizedException: the model declares nothing more specific.",
  ],
  ResendConfirmationCode: [
    "With PreventUserExistenceErrors ENABLED as ForgotPassword.",
    "CONFIRM_WITH_LINK as SignUp.",
  ],
  SignUp: [
    "Usernames are stored with composed letters (Unicode NFC), and in lower case if the pool is not case sensitive; the same applies to AdminCreateUser.",
    "Returns a Session, for ConfirmSignUp, only to clients with ALLOW_USER_AUTH.",
    "CONFIRM_WITH_LINK needs no domain: the link leads to the oldest custom domain, else to a prefix domain, else to the public URL, and shows a button when opened.",
    "With PreventUserExistenceErrors ENABLED, the worker sends the message: CodeDeliveryFailureException does not occur.",
  ],
  UpdateGroup: ["Omitted members stay unchanged."],
  UpdateUserPool: [
    "Omitted members: see below. MfaConfiguration turns SMS on if no factor is set and the pool has SmsConfiguration. Combinations of factors are refused as in SetUserPoolMfaConfig.",
  ],
  UpdateIdentityProvider: [
    "An identifier of another provider answers InvalidParameterException, since DuplicateProviderException is not declared. Given ProviderDetails without `private_key`, which no answer contains, keep it; `client_secret` must be given or is gone.",
    "COGNITO answers UnsupportedIdentityProviderException, also in DeleteIdentityProvider.",
  ],
  UpdateUserPoolClient: [
    "Omitted members: see below.",
    "A client keeps the names of providers that were deleted, and requests that name them are refused, as with Cognito; one that omits SupportedIdentityProviders is not.",
  ],
  SetUserPoolMfaConfig: [
    "Omitted members: see below. EmailMfaConfiguration is allowed with every EmailSendingAccount. MULTI_FACTOR_WITH_USER_VERIFICATION implies UserVerification required, and is refused along with another value. Whether factors can be combined is checked on the pool as it would be after the change, whichever operation makes it; a pool that already has a refused combination works as before, and its other settings can be changed.",
  ],
  UpdateUserAttributes: [
    "Losing a verified address, by whichever operation, ends the user's sessions at the hosted pages that were started with a code sent there.",
    "At most 20 requests with a message per hour and user; beyond that TooManyRequestsException.",
  ],
  CreateIdentityPool: [
    "DeveloperProviderName must not be the name of another provider, in UpdateIdentityPool, too.",
  ],
  GetId: [
    "SAML responses in Logins, in GetCredentialsForIdentity and UnlinkIdentity, too: of providers that `poolhouse trusted-providers` has registered. SHA-1, encrypted assertions and transient NameIDs are refused; the usual Audience and Recipient are AWS's, and can be set (docs/identity-pools.md, SAML providers).",
    "Logins of user pools that are not here are refused where ServerSideTokenCheck is true.",
    "Guests are bounded by address and day, new identities of one login by day (docs/settings.md). A guest is forgotten after a time without use; Cognito keeps them.",
  ],
  GetCredentialsForIdentity: [
    "Guests can never administer user pools, identity pools or functions, whatever their role allows. Roles that are not defined here are those of the token service that is configured, else their credentials may do nothing.",
    "Two logins of one provider answer ResourceConflictException, in GetId, too. Of several logins with role mappings the first counts.",
  ],
  GetOpenIdToken: [
    "The issuer is `<public URL>/identity`, the algorithm RS256. With a login of `cognito-identity.amazonaws.com` the token expires no later than the one given.",
  ],
  GetOpenIdTokenForDeveloperIdentity: [
    "Verified logins that are given with the developer's are linked, and their identities merged.",
  ],
  SetIdentityPoolRoles: [
    "If another token service is configured, roles may also have ARNs as stores for S3 write them, such as `arn:aws:iam:::role/app`.",
  ],
};
