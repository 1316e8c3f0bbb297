/** What the CSS of the classic hosted UI becomes on our pages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cssFault } from "../../src/domain/branding/classic-css.ts";
import { uiThemeOf } from "../../src/domain/branding/classic-theme.ts";
import { colorOfCss, contrast } from "../../src/lib/color.ts";
import { classicCss } from "../hosted-ui/brands.ts";

const property = (css: string, name: string) => new RegExp(`[;{]${name}:([^;}]+)`).exec(css)?.[1];
const rules = (css: string) => css.slice(css.indexOf("}") + 1);
const label = (declarations: string) => uiThemeOf(`.label-customizable { ${declarations} }`);

test("classic CSS classes style the matching parts of our pages; their colors are checked for contrast", () => {
  assert.equal(cssFault(classicCss), undefined);
  const { css, repaired, ignored } = uiThemeOf(classicCss);
  assert.match(css, /^:root\{color-scheme:light;/);
  assert.equal(property(css, "--card"), "#fcfcfd");
  assert.equal(property(css, "--accent"), "#ff9d2e");
  assert.equal(property(css, "--accent-over"), "#b35c00");
  assert.equal(property(css, "--on-accent"), "#14171f");
  assert.equal(property(css, "--on-accent-over"), "#ffffff");
  assert.equal(property(css, "--bad-back"), "#f5f5f5");
  assert.ok(contrast(colorOfCss(property(css, "--label")!)!, colorOfCss("#fcfcfd")!) >= 4.5);
  assert.ok(contrast(colorOfCss(property(css, "--edge")!)!, colorOfCss("#fcfcfd")!) >= 3);
  assert.match(css, /:root \.field > label\{font-weight:700\}/);
  assert.match(
    css,
    /:root \.input > input\{width:100%;height:44px;border:1px solid var\(--edge\);border-radius:3px\}/,
  );
  assert.match(css, /:root \.banner\{padding:25px 0px 25px 0px;background-color:#20314f\}/);
  assert.match(
    css,
    /:root \.problem\{padding:8px;font-size:14px;width:100%;border:2px solid var\(--bad-line\)\}/,
  );
  assert.equal(property(css, "--idp"), "#5bc0de");
  assert.equal(property(css, "--on-idp"), "#14171f");
  assert.equal(property(css, "--idp-down"), "#31b0d5");
  assert.equal(property(css, "--idp-down-line"), "#46b8da");
  assert.ok(contrast(colorOfCss(property(css, "--idp-label")!)!, colorOfCss("#fcfcfd")!) >= 4.5);
  assert.match(
    css,
    /:root \.provider\.plain\{min-height:max\(48px,var\(--target\)\);width:100%;[^}]*border-color:var\(--idp-line\)\}/,
  );
  assert.match(css, /:root \.organization \.field > label\{padding-top:10px;display:block;font-size:16px\}/);
  assert.match(
    css,
    /:root \.provider\.social\{min-height:[^}]*text-align:left;width:100%;margin-bottom:15px\}/,
  );
  assert.ok(repaired.includes(".label-customizable") && repaired.includes(".inputField-customizable:focus"));
  assert.deepEqual(ignored, [
    ".logo-customizable { max-height }",
    ".inputField-customizable:focus { outline }",
  ]);
});

test("properties that would cover or hide a part of the page are dropped", () => {
  const kept = [
    "position: fixed",
    "inset: 0",
    "z-index: 9",
    "float: left",
    "transform: none",
    "opacity: 0",
    "visibility: hidden",
    "display: none",
    "display: contents",
    "pointer-events: none",
    "filter: none",
    "clip-path: none",
    "overflow: hidden",
    "content: 'x'",
    "text-indent: -9999px",
    "margin: -20px",
    "margin-left: calc(0px - 20px)",
    "box-shadow: 0 0 0 9999px red",
    "box-shadow: 0 0 0 99vmax red",
    "box-shadow: 0 0 0 calc(99 * 99px) red",
    "font-size: 0",
    "font-size: 9.9px",
    "font-size: calc(1px * 3)",
    "font-size: 0.1em",
    "font: 0/0 a",
    "letter-spacing: -1em",
    "min-height: 0",
    "line-height: 0",
    "line-height: 0.2",
    "line-height: -2",
    "line-height: 20%",
    "line-height: 9px",
    "vertical-align: 900px",
    "text-decoration: line-through 90px",
    "text-decoration-thickness: 90px",
    "border-image: linear-gradient(red, red) 1",
    "background-image: linear-gradient(red, red)",
    "background: none",
    "color: inherit",
    "color: currentcolor",
    "animation: x 1s",
    "transition: all 1s",
    "outline: 0",
    "all: unset",
    "cursor: none",
    `font-family: ${"x".repeat(300)}`,
  ];
  for (const declaration of kept) {
    assert.equal(cssFault(`.label-customizable { ${declaration} }`), undefined, declaration);
    const { css, ignored } = label(declaration);
    assert.equal(rules(css), "", declaration);
    assert.equal(ignored.length, 1, declaration);
  }
  assert.equal(rules(label("font-weight: 900 !important").css), ":root .field > label{font-weight:900}");
  assert.equal(rules(label("font-size: 0.8rem").css), ":root .field > label{font-size:0.8rem}");
  for (const height of ["normal", "1.5", "120%", "1.2em"])
    assert.equal(rules(label(`line-height: ${height}`).css), `:root .field > label{line-height:${height}}`);
  // Words that many operators leave away.
  assert.match(
    uiThemeOf(".textDescription-customizable { display: none }").css,
    /:root \.lead\{display:none\}/,
  );
  assert.equal(rules(uiThemeOf(".inputField-customizable { display: none }").css), "");
});

/** By class: declarations, and what a page makes of them; nothing where they would leave the part's box. */
const effects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  label: {
    "line-height: 20px": "line-height:max(20px,1em)",
    "line-height: 500px": "",
    "line-height: 9": "",
    "font-size: 64px": "font-size:64px",
    "font-size: 65px": "",
    "font-size: 900vw": "",
    "font-size: 5em": "",
    "height: 20px": "",
    "height: 0": "",
    "max-height: 1px": "",
    "width: 100%": "width:100%",
    "width: 300px": "width:min(300px,100%)",
    "width: 0": "",
    "width: 1px": "",
    "width: 9000%": "",
    "max-width: 1em": "",
    "max-width: 20%": "",
    "min-width: 900px": "",
    "width: calc(100% + 900px)": "",
    "padding: 1px 2px 3px 64px": "padding:1px 2px 3px min(64px,32px)",
    "padding: 1em 5%": "padding:min(1em,32px) min(5%,32px)",
    "padding: 65px": "",
    "padding: 100vh": "",
    "padding-inline-start: 90%": "",
    "margin: auto 0": "margin:auto 0",
    "margin-top: 9999px": "",
    "margin: 1px 2px 3px 4px 5px": "",
    "letter-spacing: 1px": "letter-spacing:1px",
    "letter-spacing: 50px": "",
    "word-spacing: 900px": "",
    "border-width: 16px": "border-width:16px",
    "border-width: 17px": "",
    "border-width: 99vmax": "",
    "border: 900px solid red": "",
    "border-bottom: 1px solid #ccc": "border-bottom:1px solid #ccc",
    "border: calc(9px * 99) solid rgb(1,2,3)": "",
    "border-radius: 3px / 4px": "",
    "border-top-left-radius: 50%": "border-top-left-radius:50%",
    "box-shadow: none": "box-shadow:none",
    "box-shadow: 0 2px 4px rgba(0,0,0,.3)": "",
    "box-shadow: 0 0 0 1px red": "",
    "box-shadow: 0 -60px 0 0 #fff": "",
    "box-shadow: inset 0 1px 2px rgba(0,0,0,.3)": "box-shadow:inset 0 1px 2px rgba(0,0,0,.3)",
    "box-shadow: #000 1px 1px inset, inset 0 -2px red": "box-shadow:#000 1px 1px inset,inset 0-2px red",
    "box-shadow: inset 0 0 0 64px #fff": "",
    "box-shadow: inset 1px 1px red, 0 0 0 64px red": "",
    "display: inline": "display:inline-block",
    "display: grid": "",
    "font-weight: bolder": "font-weight:bolder",
    "font-stretch: 9999%": "",
  },
  inputField: {
    "height: 44px": "height:44px",
    "height: 0": "",
    "height: 900px": "",
    "max-height: 44px": "max-height:44px",
    "min-height: 0": "",
    "width: 10px": "",
    "box-shadow: 0 0 0 3px #66afe9": "",
    "border: 0": "border:0",
  },
  submitButton: {
    "height: 40px": "min-height:max(40px,var(--target))",
    "max-height: 40px": "",
    "min-width: 900px": "",
    "margin: 20px 0px 10px 0px": "margin:20px 0px 10px 0px",
    "display: flex": "display:flex",
  },
  errorMessage: {
    "height: 20px": "",
    "padding: 5px": "padding:5px",
    "display: inline": "display:inline-block",
  },
  banner: {
    "height: 30px": "min-height:30px",
    "min-height: 90px": "min-height:90px",
    "min-height: 100vh": "",
    "max-height: 20px": "",
    "box-shadow: 0 9px 9px #000": "",
  },
  logo: {
    "width: 60px": "width:min(60px,100%)",
    "max-width: 60%": "max-width:60%",
    "min-width: 900px": "min-width:min(900px,100%)",
    "height: 80px": "height:80px",
    "height: 900px": "",
    "max-height: 30%": "",
  },
  background: {
    "display: flex": "",
    "padding: 0": "padding:0",
    "height: 20px": "",
    "width: 200px": "",
    "max-width: 30em": "max-width:min(30em,100%)",
  },
};

test("what would leave a part's box is dropped or held in it, for each part", () => {
  for (const [name, rows] of Object.entries(effects))
    for (const [declaration, expected] of Object.entries(rows)) {
      const style = `.${name}-customizable { ${declaration} }`;
      assert.equal(cssFault(style), undefined, style);
      const { css, ignored } = uiThemeOf(style);
      assert.equal(/\{([^}]*)\}$/.exec(rules(css))?.[1] ?? "", expected, style);
      assert.equal(ignored.length, expected === "" ? 1 : 0, style);
    }
});

test("the last of several values wins; classes without a matching part are reported as ignored", () => {
  const { css } = label("padding: 1px; padding-top: 2px; padding: 3px");
  assert.equal(rules(css), ":root .field > label{padding-top:2px;padding:3px}");
  const { ignored } = uiThemeOf(
    ".passwordCheck-valid-customizable { color: red } .socialButton-customizable { color: red }",
  );
  // The brands have their own colors.
  assert.deepEqual(ignored, [
    ".passwordCheck-valid-customizable { color }",
    ".socialButton-customizable { color }",
  ]);
  assert.equal(rules(uiThemeOf("p { color: red }").css), "");
});

test("a long style takes no long time and makes no long stylesheet", () => {
  const many = `${Array.from({ length: 6_000 }, () => ".label-customizable").join(",")}`;
  const long = `${many}{${"color:red;".repeat(1_000)}} .banner-customizable{border:${"red ".repeat(60)}}`;
  assert.ok(uiThemeOf(long).css.length < 4_000);
  assert.ok(label(`color: a${" ".repeat(100_000)}!b`).css.length < 4_000);
});
