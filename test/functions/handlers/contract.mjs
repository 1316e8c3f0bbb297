/** Does what the event says: each thing that a handler may do. */
let calls = 0;

const acts = {
  answer: (event) => ({ ...event, response: { text: "ü 𝄞 \u2028", nested: [1, { two: true }] } }),
  null: () => null,
  undefined: () => undefined,
  number: () => 7,
  text: () => "seven",
  list: () => [1, 2],
  nan: () => Number.NaN,
  throw: () => {
    throw new Error("no such domain");
  },
  type: () => {
    throw new TypeError("not that type");
  },
  "throw text": () => {
    throw "only a text";
  },
  "throw nothing": () => {
    throw undefined;
  },
  reject: () => Promise.reject(new Error("rejected later")),
  circular: () => {
    const answer = {};
    answer.answer = answer;
    return answer;
  },
  hang: () => {
    for (;;);
  },
  "never settle": () => new Promise(() => {}),
  exit: () => process.exit(129),
  "exit well": () => process.exit(0),
  "fail aside": () =>
    new Promise(() => {
      setImmediate(() => {
        throw new Error("nobody caught this");
      });
    }),
  "reject aside": () =>
    new Promise(() => {
      void Promise.reject(new Error("nobody waited for this"));
    }),
  large: () => "x".repeat(6 * 1024 * 1024 - 1),
  largest: () => "x".repeat(6 * 1024 * 1024 - 2),
  flood: () => {
    for (let line = 0; line < 50_000; line += 1) console.log(`line ${line}`);
    process.stderr.write("y".repeat(300_000));
    return "flooded";
  },
  say: () => {
    console.log("said on stdout");
    console.error("said on stderr");
    return null;
  },
  memory: () => {
    const kept = [];
    for (;;) kept.push(new Array(10_000).fill(kept.length));
  },
  environment: () => ({ ...process.env }),
  calls: () => calls,
  pid: () => process.pid,
  "say and wait": () =>
    new Promise(() => {
      console.log("said before it waits");
      setInterval(() => {}, 60_000);
    }),
};

export const handler = async (event, context) => {
  calls += 1;
  if (event.do !== "context") return acts[event.do](event);
  const { getRemainingTimeInMillis, done: _done, succeed: _succeed, fail: _fail, ...rest } = context;
  return { ...rest, remaining: getRemainingTimeInMillis() };
};
