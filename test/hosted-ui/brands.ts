/** Styles for pages: a designed one, one whose colors would be illegible, and their images. */
import assert from "node:assert/strict";
import { crc32, deflateSync } from "node:zlib";
import {
  type AssetType,
  CreateManagedLoginBrandingCommand,
  type CreateManagedLoginBrandingCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import type { TestServer } from "../kit/server.ts";

type Key = { readonly UserPoolId: string; readonly ClientId: string };

/** The id of the style that the client's pages have now. */
export async function giveStyle(
  { client }: TestServer,
  { UserPoolId, ClientId }: Key,
  given: Pick<CreateManagedLoginBrandingCommandInput, "Settings" | "Assets" | "UseCognitoProvidedValues">,
): Promise<string> {
  const made = await client.send(new CreateManagedLoginBrandingCommand({ UserPoolId, ClientId, ...given }));
  return made.ManagedLoginBranding?.ManagedLoginBrandingId ?? assert.fail("no style");
}

const svg = (viewBox: string, inside: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBox}">${inside}</svg>`);

const wordmark = (leaf: string, ink: string) =>
  svg(
    "0 0 176 48",
    `<path d="M24 4C10 10 4 22 8 40 26 40 38 30 40 8 33 8 28 6 24 4Z" fill="${leaf}"/>` +
      `<path d="M10 42C14 30 20 22 31 14" stroke="${ink}" stroke-width="2.5" fill="none"/>` +
      `<text x="54" y="33" font-family="Georgia, serif" font-size="28" fill="${ink}">Juniper</text>`,
  );

const hills = (sky: string, far: string, near: string) =>
  svg(
    "0 0 1600 900",
    `<rect width="1600" height="900" fill="${sky}"/>` +
      `<path d="M0 620C300 480 520 560 800 600 1100 640 1300 500 1600 560V900H0Z" fill="${far}"/>` +
      `<path d="M0 760C360 660 700 780 980 740 1260 700 1420 700 1600 680V900H0Z" fill="${near}"/>`,
  );

const envelope = svg(
  "0 0 80 60",
  '<rect x="3" y="3" width="74" height="54" rx="8" fill="#dff0e6" stroke="#0f5c4a" stroke-width="3"/>' +
    '<path d="M6 10 40 36 74 10" fill="none" stroke="#0f5c4a" stroke-width="3"/>',
);

const asset = (Category: AssetType["Category"], Bytes: Uint8Array, more: Partial<AssetType> = {}) =>
  ({ Category, ColorMode: "DYNAMIC", Extension: "SVG", Bytes, ...more }) as AssetType;

/** 1 by 1 pixel, and truncated: browsers read the first bytes, and so do we. */
export const ico = Buffer.from("\0\0\x01\0", "latin1");
export const logos = { light: wordmark("#2e8b62", "#12372c"), dark: wordmark("#7fd0aa", "#eef5f0") };

export const juniperAssets: AssetType[] = [
  asset("FORM_LOGO", logos.light, { ColorMode: "LIGHT" }),
  asset("FORM_LOGO", logos.dark, { ColorMode: "DARK" }),
  asset("PAGE_HEADER_LOGO", logos.light, { ColorMode: "LIGHT" }),
  asset("PAGE_HEADER_LOGO", logos.dark, { ColorMode: "DARK" }),
  asset("PAGE_BACKGROUND", hills("#f3ede1", "#dfe6d5", "#c6d5bf"), { ColorMode: "LIGHT" }),
  asset("PAGE_BACKGROUND", hills("#0c1512", "#12221c", "#173027"), { ColorMode: "DARK" }),
  asset("FAVICON_SVG", logos.light),
  asset("FAVICON_ICO", ico, { Extension: "ICO" }),
  asset("EMAIL_GRAPHIC", envelope),
];

const button = (backgroundColor: string, textColor: string) => ({ backgroundColor, textColor });
const edged = (backgroundColor: string, borderColor: string) => ({ backgroundColor, borderColor });

/** Every kind of setting that pages use. */
export const juniper = {
  categories: {
    form: {
      displayGraphics: true,
      languageSelector: { enabled: true },
      location: { horizontal: "CENTER", vertical: "CENTER" },
    },
    global: { colorSchemeMode: "DYNAMIC", spacingDensity: "REGULAR" },
  },
  componentClasses: {
    buttons: { borderRadius: 24 },
    divider: { lightMode: { borderColor: "e6dfd0ff" }, darkMode: { borderColor: "26382fff" } },
    focusState: { lightMode: { borderColor: "0f5c4aff" }, darkMode: { borderColor: "7fd0aaff" } },
    input: {
      borderRadius: 12,
      lightMode: { defaults: edged("fffdf9ff", "7c8a80ff") },
      darkMode: { defaults: edged("0e1a15ff", "6f8578ff") },
    },
    inputDescription: { lightMode: { textColor: "54625aff" }, darkMode: { textColor: "a9b9afff" } },
    inputLabel: { lightMode: { textColor: "12372cff" }, darkMode: { textColor: "eef5f0ff" } },
    link: {
      lightMode: { defaults: { textColor: "0f5c4aff" }, hover: { textColor: "083d31ff" } },
      darkMode: { defaults: { textColor: "8fd9b6ff" }, hover: { textColor: "b5e8cfff" } },
    },
  },
  components: {
    form: {
      borderRadius: 28,
      lightMode: edged("fffdf9ff", "e6dfd0ff"),
      darkMode: edged("13211bff", "26382fff"),
      logo: { enabled: true, formInclusion: "IN", location: "CENTER", position: "TOP" },
    },
    idpButton: {
      standard: {
        lightMode: { defaults: { ...edged("f3ede1ff", "7c8a80ff"), textColor: "12372cff" } },
        darkMode: { defaults: { ...edged("1b2d25ff", "6f8578ff"), textColor: "eef5f0ff" } },
      },
      custom: {
        Okta: {
          lightMode: {
            defaults: { ...edged("00297aff", "00297aff"), textColor: "ffffffff" },
            hover: { backgroundColor: "001a4dff" },
          },
          darkMode: { defaults: { ...edged("9db8ffff", "9db8ffff"), textColor: "00133dff" } },
        },
      },
    },
    pageBackground: {
      image: { enabled: true },
      lightMode: { color: "f3ede1ff" },
      darkMode: { color: "0c1512ff" },
    },
    pageText: {
      lightMode: { headingColor: "12372cff", bodyColor: "22332bff", descriptionColor: "54625aff" },
      darkMode: { headingColor: "eef5f0ff", bodyColor: "dfe9e3ff", descriptionColor: "a9b9afff" },
    },
    primaryButton: {
      lightMode: { defaults: button("0f5c4aff", "ffffffff"), hover: button("0a4a3bff", "ffffffff") },
      darkMode: { defaults: button("7fd0aaff", "06281dff"), hover: button("9adcbcff", "06281dff") },
    },
    secondaryButton: {
      lightMode: {
        defaults: { ...edged("fffdf9ff", "7c8a80ff"), textColor: "12372cff" },
        hover: { ...edged("f1ece0ff", "7c8a80ff"), textColor: "12372cff" },
      },
      darkMode: {
        defaults: { ...edged("13211bff", "6f8578ff"), textColor: "eef5f0ff" },
        hover: { ...edged("1b2d25ff", "6f8578ff"), textColor: "eef5f0ff" },
      },
    },
  },
};

/** Text, borders and focus all have the color of their background. */
export function unreadable(mode: "lightMode" | "darkMode", back: string) {
  const text = { [mode]: { textColor: back } };
  const states = {
    defaults: { backgroundColor: back, borderColor: back, textColor: back },
    hover: { backgroundColor: back, borderColor: back, textColor: back },
  };
  const status = { backgroundColor: back, borderColor: back, indicatorColor: back };
  return {
    componentClasses: {
      focusState: { [mode]: { borderColor: back } },
      input: { [mode]: { defaults: edged(back, back) } },
      inputDescription: text,
      inputLabel: text,
      link: { [mode]: { defaults: { textColor: back }, hover: { textColor: back } } },
      statusIndicator: { [mode]: { error: status, success: status } },
    },
    components: {
      alert: { [mode]: { error: edged(back, back) } },
      form: { [mode]: edged(back, back) },
      idpButton: { standard: { [mode]: states }, custom: { Okta: { [mode]: states } } },
      pageBackground: { [mode]: { color: back } },
      pageText: { [mode]: { headingColor: back, bodyColor: back, descriptionColor: back } },
      primaryButton: { [mode]: states },
      secondaryButton: { [mode]: states },
    },
  };
}

/** An image of one color. */
export function png(width: number, height: number, [r, g, b]: readonly [number, number, number]): Buffer {
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(width * 3, Buffer.of(r, g, b))]);
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits each for red, green and blue.
  head.set([8, 2], 8);
  const start = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const rows = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  return Buffer.concat([start, chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]);
}

/** As in the template of Cognito's console, with other colors. */
export const classicCss = `
.logo-customizable { max-width: 60%; max-height: 30%; }
.banner-customizable { padding: 25px 0px 25px 0px; background-color: #20314f; }
.label-customizable { font-weight: 700; color: #777; }
.textDescription-customizable { padding-top: 10px; padding-bottom: 10px; display: block; font-size: 16px; }
.legalText-customizable { color: #999; font-size: 12px; }
.submitButton-customizable { font-size: 16px; font-weight: bold; margin: 20px 0px 10px 0px; height: 48px;
  width: 100%; color: #fff; background-color: #ff9d2e; border-radius: 3px; }
.submitButton-customizable:hover { color: #fff; background-color: #b35c00; }
.errorMessage-customizable { padding: 8px; font-size: 14px; width: 100%; background: #F5F5F5;
  border: 2px solid #D64958; color: #D64958; }
.inputField-customizable { width: 100%; height: 44px; color: #555; background-color: #fff; border: 1px solid #ccc;
  border-radius: 3px; }
.inputField-customizable:focus { border-color: #66afe9; outline: 0; }
.redirect-customizable { text-align: center; }
.idpButton-customizable { height: 48px; width: 100%; text-align: center; margin-bottom: 15px; color: #fff;
  background-color: #5bc0de; border-color: #46b8da; }
.idpButton-customizable:hover { color: #fff; background-color: #31b0d5; }
.idpDescription-customizable { padding-top: 10px; display: block; font-size: 16px; color: #999; }
.socialButton-customizable { height: 48px; text-align: left; width: 100%; margin-bottom: 15px; }
.background-customizable { background-color: #fcfcfd; }
`;
