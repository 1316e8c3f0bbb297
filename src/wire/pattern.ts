/**
 * Evaluates the regular expressions of the models. They are Java's, written without anchors, and Cognito matches them
 * against the whole value (https://smithy.io/2.0/spec/constraint-traits.html#pattern-trait).
 */

type Test = (value: string) => boolean;

const tests = new Map<string, Test>();

/** Whether all of `value` matches a model's `pattern`. Each pattern is compiled once, on first use. */
export function matchesPattern(pattern: string, value: string): boolean {
  let test = tests.get(pattern);
  if (test === undefined) {
    test = templateTest(pattern) ?? regexTest(pattern);
    tests.set(pattern, test);
  }
  return test(value);
}

/**
 * Translates a Java pattern to JavaScript. A leading `(?s)` becomes a group with that flag; `\s` and `\S` are ASCII in
 * Java, but Unicode in JavaScript. All `\s` and `\S` of the models are inside brackets.
 */
export function toJavaScript(pattern: string): string {
  return pattern
    .replace(/^\(\?s\)(.*)$/s, "(?s:$1)")
    .replaceAll("[\\S]", "[^ \\t\\n\\v\\f\\r]")
    .replaceAll("\\s", " \\t\\n\\v\\f\\r");
}

function regexTest(pattern: string): Test {
  const regex = new RegExp(`^(?:${toJavaScript(pattern)})$`, "u");
  return (value) => regex.test(value);
}

/**
 * A linear-time test for patterns like `C*\{####\}C*`, where the class C also contains the literal's own characters
 * (message templates, e-mail addresses): a backtracking engine needs quadratic or cubic time to refuse a hostile value.
 * Such a pattern is equivalent to "only C, and the literals in this order". Undefined for other patterns.
 */
function templateTest(pattern: string): Test | undefined {
  const parts = pattern.split(/(\[[^\]]+\][*+])/);
  const classes = parts.filter((_, index) => index % 2 === 1);
  const literals = parts.filter((_, index) => index % 2 === 0).map((part) => part.replace(/\\([{}])/g, "$1"));
  const body = classes[0]?.slice(0, -1);
  if (body === undefined || literals.shift() !== "" || literals.pop() !== "" || literals.length === 0)
    return undefined;
  const only = new RegExp(`^${toJavaScript(body)}*$`, "u");
  if (!classes.every((part) => part.slice(0, -1) === body)) return undefined;
  if (!literals.every((literal) => /^[@#{}]+$/.test(literal) && only.test(literal))) return undefined;

  const gaps = classes.map((part) => (part.endsWith("+") ? 1 : 0));
  return (value) => {
    let position = gaps[0]!;
    for (const [index, literal] of literals.entries()) {
      const found = value.indexOf(literal, position);
      if (found === -1) return false;
      position = found + literal.length + gaps[index + 1]!;
    }
    return position <= value.length && only.test(value);
  };
}
