import assert from "node:assert/strict";
import { test } from "node:test";
import {
  black,
  colorOfCss,
  colorOfDigits,
  contrast,
  hexOf,
  mixed,
  over,
  white,
} from "../../src/lib/color.ts";

const hexOfCss = (text: string) => {
  const color = colorOfCss(text);
  return color && hexOf(color);
};

test("eight digits are a color, and nothing else is", () => {
  assert.deepEqual(colorOfDigits("12aBff80"), { r: 18, g: 171, b: 255, a: 128 / 255 });
  const others = [
    "12abff",
    "#12abff80",
    "12abff8",
    "12abff800",
    "12abffgg",
    " 12abff80",
    "12abff80\n",
    "",
    null,
  ];
  for (const other of [...others, undefined, 12345678, ["12abff80"], { length: 8 }, true])
    assert.equal(colorOfDigits(other), undefined, String(other));
});

test("colors of CSS by name, digits, rgb and hsl", () => {
  const rows: [string, string][] = [
    ["LightGray", "#d3d3d3"],
    ["rebeccapurple", "#663399"],
    ["#abc", "#aabbcc"],
    ["#20314F", "#20314f"],
    ["#abcd", "#aabbcc"],
    ["rgb(1, 2, 3)", "#010203"],
    ["rgb(100% 0% 50% / 20%)", "#ff0080"],
    ["rgba(300,-5,0,.5)", "#ff0000"],
    ["hsl(120, 100%, 25%)", "#008000"],
    ["hsl(-120deg 100% 50%)", "#0000ff"],
  ];
  for (const [text, hex] of rows) assert.equal(hexOfCss(text), hex, text);
  assert.equal(colorOfCss("rgba(1,2,3,.25)")?.a, 0.25);
  assert.equal(colorOfCss("#11223380")?.a, 128 / 255);
  assert.equal(colorOfCss("transparent")?.a, 0);
  const others = [
    "",
    "redd",
    "#12",
    "#12345",
    "#xyz",
    "rgb(1,2)",
    "rgb(a,b,c)",
    "rgb(1,2,3,4,5)",
    "rgb(calc(1),2,3)",
  ];
  for (const text of [
    ...others,
    "hsl(1rad,1%,1%)",
    "currentcolor",
    "inherit",
    "url(x)",
    "constructor",
    "rgb(1,2,3",
  ])
    assert.equal(colorOfCss(text), undefined, text);
});

test("what lies over what, and how well it can be told apart", () => {
  assert.equal(hexOf(over({ ...white, a: 0.5 }, black)), "#808080");
  assert.equal(hexOf(mixed(white, black, 0.25)), "#bfbfbf");
  assert.equal(contrast(black, white), 21);
  assert.equal(contrast(white, white), 1);
  // The lightest gray that WCAG 2.2 takes for text on white.
  const gray = (text: string) => contrast(colorOfCss(text)!, white);
  assert.ok(gray("#767676") >= 4.5 && gray("#777777") < 4.5);
});
