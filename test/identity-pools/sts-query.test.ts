/** The Query protocol itself: whatever is sent, the answer is XML that says what is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wireCodes } from "../../src/http/sts/errors.ts";
import { readXml } from "../../src/lib/xml.ts";
import { dice } from "../kit/dice.ts";
import { forOneServer } from "../kit/server.ts";
import { ask, askSigned, askUnsigned, version } from "./sts-setup.ts";

const limits = { characters: 1_000_000, depth: 10, elements: 1000 };

forOneServer("sqlite", "the Query protocol", (open) => {
  test("what is wrong with a request", async () => {
    const server = await open();
    const role = "RoleArn=arn:aws:iam::000000000000:role/some&RoleSessionName=app";
    const web = `Action=AssumeRoleWithWebIdentity&${version}&${role}`;
    const cases: [string, string, number, RegExp][] = [
      ["", "MissingAction", 400, /Action/],
      [version, "MissingAction", 400, /Action/],
      [
        `Action=GetFederationToken&${version}`,
        "InvalidAction",
        400,
        /^Could not find operation GetFederationToken for version 2011-06-15$/,
      ],
      [`Action=toString&${version}`, "InvalidAction", 400, /toString/],
      [`Action=__proto__&${version}`, "InvalidAction", 400, /__proto__/],
      ["Action=GetCallerIdentity", "InvalidAction", 400, /for version NO_VERSION_SPECIFIED$/],
      ["Action=GetCallerIdentity&Version=2010-05-08", "InvalidAction", 400, /for version 2010-05-08$/],
      [
        `Action=GetCallerIdentity&Action=GetSessionToken&${version}`,
        "InvalidQueryParameter",
        400,
        /'Action' is given twice/,
      ],
      [`Action=Get%`, "MalformedQueryString", 404, /syntax/],
      [`Action=%ff`, "MalformedQueryString", 404, /syntax/],
      [`Action=\u0000&${version}`, "InvalidAction", 400, /\ufffd/],
      [`Action=<b>&${version}`, "InvalidAction", 400, /&lt;b&gt;/],
      [
        web,
        "ValidationError",
        400,
        /Value null at 'webIdentityToken' failed to satisfy constraint: Member must not be null/,
      ],
      [
        `${web}&WebIdentityToken=abc`,
        "ValidationError",
        400,
        /'webIdentityToken' failed to satisfy constraint: Member must have length/,
      ],
      [
        `${web}&WebIdentityToken=${"a".repeat(20_001)}`,
        "ValidationError",
        400,
        /less than or equal to 20000/,
      ],
      [`${web}&WebIdentityToken=abcd&DurationSeconds=abc`, "MalformedInput", 400, /DurationSeconds/],
      [`${web}&WebIdentityToken=abcd&DurationSeconds=99999999999`, "MalformedInput", 400, /DurationSeconds/],
      [`${web}&WebIdentityToken=abcd&DurationSeconds=9e2`, "MalformedInput", 400, /DurationSeconds/],
      [`${web}&WebIdentityToken=abcd&DurationSeconds=899`, "ValidationError", 400, /'durationSeconds'/],
      [
        `${web}&WebIdentityToken=abcd&PolicyArns.member.0.arn=x`,
        "InvalidQueryParameter",
        400,
        /PolicyArns\.member\.0\.arn/,
      ],
      [`${web}&WebIdentityToken=abcd&PolicyArns.1.arn=x`, "InvalidQueryParameter", 400, /PolicyArns\.1\.arn/],
      [
        `${web}&WebIdentityToken=abcd&PolicyArns.member.1.arn=x`,
        "ValidationError",
        400,
        /policyArns\.1\.member\.arn/,
      ],
      [`${web}&WebIdentityToken=abcd&PolicyArns=`, "InvalidIdentityToken", 400, /could not be validated/],
      [`${web}&WebIdentityToken=a%00cd`, "MalformedInput", 400, /NUL/],
    ];
    for (const [body, code, status, message] of cases) {
      const answer = await askUnsigned(server.endpoint, body);
      assert.deepEqual(
        [answer.code, answer.status, answer.type],
        [code, status, "text/xml"],
        body.slice(0, 200),
      );
      assert.match(answer.message!, message);
    }
  });

  test("a body that is no UTF-8, too long, or of another type", async () => {
    const server = await open();
    const odd = await askUnsigned(server.endpoint, Buffer.from([0x41, 0xff]));
    assert.equal(odd.code, "MalformedQueryString");
    const long = await askUnsigned(server.endpoint, "a".repeat(200 * 1024));
    assert.deepEqual([long.code, long.status], ["MalformedInput", 400]);
    const text = await ask(server.endpoint, {
      ...{ method: "POST", body: `Action=GetCallerIdentity&${version}` },
      headers: { "content-type": "text/plain" },
    });
    assert.match(text.body, /UnknownOperationException/);
    const inQuery = await ask(server.endpoint, {
      ...{ method: "POST", path: `/?Action=GetSessionToken&${version}`, body: "" },
    });
    assert.equal(inQuery.code, "MissingAuthenticationToken");
  });

  test("a target of AWS JSON decides for AWS JSON", async () => {
    const server = await open();
    const answer = await askUnsigned(server.endpoint, "{}", {
      "x-amz-target": "AWSCognitoIdentityProviderService.ListUserPools",
    });
    assert.match(answer.body, /MissingAuthenticationTokenException/);
  });

  test("browsers may read the answers", async () => {
    const server = await open();
    const response = await fetch(server.endpoint, {
      method: "POST",
      body: new URLSearchParams({ Action: "AssumeRoleWithWebIdentity" }),
      headers: { origin: "https://app.example" },
    });
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.match(response.headers.get("x-amzn-requestid")!, /^[\da-f-]{36}$/);
    await response.text();
  });

  test("whatever is sent is answered with XML, and never with 500", async () => {
    const server = await open();
    const { pick, chance } = dice(20_110_615);
    const upTo = (most: number) => pick(Array.from({ length: most }, (_, at) => at));
    const names = [
      "Action",
      "Version",
      "RoleArn",
      "RoleSessionName",
      "WebIdentityToken",
      "Policy",
      "DurationSeconds",
    ];
    const lists = ["Tags", "PolicyArns", "TransitiveTagKeys", "ProvidedContexts", "__proto__", "constructor"];
    const parts = [
      "member",
      "1",
      "2",
      "0",
      "-1",
      "99999",
      "Key",
      "Value",
      "arn",
      "",
      "__proto__",
      "toString",
    ];
    const values = [
      ...[
        "AssumeRole",
        "AssumeRoleWithWebIdentity",
        "GetCallerIdentity",
        "GetSessionToken",
        "GetAccessKeyInfo",
      ],
      ...[
        "2011-06-15",
        "arn:aws:iam::000000000000:role/some",
        "app",
        "abcd.efgh.ijkl",
        "e30.e30.e30",
        "",
        "900",
      ],
      ...[
        "{}",
        '{"Version":"2012-10-17","Statement":[]}',
        "%00",
        "%ff",
        "%",
        "+",
        "%F0%9F%92%A9",
        "%ED%A0%80",
        "<&>",
        "1e9",
      ],
    ];
    const parameter = () => {
      const name = chance(3)
        ? [pick(lists), ...Array.from({ length: upTo(4) }, () => pick(parts))].join(".")
        : pick(names);
      return chance(10) ? name : `${name}=${pick(values)}`;
    };
    for (let n = 0; n < 600; n++) {
      const known = chance(3) ? [] : [`Action=${pick(values.slice(0, 5))}`, version];
      const body = [...known, ...Array.from({ length: upTo(8) }, parameter)].join("&");
      const answer = chance(2) ? await askUnsigned(server.endpoint, body) : await askSigned(server, body);
      assert.equal(answer.type, "text/xml", body);
      readXml(answer.body, limits);
      if (answer.status !== 200)
        assert.ok(wireCodes.includes(answer.code!) && answer.status < 500, `${body}\n${answer.body}`);
    }
  });
});
