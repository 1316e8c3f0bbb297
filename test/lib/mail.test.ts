/** Addresses, the URL of a mail server, and the words of an HTML message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { htmlToText } from "../../src/lib/html-to-text.ts";
import { parseMailAddress } from "../../src/lib/mail-address.ts";
import { parseSmtpUrl } from "../../src/lib/smtp-url.ts";

test("one mailbox, with or without a name", () => {
  const cases: [string, { name: string; address: string } | undefined][] = [
    ["a@b.example", { name: "", address: "a@b.example" }],
    [" Name <a@b.example> ", { name: "Name", address: "a@b.example" }],
    ['"Name, \\"Inc.\\"" <a@b.example>', { name: 'Name, "Inc."', address: "a@b.example" }],
    ["Zoë <zoë@bücher.example>", { name: "Zoë", address: "zoë@bücher.example" }],
    ["<a@b.example>", { name: "", address: "a@b.example" }],
    ["a@b.example, c@d.example", undefined],
    ["Name <a@b.example>, c@d.example", undefined],
    ["Name <a@b.example> <c@d.example>", undefined],
    ["a@b.example\r\nBcc: c@d.example", undefined],
    ["Name\nBcc: c@d.example <a@b.example>", undefined],
    ['Na"me <a@b.example>', undefined],
    ["Name <a b@c.example>", undefined],
    ["Name", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseMailAddress(text), expected, text);
});

test("the URL of a mail server", () => {
  assert.deepEqual(parseSmtpUrl("smtp://mail.example"), {
    host: "mail.example",
    port: 587,
    secure: false,
    auth: undefined,
  });
  assert.deepEqual(parseSmtpUrl("smtps://a%40b:p%2Fw@[::1]"), {
    host: "::1",
    port: 465,
    secure: true,
    auth: { user: "a@b", pass: "p/w" },
  });
  assert.equal(parseSmtpUrl("smtp://mail.example:2525/")?.port, 2525);
  for (const wrong of [
    "mail.example",
    "http://mail.example",
    "smtp://",
    "smtp://mail.example/inbox",
    "smtp://mail.example?x=1",
    "smtp://a%ZZ:b@mail.example",
    "smtp://mail.example:99999",
  ]) {
    assert.equal(parseSmtpUrl(wrong), undefined, wrong);
  }
});

test("HTML as text", () => {
  const cases: [string, string][] = [
    ["Your code is 123456", "Your code is 123456"],
    ["a<br>b<br/>c", "a\nb\nc"],
    ["<p>a</p>\n\n<p>b   c</p>", "a\n\nb c"],
    ["<style>p { color: red }</style><script>1 < 2</script>a", "a"],
    ['<a href="https://x.example/?a=1&amp;b=2">here</a>', "here (https://x.example/?a=1&b=2)"],
    ["<a href='https://x.example'>https://x.example</a>", "https://x.example"],
    ["&lt;b&gt; &amp;amp; &#39;&#x2713;&nbsp;&nope;", "<b> &amp; '✓ &nope;"],
    ["&#1114112;&#xd800;", "&#1114112;\ufffd"],
    ["1 < 2", "1 < 2"],
    ["1 < 2 <b>or</b> <!-- not --> I <3 HTML>", "1 < 2 or I <3 HTML>"],
    ["a <b", "a <b"],
    ["<script>never closed", ""],
    ["", ""],
  ];
  for (const [html, text] of cases) assert.equal(htmlToText(html), text, html);
});

test("cells of a table are words of their own, and characters with names are themselves", () => {
  const cases = [
    [
      "<table><tr><td>Your code</td><td><b>123456</b></td></tr><tr><th>a<td>b</table>",
      "Your code 123456\n\na b",
    ],
    ["<td><p>x</p></td><td>y</td>", "x\ny"],
    ["F&uuml;r &Uuml;ber&szlig; &ndash; 5&nbsp;&euro; &copy; &frac12; &hellip;", "Für Überß – 5 € © ½ …"],
    ["&LT;b&GT; &Eacute;t&eacute; &thorn;&yuml;&iexcl;", "<b> Été þÿ¡"],
    ["&toString; &constructor; &unknown; &AUML; &uuml", "&toString; &constructor; &unknown; &AUML; &uuml"],
  ] as const;
  for (const [html, text] of cases) assert.equal(htmlToText(html), text, html);
});

test("no HTML takes long: the work grows with the length, not with its square", () => {
  for (const part of ["<", "<a", "<script>", "&", "<a href=", "<p", "</"]) {
    htmlToText(part.repeat(200_000));
    htmlToText(`${part.repeat(200_000)}>`);
  }
});
