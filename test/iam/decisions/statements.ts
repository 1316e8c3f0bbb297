/** Effects, actions and resources ("Policy evaluation logic" and the pages of each element, IAM User Guide). */
import type { StatementRow } from "./row.ts";

const allow = (Action: unknown, Resource: unknown = "*") => ({ Effect: "Allow", Action, Resource });
const deny = (Action: unknown, Resource: unknown = "*") => ({ Effect: "Deny", Action, Resource });
const notAction = (Effect: string, NotAction: unknown) => ({ Effect, NotAction, Resource: "*" });
const notResource = (Effect: string, NotResource: unknown) => ({ Effect, Action: "*", NotResource });

const pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab";
const other = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Xy";
const api = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/prod/GET/notes/5";
const object = "arn:aws:s3:::bucket/home/ann/a.txt";
const list = { action: "cognito-idp:ListUsers", resource: pool };
const invoke = { action: "execute-api:Invoke", resource: api };
const get = { action: "s3:GetObject", resource: object };
const arn = (path: string) => `arn:aws:execute-api:${path}`;

export const effects: readonly StatementRow[] = [
  ["an allow of everything allows", [allow("*")], list, "allow"],
  ["what nothing allows is denied implicitly", [allow("s3:*")], list, "implicit-deny"],
  ["a deny alone is explicit", [deny("cognito-idp:*")], list, "explicit-deny"],
  ["a deny that does not apply leaves an implicit deny", [deny("s3:*")], list, "implicit-deny"],
  ["a deny overrides an allow", [allow("*"), deny("cognito-idp:ListUsers")], list, "explicit-deny"],
  [
    "a deny overrides an allow that comes after",
    [deny("cognito-idp:ListUsers"), allow("*")],
    list,
    "explicit-deny",
  ],
  ["a deny of another action leaves the allow", [allow("*"), deny("cognito-idp:ListGroups")], list, "allow"],
  ["a deny of another resource leaves the allow", [allow("*"), deny("*", other)], list, "allow"],
  ["a deny of this resource overrides", [allow("*"), deny("*", pool)], list, "explicit-deny"],
  [
    "a narrow allow does not override a wide deny",
    [deny("*"), allow("cognito-idp:ListUsers", pool)],
    list,
    "explicit-deny",
  ],
  ["one of several allows is enough", [allow("s3:*"), allow("cognito-idp:List*")], list, "allow"],
  [
    "two allows that each lack a part do not add up",
    [allow("cognito-idp:ListUsers", other), allow("s3:*", pool)],
    list,
    "implicit-deny",
  ],
  [
    "a deny whose condition does not hold does not apply",
    [allow("*"), { ...deny("*"), Condition: { StringEquals: { k: "a" } } }],
    { ...list, context: { k: "b" } },
    "allow",
  ],
  [
    "a deny whose condition holds applies",
    [allow("*"), { ...deny("*"), Condition: { StringEquals: { k: "a" } } }],
    { ...list, context: { k: "a" } },
    "explicit-deny",
  ],
  [
    "an allow whose condition does not hold allows nothing",
    [{ ...allow("*"), Condition: { StringEquals: { k: "a" } } }],
    { ...list, context: { k: "b" } },
    "implicit-deny",
  ],
  [
    "conditions of one operator are all needed (1)",
    [{ ...allow("*"), Condition: { StringEquals: { k: "a", l: "b" } } }],
    { ...list, context: { k: "a", l: "b" } },
    "allow",
  ],
  [
    "conditions of one operator are all needed (2)",
    [{ ...allow("*"), Condition: { StringEquals: { k: "a", l: "b" } } }],
    { ...list, context: { k: "a" } },
    "implicit-deny",
  ],
  [
    "operators are all needed (1)",
    [{ ...allow("*"), Condition: { StringEquals: { k: "a" }, Bool: { m: "true" } } }],
    { ...list, context: { k: "a", m: true } },
    "allow",
  ],
  [
    "operators are all needed (2)",
    [{ ...allow("*"), Condition: { StringEquals: { k: "a" }, Bool: { m: "true" } } }],
    { ...list, context: { k: "a", m: false } },
    "implicit-deny",
  ],
  [
    "names of condition keys have no case",
    [{ ...allow("*"), Condition: { StringEquals: { "AWS:UserName": "a" } } }],
    { ...list, context: { "aws:username": "a" } },
    "allow",
  ],
  ["an empty condition block holds", [{ ...allow("*"), Condition: {} }], list, "allow"],
];

export const actions: readonly StatementRow[] = [
  ["an action by its name", [allow("cognito-idp:ListUsers")], list, "allow"],
  ["names of actions have no case", [allow("COGNITO-IDP:listusers")], list, "allow"],
  [
    "nor does the request's",
    [allow("cognito-idp:ListUsers")],
    { ...list, action: "Cognito-Idp:LISTUSERS" },
    "allow",
  ],
  ["another action of the service", [allow("cognito-idp:ListGroups")], list, "implicit-deny"],
  ["the same name in another service", [allow("cognito-sync:ListUsers")], list, "implicit-deny"],
  ["a name is whole: no prefix", [allow("cognito-idp:ListUser")], list, "implicit-deny"],
  ["a name is whole: nothing after it", [allow("cognito-idp:ListUsersInGroup")], list, "implicit-deny"],
  ["one of a list", [allow(["s3:GetObject", "cognito-idp:ListUsers"])], list, "allow"],
  ["none of a list", [allow(["s3:GetObject", "cognito-idp:GetUser"])], list, "implicit-deny"],
  ["* at the end", [allow("cognito-idp:List*")], list, "allow"],
  ["* for nothing at all", [allow("cognito-idp:ListUsers*")], list, "allow"],
  ["* in the middle", [allow("cognito-idp:L*s")], list, "allow"],
  ["* at the start of the name", [allow("cognito-idp:*Users")], list, "allow"],
  ["* that fits elsewhere", [allow("cognito-idp:Admin*")], list, "implicit-deny"],
  ["several *", [allow("cognito-idp:*is*ser*")], list, "allow"],
  ["several * in another order", [allow("cognito-idp:*ser*is*")], list, "implicit-deny"],
  ["? for one letter", [allow("cognito-idp:List?sers")], list, "allow"],
  ["? is no zero letters", [allow("cognito-idp:ListUsers?")], list, "implicit-deny"],
  ["? is not two letters", [allow("cognito-idp:List?ers")], list, "implicit-deny"],
  ["? and * together", [allow("cognito-idp:?ist*")], list, "allow"],
  ["* in the service", [allow("cognito-*:ListUsers")], list, "allow"],
  ["* in the service that fits another", [allow("s*:ListUsers")], list, "implicit-deny"],
  [
    "NotAction that names it allows nothing",
    [notAction("Allow", "cognito-idp:ListUsers")],
    list,
    "implicit-deny",
  ],
  ["NotAction that names it by *", [notAction("Allow", "cognito-idp:*")], list, "implicit-deny"],
  ["NotAction that names another", [notAction("Allow", "iam:*")], list, "allow"],
  [
    "NotAction with a list of which one fits",
    [notAction("Allow", ["iam:*", "cognito-idp:List*"])],
    list,
    "implicit-deny",
  ],
  ["NotAction with a list of which none fits", [notAction("Allow", ["iam:*", "s3:*"])], list, "allow"],
  ["a deny by NotAction denies the rest", [allow("*"), notAction("Deny", "s3:*")], list, "explicit-deny"],
  [
    "a deny by NotAction leaves what it names",
    [allow("*"), notAction("Deny", "cognito-idp:*")],
    list,
    "allow",
  ],
  ["a deny by NotAction allows nothing", [notAction("Deny", "cognito-idp:*")], list, "implicit-deny"],
  ["NotAction * is nothing", [notAction("Allow", "*")], list, "implicit-deny"],
  ["execute-api:Invoke is an action like others", [allow("execute-api:Invoke", api)], invoke, "allow"],
  ["of other services, too", [allow("s3:Get*", "arn:aws:s3:::bucket/*")], get, "allow"],
];

export const resources: readonly StatementRow[] = [
  ["a resource by its ARN", [allow("*", pool)], list, "allow"],
  ["another resource", [allow("*", other)], list, "implicit-deny"],
  ["ARNs have case", [allow("*", pool.toUpperCase().replace("ARN", "arn"))], list, "implicit-deny"],
  ["an ARN is whole: no prefix", [allow("*", pool.slice(0, -1))], list, "implicit-deny"],
  ["an ARN is whole: nothing after it", [allow("*", `${pool}c`)], list, "implicit-deny"],
  ["one of a list", [allow("*", [other, pool])], list, "allow"],
  ["none of a list", [allow("*", [other, "arn:aws:s3:::b"])], list, "implicit-deny"],
  ["* at the end", [allow("*", "arn:aws:cognito-idp:us-east-1:123456789012:userpool/*")], list, "allow"],
  ["* in several parts", [allow("*", "arn:aws:cognito-idp:*:*:userpool/*")], list, "allow"],
  ["* spans the parts of a Resource", [allow("*", "arn:aws:*Ab")], list, "allow"],
  [
    "* in the account",
    [allow("*", "arn:aws:cognito-idp:us-east-1:1234*:userpool/us-east-1_Ab")],
    list,
    "allow",
  ],
  ["? in an ARN", [allow("*", pool.replace("_Ab", "_A?"))], list, "allow"],
  ["? in an ARN is one character", [allow("*", pool.replace("_Ab", "_?"))], list, "implicit-deny"],
  ["another account", [allow("*", pool.replace("123456789012", "210987654321"))], list, "implicit-deny"],
  ["another region", [allow("*", pool.replace("us-east-1:", "eu-west-1:"))], list, "implicit-deny"],
  [
    "an operation without a resource needs *",
    [allow("*", pool)],
    { action: "cognito-idp:ListUserPools" },
    "implicit-deny",
  ],
  [
    "an operation without a resource, and *",
    [allow("*", "*")],
    { action: "cognito-idp:ListUserPools" },
    "allow",
  ],
  ["NotResource that names it", [notResource("Allow", pool)], list, "implicit-deny"],
  ["NotResource that names another", [notResource("Allow", other)], list, "allow"],
  ["NotResource that names it by *", [notResource("Allow", "arn:aws:cognito-idp:*")], list, "implicit-deny"],
  ["NotResource with a list of which one fits", [notResource("Allow", [other, pool])], list, "implicit-deny"],
  ["NotResource * is nothing", [notResource("Allow", "*")], list, "implicit-deny"],
  [
    "a deny by NotResource denies other resources",
    [allow("*"), notResource("Deny", other)],
    list,
    "explicit-deny",
  ],
  ["a deny by NotResource leaves what it names", [allow("*"), notResource("Deny", pool)], list, "allow"],
  ["an object below a prefix", [allow("s3:*", "arn:aws:s3:::bucket/home/*")], get, "allow"],
  ["the bucket is not its objects", [allow("s3:*", "arn:aws:s3:::bucket")], get, "implicit-deny"],
  [
    "the objects are not the bucket",
    [allow("s3:*", "arn:aws:s3:::bucket/*")],
    { action: "s3:ListBucket", resource: "arn:aws:s3:::bucket" },
    "implicit-deny",
  ],
  ["an API's method and path", [allow("execute-api:Invoke", api)], invoke, "allow"],
  [
    "every path of a method",
    [allow("execute-api:Invoke", arn("us-east-1:123456789012:a1b2c3/prod/GET/*"))],
    invoke,
    "allow",
  ],
  [
    "another method",
    [allow("execute-api:Invoke", arn("us-east-1:123456789012:a1b2c3/prod/POST/*"))],
    invoke,
    "implicit-deny",
  ],
  [
    "another stage",
    [allow("execute-api:Invoke", arn("us-east-1:123456789012:a1b2c3/test/*"))],
    invoke,
    "implicit-deny",
  ],
  [
    "every method of a path",
    [allow("execute-api:Invoke", arn("us-east-1:123456789012:a1b2c3/prod/*/notes/*"))],
    invoke,
    "allow",
  ],
  [
    "* spans slashes",
    [allow("execute-api:Invoke", arn("us-east-1:123456789012:a1b2c3/*/5"))],
    invoke,
    "allow",
  ],
  ["every API", [allow("execute-api:Invoke", arn("*:*:*"))], invoke, "allow"],
  [
    "a deny of one path",
    [allow("*"), deny("execute-api:Invoke", arn("*:*:a1b2c3/*/GET/notes/5"))],
    invoke,
    "explicit-deny",
  ],
  [
    "a deny of another path",
    [allow("*"), deny("execute-api:Invoke", arn("*:*:a1b2c3/*/GET/admin/*"))],
    invoke,
    "allow",
  ],
];
