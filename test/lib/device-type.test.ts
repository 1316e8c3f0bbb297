/** What people are told of a device, from what it calls itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceTypeOf } from "../../src/lib/device-type.ts";

const webKit = "AppleWebKit/537.36 (KHTML, like Gecko)";
const told: readonly (readonly [string | undefined, string])[] = [
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit} Chrome/125.0.0.0 Safari/537.36`,
    "Chrome 125 / Windows 10",
  ],
  [
    `Mozilla/5.0 (X11; Linux x86_64) ${webKit} Chrome/125.0.0.0 Safari/537.36 Edg/125.0`,
    "Microsoft Edge 125 / Linux",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Safari 17 / iOS 17.5",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Firefox 126 / Windows 10",
  ],
  [
    "aws-sdk-js/3.1169.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#24.0 api/cognito-identity-provider#3.1169.0",
    "aws-sdk-js 3 / Linux",
  ],
  ["MyApp/3.2 (Android 14; Pixel 8)", "MyApp 3 / Android 14"],
  ["curl/8.0.1", "curl 8"],
  ["node", "node"],
  ["(none)", "unknown"],
  ["", "unknown"],
  [undefined, "unknown"],
];

test("a device is told by its program and its system", () => {
  for (const [userAgent, deviceType] of told) assert.equal(deviceTypeOf(userAgent), deviceType, userAgent);
});

test("whatever a header holds, what is told is short", () => {
  for (const part of ["a", "/", "Mozilla/", "(;", " /", "Version/", "Mozilla/5.0 (X11) ", "é"])
    assert.ok(deviceTypeOf(part.repeat(8192)).length <= 1024, part);
});
