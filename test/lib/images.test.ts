import assert from "node:assert/strict";
import { test } from "node:test";
import { rasterType } from "../../src/lib/image-type.ts";
import { countSteps } from "../kit/steps.ts";

const stepsOf = countSteps();
const { svgFault } = await import("../../src/lib/svg.ts");

const bytes = (text: string) => Buffer.from(text, "latin1");

test("images are what their first bytes say", () => {
  const rows: [string, string | undefined][] = [
    ["\x89PNG\r\n\x1a\n....", "PNG"],
    ["\xff\xd8\xff\xe0....", "JPEG"],
    ["RIFF\x10\0\0\0WEBPVP8 ", "WEBP"],
    ["\0\0\x01\0\x01\0", "ICO"],
    ["", undefined],
    ["\x89PNG", undefined],
    ["\xff\xd8", undefined],
    ["RIFF\x10\0\0\0WAVE", undefined],
    ["\0\0\x02\0", undefined],
    ["GIF89a", undefined],
    ["<svg/>", undefined],
  ];
  for (const [text, type] of rows) assert.equal(rasterType(bytes(text)), type, JSON.stringify(text));
});

const ns = 'xmlns="http://www.w3.org/2000/svg"';
const svg = (content: string, attributes = "") => `<svg ${ns} ${attributes}>${content}</svg>`;

test("images that only draw are fine", () => {
  const drawings = [
    `<svg ${ns}/>`,
    svg('<path d="M0 0h10" fill="#f00"/>'),
    `\ufeff<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- Made by hand & eye -->\n${svg("<g/>")}\n`,
    `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">${svg("")}`,
    svg(
      '<defs><linearGradient id="a"><stop offset="0" stop-color="red"/></linearGradient></defs>' +
        '<rect fill="url(#a)" style="filter: url(\'#b\'); fill: rgb(1, 2, 3)"/><use href="#a"/><use xlink:href="#a"/>',
      'xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1 1"',
    ),
    svg("<style>.a { fill: red } </style><style><![CDATA[.b > .c { mask: url(#m) }]]></style>"),
    svg('<image href="data:image/png;base64,iVBORw0KGgo="/>'),
    svg("<title>Fish &amp; chips &#x2014; &#8212;</title><text>a > b (image (1))</text>"),
    svg('<g aria-label="image (1) @ url(x)" data-x="\\"/>'),
    svg(
      '<sodipodi:namedview inkscape:export-filename="C:\\logo.png" sodipodi:x="1"><inkscape:page/></sodipodi:namedview>' +
        '<metadata><rdf:RDF><cc:Work rdf:about=""/></rdf:RDF></metadata>',
      'xmlns:svg="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" ' +
        'xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" ' +
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cc="http://creativecommons.org/ns#"',
    ),
  ];
  for (const text of drawings) assert.equal(svgFault(Buffer.from(text)), undefined, text);
});

/** What a browser's parser of XML refuses. */
const notXml = [
  ...["toString", "constructor", "__proto__", "nbsp"].map((name) => svg(`&${name};`)),
  svg('<g a="&valueOf;"/>'),
  svg("]]>"),
  svg("a & b"),
  ...["\0", "\u0001", "\u001b", "\ufffe"].map((character) => svg(character)),
  svg('<g a="\u0008"/>'),
  svg('<g id="a" id="b"/>'),
  svg('<g id="a"class="b"/>'),
  svg('<g a:x="1" b:x="2"/>', 'xmlns:a="urn:a" xmlns:b="urn:a"'),
  svg("<a:b:c/>", 'xmlns:a="urn:a"'),
  svg('<g xmlns:xml="urn:a"/>'),
  svg('<g xmlns:xmlns="urn:a"/>'),
  svg('<g xmlns:a=""/>'),
  svg('<g a:b="1"/>'),
  svg("<toString:script/>"),
  svg("<__proto__:script/>"),
  svg("<!ENTITY x 'y'>"),
  svg("<!DOCTYPE svg>"),
  `${svg("")}<!DOCTYPE svg>`,
  `${svg("")}<![CDATA[x]]>`,
  ` <?xml version="1.0"?>${svg("")}`,
  `<?xml version="1.0" standalone="maybe"?>${svg("")}`,
  `\u00a0${svg("")}`,
];

const reachingOut: [string, RegExp][] = [
  [`<!DOCTYPE svg [<!ENTITY % p SYSTEM "https://evil.example/x"> %p;]>${svg("")}`, /entities/],
  [`<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>${svg("&b;")}`, /entities/],
  [`<!DOCTYPE svg SYSTEM "https://evil.example/>">${svg("")}`, /entities/],
  [`${svg("")}<?xml-stylesheet href="https://evil.example/x.css"?>`, /processing instruction/],
  [svg("<style><![CDATA[@import 'https://evil.example/x.css']]></style>"), /@ rule/],
  [svg("<a:script/>", 'xmlns:a="http://www.w3.org/2000/svg"'), /element a:script/],
  [svg('<a:script xmlns:a="http://www.w3.org/1999/xhtml"/>'), /namespace/],
  [svg("<xml:script/>"), /element xml:script/],
  [svg('<g __proto__="url(//evil.example)"/>'), /outside \(url\)/],
  [svg('<use href="javascript:alert(1)"/>'), /outside \(href\)/],
  [svg('<use href="java&#10;script:alert(1)"/>'), /outside \(href\)/],
  [svg('<rect fill="javascript:alert(1)"/>'), /load or run/],
  [svg('<image HREF="//evil.example/x.png"/>'), /outside \(HREF\)/],
  [svg('<image href="data:image/svg+xml,&lt;svg onload=alert(1)&gt;"/>'), /outside \(href\)/],
  [svg('<use x:href="//evil.example/#a"/>', 'xmlns:x="http://www.w3.org/1999/xlink"'), /outside \(x:href\)/],
];

test("images that could do more are refused, and why is told", () => {
  const rows: [string, RegExp][] = [
    ["", /well-formed/],
    ["<p/>", /no svg element/],
    ["<svg/>", /no svg element/],
    ['<svg xmlns="http://www.w3.org/1999/xhtml"/>', /namespace http:\/\/www.w3.org\/1999\/xhtml/],
    [`${svg("")}${svg("")}`, /well-formed/],
    [`${svg("")}x`, /well-formed/],
    [svg("<g>"), /well-formed/],
    [svg("</g>"), /well-formed/],
    [svg("<g a=b/>"), /well-formed/],
    [svg("<g a/>"), /well-formed/],
    [svg('<g a="<"/>'), /well-formed/],
    [svg("<!-- "), /well-formed/],
    [svg("<!-- --!><script/> -->"), /well-formed/],
    [svg("<![CDATA["), /well-formed/],
    [svg("<script>alert(1)</script>"), /element script/],
    [svg("<SCRIPT>alert(1)</SCRIPT>"), /element SCRIPT/],
    [svg("<s:script>alert(1)</s:script>", 'xmlns:s="http://www.w3.org/2000/svg"'), /element s:script/],
    [svg("<s:g/>", 'xmlns:s="http://www.w3.org/2000/svg"'), /element s:g/],
    [svg("<x:y/>"), /no namespace/],
    [svg("<h:img/>", 'xmlns:h="http://www.w3.org/1999/xhtml"'), /namespace/],
    [svg("<h:img/>", 'xmlns:h="http://www.w3.org/1999/xhtm&#108;"'), /namespace/],
    [svg("<h:img/>", 'xmlns:h=" http://www.w3.org/1999/xhtml"'), /namespace/],
    [svg('<g xmlns:a="urn:b"/>', 'xmlns:a="urn:a"'), /redefines xmlns:a/],
    [svg('<img xmlns="http://www.w3.org/1999/xhtml"/>'), /namespace/],
    [svg("<foreignObject><p/></foreignObject>"), /element foreignObject/],
    [svg('<a href="#a"/>'), /element a,/],
    [svg('<animate attributeName="href" to="javascript:x"/>'), /element animate/],
    [svg('<set attributeName="href"/>'), /element set/],
    [svg("", 'onload="x"'), /event handler onload/],
    [svg("", 'OnLoad="x"'), /event handler OnLoad/],
    [svg("", 'ev:onload="x"'), /event handler ev:onload/],
    [svg("<g\nonclick='x'/>"), /event handler onclick/],
    [svg('<image href="https://evil.example/x.png"/>'), /outside \(href\)/],
    [svg('<image href="//evil.example/x.png"/>'), /outside \(href\)/],
    [svg('<image xlink:href="x.png"/>'), /outside \(xlink:href\)/],
    [svg('<use href="data:image/svg+xml;base64,AAAA"/>'), /outside \(href\)/],
    [svg('<image href="&#x64;ata:text/html,x"/>'), /outside \(href\)/],
    [svg('<g xml:base="https://evil.example/"/>'), /base/],
    [svg('<rect fill="url(https://evil.example/#a)"/>'), /outside \(url\)/],
    [svg('<rect fill="URL( &quot;//evil.example&quot;)"/>'), /outside \(url\)/],
    [svg('<rect fill="url("/>'), /outside \(url\)/],
    [svg('<rect style="fill: \\75rl(//evil.example)"/>'), /escape/],
    [svg('<rect style="background: image-set(&quot;//evil.example&quot;)"/>'), /load or run/],
    [svg('<rect style="x: expression(1)"/>'), /load or run/],
    [svg("<style>@import 'x';</style>"), /@ rule/],
    [svg("<style>&#64;import 'x';</style>"), /@ rule/],
    [svg("<style>a { b: u<!-- -->rl(//evil.example) }</style>"), /outside \(url\)/],
    [svg("<style>a { b: u<![CDATA[rl(//evil.example)]]> }</style>"), /outside \(url\)/],
    [svg("<style><g/></style>"), /inside a style/],
    [`<?xml-stylesheet href="x"?>${svg("")}`, /processing instruction/],
    [svg("<?php ?>"), /processing instruction/],
    [`<?xml version="1.0" encoding="UTF-7"?>${svg("")}`, /UTF-8/],
    [`<!DOCTYPE svg [<!ENTITY x "y">]>${svg("&x;")}`, /entities/],
    [svg("&x;"), /unknown entity/],
    [svg("&#0;"), /well-formed/],
    [svg("&#x110000;"), /well-formed/],
    [svg("& "), /well-formed/],
    [svg(`${"<g>".repeat(100)}${"</g>".repeat(100)}`), /too deeply/],
    ...notXml.map((text): [string, RegExp] => [text, /well-formed|of no namespace|unknown entity/]),
    ...reachingOut,
  ];
  for (const [text, why] of rows)
    assert.match(svgFault(Buffer.from(text)) ?? "fine", why, text.slice(0, 200));
  assert.match(svgFault(Buffer.from([0xff, 0xfe, 0x3c, 0])) ?? "fine", /UTF-8/);
});

test("hostile text takes no more than linear time", () => {
  const units = ["<", "<g ", "<!--", "&", " ", "<g a='", "url(", "</", "<![CDATA[", "a=", "&#"];
  for (const unit of units) {
    const steps = (length: number) =>
      stepsOf(() => {
        const text = unit.repeat(length / unit.length);
        assert.notEqual(svgFault(Buffer.from(svg(`<g ${text}`))), undefined, unit);
        svgFault(Buffer.from(svg(`<style>${text}</style>`)));
      });
    const [once, twice] = [steps(20_000), steps(40_000)];
    assert.ok(once > 100, "they were counted");
    assert.ok(twice < 2.5 * once, `${unit}: ${once} steps, ${twice} for twice the length`);
  }
});
