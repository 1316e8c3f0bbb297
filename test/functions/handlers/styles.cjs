/** Handlers as earlier runtimes had them, in CommonJS. */
let background = 0;

exports.callback = (event, _context, callback) => {
  setImmediate(() => callback(null, { ...event, by: "callback" }));
};
exports.callbackError = (_event, _context, callback) => callback(new Error("by callback"));
exports.callbackText = (_event, _context, callback) => callback("a text by callback");
exports.waits = (_event, _context, callback) => {
  callback(null, "first");
  setImmediate(() => setImmediate(() => (background += 1)));
};
exports.background = async () => background;
exports.doesNotWait = (_event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  process.stdin.resume();
  callback(null, "at once");
};
exports.twice = (_event, _context, callback) => {
  callback(null, "first");
  callback(null, "second");
};
exports.done = (event, context) => {
  setImmediate(() => context.done(null, { ...event, by: "done" }));
};
exports.succeed = (_event, context) => context.succeed("succeeded");
exports.fail = (_event, context) => context.fail(new Error("by fail"));
exports.silent = () => {};
exports.plain = (event) => event;
exports.nested = { deep: { handler: async () => "nested" } };
exports.notAFunction = 7;
