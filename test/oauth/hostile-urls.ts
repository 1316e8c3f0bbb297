/**
 * URLs that resemble a registered one, or to which an attacker who collects codes would like a browser to be sent.
 * Generated from a table: each line is one idea, tried in every place where it could matter.
 */

export const registered = "https://app.example/cb";

const evil = "evil.example";

const schemes = [
  ...["http", "HTTPS", "Https", "httpss", "ttps", "h", "httpѕ", "ｈttps", "ſhttps", "https:https"],
  ...["javascript", "JaVaScRiPt", " javascript", "java\tscript", "java\nscript", "\u0001javascript"],
  ...["data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "jar", "mhtml", "feed"],
  ...["ftp", "ws", "wss", "gopher", "ldap", "intent", "android-app", "mailto", "tel", "chrome", "myapp2"],
];

const afterScheme = [
  "://app.example/cb",
  ":app.example/cb",
  ":/app.example/cb",
  `://${evil}/cb`,
  ":alert(document.domain)//https://app.example/cb",
];

const hosts = [
  // The part before the @ does not matter.
  ...[`app.example@${evil}`, `app.example:443@${evil}`, `app.example%40${evil}`, `a:b@app.example`],
  ...[
    `${evil}#@app.example`,
    `${evil}?@app.example`,
    `${evil}/@app.example`,
    "@app.example",
    ":@app.example",
  ],
  ...[`${evil}\\@app.example`, `app.example\\@${evil}`, `app.example\\.${evil}`, `${evil};app.example`],
  // Similar names.
  ...[`app.example.${evil}`, `app.example-${evil}`, `${evil}.app.example`, "evilapp.example", "app.example2"],
  ...[
    "app.example.",
    ".app.example",
    "app..example",
    "app.example..",
    "*.app.example",
    "*",
    "app",
    "example",
  ],
  ...["APP.EXAMPLE", "App.example", "app.examplE", "app_example", "app-example", "appexample"],
  // Names that look the same, or that a parser treats as the same.
  ...["app。example", "app．example", "app｡example", "аpp.example", "app.exаmple", "ａpp.example"],
  ...["ⓐpp.example", "app.exam\u00adple", "app.exam\u200bple", "app.exam\u2060ple", "app\u200d.example"],
  ...["xn--pp-7kc.example", "äpp.example", "xn--pp-uia.example", "app.example\ufeff", "app.example\u202e"],
  ...[
    "app%2eexample",
    "app%252eexample",
    "%61pp.example",
    `app.example%2f.${evil}`,
    `app.example%00.${evil}`,
  ],
  ...[
    `app.example%23.${evil}`,
    `app.example%3f.${evil}`,
    `app.example%5c.${evil}`,
    `app.example%0d%0a.${evil}`,
  ],
  // Ports.
  ...["app.example:443", "app.example:80", "app.example:", "app.example:0443", "app.example:8443"],
  ...["app.example:65536", "app.example:-1", "app.example:443a", "app.example:４４３"],
  // The machine itself, and the metadata services of clouds.
  ...["localhost", "LOCALHOST", "localhost.", `localhost.${evil}`, "127.0.0.1", "127.1", "2130706433", "0"],
  ...["0x7f000001", "0177.0.0.1", "[::1]", "[::1]:9999", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::]"],
  ...["[::1%25lo]", "0.0.0.0", "169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal"],
];

const paths = [
  ...["", "/", "/cb/", "/cb//", "//cb", "/./cb", "/cb/.", "/cb/..", "/cb/../cb", "/x/../cb", "/../cb"],
  ...[
    "/cb/../../cb",
    "/%2e/cb",
    "/x/%2e%2e/cb",
    "/cb/%2e%2e/evil",
    "/cb/..;/evil",
    "/cb;a=b",
    "/cb;",
    "/cb,",
  ],
  ...["/CB", "/Cb", "/c%62", "/%63b", "/%2563b", "/cb%2f", "/cb%2F..%2Fevil", "/cb%20", "/cb%00", "/cb%0a"],
  ...["/cb%0d%0aSet-Cookie:%20a=b", "/cb%E2%80%A8", "/cb%ff", "/cb%", "/cb%zz", "/сb", "/ｃb", "/cḃ"],
  ...["/cb?", "/cb?a=b", "/cb?a=b&c=d", "/cb?code=1", "/cb?redirect=https://evil.example", "/cb?&", "/cb??"],
  ...[
    "/cb#",
    "/cb#a",
    "/cb#?code=1",
    "/cb?#",
    "/cb&a=b",
    "/cb&",
    "/cb=",
    "/cba",
    "/c",
    "/cb.",
    "/cb..",
    "/cb:",
  ],
  ...[
    "/cb/evil",
    "/cb\\evil",
    "/cb\\..\\evil",
    "\\cb",
    "/cb|evil",
    "/cb'",
    '/cb"',
    "/cb<",
    "/cb>",
    "/cb`",
    "/cb^",
  ],
];

const characters = [
  ...[" ", "\t", "\r", "\n", "\r\n", "\0", "\x01", "\v", "\f", "\x1b", "\x7f", "\x85", "\xa0", "\xad"],
  ...["\u200b", "\u200d", "\u2028", "\u2029", "\u202e", "\u2060", "\u3000", "\ufeff", "\ufffd", "\u{e0001}"],
  ...[
    "\\",
    "/",
    "／",
    "⁄",
    "∕",
    ".",
    "。",
    "@",
    "＠",
    ":",
    "：",
    "#",
    "＃",
    "?",
    "？",
    "&",
    ";",
    ",",
    "|",
    "^",
  ],
  ...['"', "'", "`", "<", ">", "{", "}", "[", "]", "%", "%00", "%0a", "%0d%0a", "%09", "%20", "%2e", "%2f"],
];

/** Each character at the beginning, before the host, inside it, after it, and at the end. */
const inserted = characters.flatMap((one) => [
  `${one}${registered}`,
  `https://${one}app.example/cb`,
  `https://app${one}.example/cb`,
  `https://app.example${one}/cb`,
  `${registered}${one}`,
]);

const encode = (text: string, times: number): string =>
  times === 0 ? text : encode([...text].map((one) => `%${hex(one)}`).join(""), times - 1);
const hex = (one: string) => one.codePointAt(0)!.toString(16).padStart(2, "0");

const encoded = [
  ...[encodeURIComponent(registered), encodeURIComponent(encodeURIComponent(registered))],
  ...[encode(registered, 1), encode(registered, 2), encode(`https://${evil}`, 1)],
  ...["https%3a//app.example/cb", "https:%2f%2fapp.example/cb", "https:%2f/app.example/cb"],
  ...["https://app%2Eexample/cb", "https://app.example%2Fcb", "%68ttps://app.example/cb"],
  ...["https&colon;//app.example/cb", "https&#58;//app.example/cb", "https\\u003a//app.example/cb"],
  ...["+https://app.example/cb", "https://app.example/+cb", "https+://app.example/cb"],
];

/** Text that could end a header or a tag and begin another. */
const injected = [
  `${registered}\r\nSet-Cookie: poolhouse=evil`,
  `${registered}\r\nLocation: https://${evil}/`,
  `${registered}\r\n\r\n<script>alert(1)</script>`,
  `${registered}\nRefresh: 0;url=https://${evil}/`,
  `${registered}\u560d\u560aSet-Cookie: a=b`,
  `${registered}%0d%0aSet-Cookie: a=b`,
  `${registered}%E5%98%8D%E5%98%8ASet-Cookie:a=b`,
  `${registered}"><script>alert(1)</script>`,
  `${registered}' onclick='alert(1)`,
  `${registered}"><meta http-equiv="refresh" content="0;url=https://${evil}/">`,
  `"><form action="https://${evil}/"><input type="submit">`,
  `${registered}</title><base href="https://${evil}/">`,
  "${7*7}",
  "{{7*7}}",
  "<%= 7*7 %>",
];

const whole = [
  ...["", " ", ".", "..", "*", "?", "#", "&", "=", "/", "//", "///", "\\", "null", "undefined", "true", "0"],
  ...[`//${evil}`, `///${evil}`, `////${evil}`, `\\\\${evil}`, `/\\${evil}`, `\\/${evil}`, `/${evil}`, evil],
  ...[
    `https:${evil}`,
    `https:/${evil}`,
    `https:///${evil}`,
    `https:\\\\${evil}`,
    "https:",
    "https://",
    "https:///",
  ],
  ...[`${registered} ${registered}`, `${registered},${registered}`, `${registered};https://${evil}`],
  ...[`${registered}${registered}`, `["${registered}"]`, `{"url":"${registered}"}`, `'${registered}'`],
  ...["/cb", "cb", "./cb", "../cb", "app.example/cb", "//app.example/cb", "login", "/login", "../error"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "CallbackURLs", "$ne", "%s%s%s%n"],
  ...[`${registered}${"a".repeat(4_000)}`, `${registered}?${"a=b&".repeat(1_000)}`, "https://".repeat(400)],
  ...[`https://${"a".repeat(63)}.example/cb`, `https://${"a.".repeat(200)}example/cb`],
];

/** All distinct, and none registered: every difference of a byte makes another URL. */
export const hostileUrls: readonly string[] = [
  ...new Set([
    ...schemes.flatMap((scheme) => afterScheme.map((rest) => `${scheme}${rest}`)),
    ...hosts.flatMap((host) => [`https://${host}/cb`, `https://${host}`]),
    ...paths.map((path) => `https://app.example${path}`),
    ...inserted,
    ...encoded,
    ...injected,
    ...whole,
  ]),
].filter((url) => url !== registered);
