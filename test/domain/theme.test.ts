/** What settings of managed login become: the same page, another one that can be read, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mergedSettings } from "../../src/domain/branding/styles.ts";
import { repairsOf, type Theme, themeCss, themeOf } from "../../src/domain/branding/theme.ts";
import type { Mode } from "../../src/domain/branding/theme-colors.ts";
import { style } from "../../src/http/hosted-ui/kit/assets.ts";
import { colorOfCss, contrast } from "../../src/lib/color.ts";
import { juniper, unreadable } from "../hosted-ui/brands.ts";

const none = () => undefined;
const value = ({ palettes }: Theme, property: string, mode: Mode = "light") =>
  palettes[mode].values.get(property);

const assetsOf = (...categories: string[]) => categories.map((category) => ({ category }));
const on = (path: string, given: unknown = true): object =>
  path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), given) as object;

test("a style that says nothing is the theme.css there is, in both modes", () => {
  const css = style.text;
  const [light, dark] = css.split("@media (prefers-color-scheme: dark)");
  const stated = (text: string | undefined) =>
    new Map(
      [...(text ?? "").matchAll(/^ +(--[\w-]+): ([^;]+);/gm)].map(([, name, given]) => [name!, given!]),
    );
  const theme = themeOf({}, []);
  for (const [mode, text] of [
    ["light", light],
    ["dark", dark?.split("*,")[0]],
  ] as const) {
    const found = stated(text);
    for (const [property, given] of theme.palettes[mode].values)
      assert.equal(found.get(property), given, `${mode} ${property}`);
  }
  assert.equal(themeCss(theme, none), "");
  assert.deepEqual(repairsOf(theme), []);
  // What DescribeManagedLoginBranding shows as the whole style says no more.
  assert.equal(themeCss(themeOf(mergedSettings({ settings: undefined }), []), none), "");
});

test("edges can be seen on whatever they are on", () => {
  for (const mode of ["light", "dark"] as const) {
    const { values } = themeOf({}, []).palettes[mode];
    const color = (property: string) => colorOfCss(values.get(property)!)!;
    for (const back of ["--card", "--page", "--field"])
      assert.ok(contrast(color("--edge"), color(back)) >= 3, `${mode} ${back}`);
  }
});

test("every property of the stylesheet is used by the pages, and the other way round", () => {
  const css = style.text;
  const used = new Set([...css.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => name));
  const theme = themeOf(juniper, []);
  for (const property of [...theme.palettes.light.values.keys(), ...theme.measures.keys()])
    assert.ok(used.has(property), property);
  for (const property of used) assert.match(css, new RegExp(`^ +${property}:\\s`, "m"));
});

test("a designed style is shown as it is, light and dark", () => {
  const theme = themeOf(juniper, []);
  assert.deepEqual(repairsOf(theme), []);
  const rows: [string, string, string][] = [
    ["--page", "#f3ede1", "#0c1512"],
    ["--card", "#fffdf9", "#13211b"],
    ["--heading", "#12372c", "#eef5f0"],
    ["--text", "#22332b", "#dfe9e3"],
    ["--typed", "#22332b", "#dfe9e3"],
    ["--label", "#12372c", "#eef5f0"],
    ["--link-over", "#083d31", "#b5e8cf"],
    ["--accent", "#0f5c4a", "#7fd0aa"],
    ["--accent-over", "#0a4a3b", "#9adcbc"],
    // What is said of the button in general holds while it is pressed.
    ["--accent-down", "#0a4a3b", "#9adcbc"],
    ["--second-over", "#f1ece0", "#1b2d25"],
    ["--ring", "rgb(15 92 74 / 28%)", "rgb(127 208 170 / 32%)"],
    ["--glow", "#f3ede1", "#0c1512"],
  ];
  for (const [property, light, dark] of rows) {
    assert.equal(value(theme, property), light, property);
    assert.equal(value(theme, property, "dark"), dark, property);
  }
  assert.deepEqual(
    [...theme.measures],
    [
      ["--radius-button", "1.5rem"],
      ["--radius", "0.75rem"],
      ["--radius-card", "1.75rem"],
    ],
  );
});

test("a fixed color scheme applies whatever the browser prefers", () => {
  const css = themeCss(themeOf(on("categories.global.colorSchemeMode", "DARK"), []), none);
  assert.match(css, /^:root\{color-scheme:dark;--page:#0d0f14;/);
  assert.ok(!css.includes("@media"));
  assert.match(
    themeCss(themeOf(on("categories.global.colorSchemeMode", "LIGHT"), []), none),
    /^:root\{color-scheme:light;/,
  );
});

test("the positions of the form, header, footer and logo; an image part is shown only if its asset exists", () => {
  const plain = themeOf({}, []);
  assert.deepEqual([plain.place, plain.compact], [{ horizontal: "center", vertical: "center" }, false]);
  assert.deepEqual(
    [plain.header, plain.footer, plain.logo, plain.languages],
    [undefined, undefined, undefined, true],
  );
  assert.deepEqual(
    themeOf(on("categories.form.location", { horizontal: "START", vertical: "END" }), []).place,
    {
      horizontal: "start",
      vertical: "end",
    },
  );
  assert.equal(themeOf(on("categories.global.spacingDensity", "COMPACT"), []).compact, true);
  assert.deepEqual(themeOf(on("categories.global.pageHeader.enabled"), []).header, { logo: undefined });
  const header = {
    ...on("categories.global.pageHeader.enabled"),
    ...on("components.pageHeader.logo", { enabled: true, location: "END" }),
  };
  assert.deepEqual(themeOf(header, assetsOf("PAGE_HEADER_LOGO")).header, { logo: "end" });
  assert.deepEqual(themeOf(header, []).header, { logo: undefined });
  const logo = on("components.form.logo", {
    enabled: true,
    formInclusion: "OUT",
    position: "BOTTOM",
    location: "CENTER",
  });
  assert.deepEqual(themeOf(logo, assetsOf("FORM_LOGO")).logo, { side: "center", below: true, outside: true });
  assert.equal(themeOf(logo, []).logo, undefined);
  assert.deepEqual(themeOf(on("components.favicon.enabledTypes", ["SVG", "EXE"]), []).icons, ["SVG"]);
  const image = on("components.pageBackground.image.enabled");
  assert.deepEqual([...themeOf(image, assetsOf("PAGE_BACKGROUND")).images], ["PAGE_BACKGROUND"]);
  assert.deepEqual([...themeOf(image, []).images], []);
  const css = themeCss(themeOf(image, assetsOf("PAGE_BACKGROUND")), () => ({
    light: "a.png",
    dark: "b.png",
  }));
  assert.match(
    css,
    /body\{background:url\(a\.png\)[^}]*\}\}@media \(prefers-color-scheme:dark\)\{.*url\(b\.png\)/,
  );
});

test("text is seen on whatever lies under it; the ground stays as it was set", () => {
  const pairs: [string, string, number][] = [
    ...[
      "--heading",
      "--text",
      "--soft",
      "--foot",
      "--legal",
      "--label",
      "--hint",
      "--link",
      "--link-over",
      "--wrong",
    ].map((property): [string, string, number] => [property, "--card", 4.5]),
    ["--text", "--still", 4.5],
    ["--typed", "--field", 4.5],
    ["--reveal", "--field", 4.5],
    ["--on-accent", "--accent", 4.5],
    ["--on-accent-over", "--accent-over", 4.5],
    ["--on-accent-down", "--accent-down", 4.5],
    ["--on-second", "--second", 4.5],
    ["--on-second-over", "--second-over", 4.5],
    ["--on-idp", "--idp", 4.5],
    ["--on-idp-over", "--idp-over", 4.5],
    ["--on-idp-down", "--idp-down", 4.5],
    ["--idp-label", "--card", 4.5],
    ["--bad", "--bad-back", 4.5],
    ["--good", "--good-back", 4.5],
    ["--edge", "--card", 3],
    ["--focus", "--card", 3],
  ];
  const parts = ["00", "4d", "77", "b3", "ff"];
  const grounds = parts.flatMap((r) => parts.flatMap((g) => parts.map((b) => `${r}${g}${b}`)));
  for (const ground of grounds)
    for (const mode of ["light", "dark"] as const) {
      const theme = themeOf(unreadable(`${mode}Mode`, `${ground}ff`), []);
      const color = (property: string) => colorOfCss(value(theme, property, mode) ?? "")!;
      assert.equal(value(theme, "--card", mode), `#${ground}`);
      assert.equal(value(theme, "--accent", mode), `#${ground}`);
      for (const [text, under, least] of pairs) {
        const found = contrast(color(text), color(under));
        assert.ok(found >= least, `${text} on ${under}, ${mode}, of ${ground}: ${found}`);
      }
    }
});

test("an illegible color is corrected, keeps its hue if possible, and is reported with the name of its setting", () => {
  const settings = on("components.primaryButton.lightMode.defaults", {
    backgroundColor: "ffee00ff",
    textColor: "ffffffff",
  });
  const theme = themeOf(settings, []);
  assert.equal(value(theme, "--accent"), "#ffee00");
  assert.equal(value(theme, "--on-accent"), "#14171f");
  const [repair] = repairsOf(theme);
  assert.equal(repair?.setting, "components.primaryButton.lightMode.defaults.textColor");
  assert.ok(repair.contrast < 1.3 && repair.least === 4.5);
  const link = themeOf(on("componentClasses.link.lightMode.defaults.textColor", "66aaffff"), []);
  const { r, g, b } = colorOfCss(value(link, "--link")!)!;
  assert.ok(r < g && g < b, "still a blue");
  // Of the mode that is not shown nothing is told.
  const fixed = { ...settings, ...on("categories.global.colorSchemeMode", "DARK") };
  assert.deepEqual(repairsOf(themeOf(fixed, [])), []);
});

test("buttons of providers look like other secondary buttons, unless a style has colors for all or for one", () => {
  const states = (name: string) => ({ defaults: { backgroundColor: `${name}00ff` } });
  const second = on("components.secondaryButton.lightMode", states("1111"));
  const standard = { standard: { lightMode: states("2222") } };
  const own = { lightMode: { ...states("3333"), active: { backgroundColor: "444400ff" } } };
  const idpButton = {
    ...standard,
    custom: { "A.b}<": own, Google: {}, Facebook: 7, Other: { darkMode: states("5555") } },
  };
  const backs = (values: ReadonlyMap<string, string>) =>
    ["--idp", "--idp-over", "--idp-down"].map((property) => values.get(property));
  assert.deepEqual(backs(themeOf({}, []).palettes.light.values), ["#ffffff", "#f1f3f7", "#f1f3f7"]);
  assert.deepEqual(backs(themeOf(second, []).palettes.light.values), ["#111100", "#111100", "#111100"]);
  const settings = { components: { ...(second as typeof juniper).components, idpButton } };
  const theme = themeOf(settings, []);
  assert.deepEqual(backs(theme.palettes.light.values), ["#222200", "#222200", "#222200"]);
  const { custom } = theme.federation;
  assert.deepEqual(
    custom.map(({ name, look, palettes }) => [name, look, ...backs(palettes.light.values)]),
    [
      ["A.b}<", "own-0", "#333300", "#333300", "#444400"],
      ["Other", "own-1", "#222200", "#222200", "#222200"],
    ],
  );
  assert.match(themeCss(theme, none), /\.own-0\{--idp:#333300;[^{}]*\}\.own-1\{[^{}]*\}@media/);
  // Black text by default on what is nearly black.
  assert.ok(
    repairsOf(theme).some(
      ({ setting }) => setting === "components.idpButton.custom.A.b}<.lightMode.defaults.textColor",
    ),
  );
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`P${at}`, own]));
  assert.equal(themeOf(on("components.idpButton.custom", many), []).federation.custom.length, 100);
});

test("a half-transparent color is replaced by how it looks over the color behind it", () => {
  const settings = { ...on("components.form.lightMode.backgroundColor", "00000080") };
  assert.equal(value(themeOf(settings, []), "--card"), "#7a7b7c");
});

test("an image behind the form leaves all its text readable, or is not shown", () => {
  const image = (backgroundColor: string) => ({
    components: {
      form: {
        backgroundImage: { enabled: true },
        lightMode: { backgroundColor },
        darkMode: { backgroundColor },
      },
      pageText: { lightMode: { descriptionColor: "767676ff" } },
    },
  });
  const assets = assetsOf("FORM_BACKGROUND");
  const shown = themeOf(image("ffffffff"), assets);
  assert.deepEqual([...shown.images], ["FORM_BACKGROUND"]);
  // Black behind white through which twelve percent shine.
  const under = colorOfCss("#e0e0e0")!;
  assert.ok(contrast(colorOfCss(value(shown, "--soft")!)!, under) >= 4.5, value(shown, "--soft"));
  assert.match(
    themeCss(shown, () => ({ light: "a.png", dark: "a.png" })),
    /var\(--card\) 88%,transparent/,
  );
  assert.deepEqual([...themeOf(image("777777ff"), assets).images], []);
});

test("settings other than colors, numbers and known words never reach the style sheet", () => {
  const hostile = [
    '"}</style><script>alert(1)</script>',
    "red;}body{display:none}",
    "url(https://evil.example/x)",
    "expression(alert(1))",
    "javascript:alert(1)",
    "ffffff00;--x:1",
    "#ffffff",
    "ffffff",
    "\\66 ffffff",
    1e308,
    -1,
    Number.MAX_SAFE_INTEGER,
    null,
    true,
    ["ffffffff"],
    { toString: "ffffffff" },
    "START;}",
    "10px",
  ];
  const everywhere = (given: unknown, template: unknown): unknown =>
    typeof template === "object" && template !== null && !Array.isArray(template)
      ? Object.fromEntries(Object.entries(template).map(([name, inner]) => [name, everywhere(given, inner)]))
      : given;
  const whole = mergedSettings({ settings: juniper });
  const categories = ["PAGE_BACKGROUND", "FORM_LOGO", "FORM_BACKGROUND", "PAGE_HEADER_LOGO"];
  for (const given of hostile) {
    const theme = themeOf(everywhere(given, whole), assetsOf(...categories));
    const css = themeCss(theme, () => ({ light: "a.png", dark: "a.png" }));
    // `true` turns everything on and is no color.
    const isPlain = given === true ? css.includes("--card:#ffffff") : css === "";
    assert.ok(isPlain, `${JSON.stringify(given)}: ${css}`);
    assert.deepEqual(theme.place, { horizontal: "center", vertical: "center" });
    assert.deepEqual([...theme.measures], []);
  }
  for (const settings of [
    null,
    "text",
    1,
    [],
    [[]],
    { components: null },
    { components: "x" },
    JSON.parse('{"__proto__":{"components":{}}}'),
  ])
    assert.equal(themeCss(themeOf(settings, []), none), "");
  const allowed = /^(?:[\w:;,.#%{}()\s-]|\/|@)*$/;
  assert.match(
    themeCss(themeOf(juniper, assetsOf(...categories)), () => ({ light: "a.png", dark: "b.png" })),
    allowed,
  );
});
