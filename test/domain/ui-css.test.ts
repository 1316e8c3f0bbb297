import assert from "node:assert/strict";
import { test } from "node:test";
import { countSteps } from "../kit/steps.ts";

const stepsOf = countSteps();
const { cssFault, readUiCss } = await import("../../src/domain/branding/classic-css.ts");

test("rules for the classes of the pages are fine", () => {
  const styles = [
    "",
    " \n/* nothing */\n",
    ".logo-customizable { max-width: 60%; max-height: 30%; }",
    `.banner-customizable {padding: 25px 0px 25px 0px;background-color: lightgray;}
     .submitButton-customizable:hover,.idpButton-customizable:hover{color:#fff;background-color:RGB(1,2,3)}
     .inputField-customizable:focus { border-color: #66afe9; outline: 0 }
     .socialButton-customizable {} .passwordCheck-notValid-customizable { color: #DF3312; }`,
    '.label-customizable { font-family: "It\'s Sans", \'Other "Sans"\'; font-weight: 400 }',
    ".label-customizable { width: calc((100% - 2px) * 2); background: linear-gradient(rgba(0,0,0,.1), red) }",
    ".label-customizable { color/* : */: red /* } */; -webkit-appearance: none }",
  ];
  for (const css of styles) assert.equal(cssFault(css), undefined, css);
});

test("everything else is refused, and named", () => {
  const label = (declarations: string) => `.label-customizable { ${declarations} }`;
  const rows: [string, string][] = [
    ["body { color: red }", 'The CSS selector "body" is not allowed.'],
    [".label-customizable, * { }", 'The CSS selector "*" is not allowed.'],
    [".label-customizable > p { }", 'The CSS selector ".label-customizable > p" is not allowed.'],
    [".label-customizable:hover { }", 'The CSS selector ".label-customizable:hover" is not allowed.'],
    [".Label-customizable { }", 'The CSS selector ".Label-customizable" is not allowed.'],
    [".label/**/-customizable { }", 'The CSS selector ".label -customizable" is not allowed.'],
    ["{ color: red }", 'The CSS selector "" is not allowed.'],
    ["color: red", "The CSS has a rule that does not end."],
    [".label-customizable { color: red", "The CSS has a rule that does not end."],
    [".label-customizable }", "The CSS has a brace that closes nothing."],
    [label("a { color: red"), "The CSS has a rule inside a rule."],
    ["/* ", "The CSS has a comment that does not end."],
    [label("color"), 'The CSS declaration "color" is not valid.'],
    [label("--x: red"), 'The CSS declaration "--x: red" is not valid.'],
    [label("behavior: none"), "The CSS property behavior is not allowed."],
    [label("-moz-binding: none"), "The CSS property -moz-binding is not allowed."],
    ["@import 'x';", 'The CSS must not contain "@".'],
    ["@media print { .label-customizable { color: red } }", 'The CSS must not contain "@".'],
    [`${label("")}</style><script>`, 'The CSS must not contain "<".'],
    [label("background: \\75rl(//evil.example)"), 'The CSS must not contain "\\\\".'],
    [label("background: url(//evil.example)"), "The CSS function url() is not allowed."],
    [label("background: URL('//evil.example')"), "The CSS function URL() is not allowed."],
    [label('background: image-set("//evil.example")'), "The CSS function image-set() is not allowed."],
    [label("background: calc(url(//evil.example))"), "The CSS function url() is not allowed."],
    [label("content: 'url(x)'"), "The CSS function url() is not allowed."],
    [label("width: expression(alert(1))"), "The CSS function expression() is not allowed."],
    [label("color: var(--x)"), "The CSS function var() is not allowed."],
    [label("color: JavaScript:alert"), 'The CSS value "JavaScript:alert" is not allowed.'],
    [label("content: \"' "), `The CSS value ${JSON.stringify("\"'")} is not valid.`],
    [label("content: 'a\nb'"), `The CSS value ${JSON.stringify("'a\nb'")} is not valid.`],
  ];
  for (const [css, fault] of rows) assert.equal(cssFault(css), fault, css);
});

test("strings end at every line break of css-syntax-3, and nothing begins in one and ends in another", () => {
  for (const end of ["\n", "\r", "\f", "\r\n"])
    for (const quote of ["'", '"']) {
      const css = `.label-customizable { font-family: ${quote}a${end}; color: red; x: ${quote} }`;
      assert.match(cssFault(css) ?? "fine", /^The CSS value .* is not valid\.$/, JSON.stringify(css));
    }
  assert.equal(cssFault(".label-customizable { font-family: 'a } b; { c' }"), undefined);
  for (const css of [
    ".label-customizable { font-family: 'a }",
    ".label-customizable { font-family: 'a\f} body { color: red } .label-customizable { x: ' }",
    ".label-customizable { font-family: /* ' */ a /* ' } body { color: red }",
    ".label-customizable { width: (1px }",
    ".label-customizable { width: 1px) }",
    ".label-customizable { width: [1px }",
    ".label-customizable { color: red !other }",
    ".label-customizable { color: red } -->",
  ])
    assert.notEqual(cssFault(css), undefined, css);
});

test("what goes on is written anew, without comments or the operator's own spelling", () => {
  const css =
    ".label-customizable/**/ , .label-customizable { COLOR : /*! a */ RED/**/ ! important;; font-family:'x\ty' , b}";
  assert.deepEqual(readUiCss(css), [
    {
      selectors: [".label-customizable", ".label-customizable"],
      declarations: [
        { property: "color", value: "RED" },
        { property: "font-family", value: '"x\\9y",b' },
      ],
    },
  ]);
});

test("no style takes more than linear time, or nests deeper than anybody writes", () => {
  const label = (value: string) => `.label-customizable { width: ${value} }`;
  const nested = (depth: number) => label(`${"calc(".repeat(depth)}1px${")".repeat(depth)}`);
  assert.equal(cssFault(nested(20)), undefined);
  assert.equal(cssFault(nested(21)), "The CSS has a value that is nested too deeply.");
  for (const unit of [
    "calc(",
    "(",
    "[",
    "{",
    "/*",
    "'",
    "''",
    "!",
    ",",
    "a{",
    ".a",
    ":",
    ";",
    "a:b;",
    "/**/",
  ])
    for (const style of [(text: string) => text, label]) {
      const steps = (length: number) => stepsOf(() => cssFault(style(unit.repeat(length / unit.length))));
      const [once, twice] = [steps(4_000), steps(8_000)];
      assert.ok(once > 1_000, "they were counted");
      assert.ok(twice < 2.5 * once, `${unit}: ${once} steps, ${twice} for twice the length`);
    }
});

test("a style of nothing but errors is given up early", () => {
  // The parser copies the whole text for each error: 128 KiB of them would keep the server from everything else.
  for (const unit of ["a;", "a:];", "a:!;"]) {
    const style = (errors: number) => `.label-customizable { ${unit.repeat(errors)} }`;
    assert.match(cssFault(style(20)) ?? "fine", /^The CSS (?:declaration|value) ".*" is not valid\.$/, unit);
    assert.equal(cssFault(style(1_000)), "The CSS is not valid.", unit);
  }
  assert.equal(cssFault("!{}".repeat(1_000)), "The CSS is not valid.");
});
