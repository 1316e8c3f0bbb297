/** Counts steps of the work itself, so that how it grows can be told on a machine of any speed. */
import { type Profiler, Session } from "node:inspector";

/**
 * Counts how often blocks of JavaScript are entered, in libraries too; of what is loaded after this call, so that modules
 * are to be imported afterwards. What runs inside of one built-in function (a regular expression, a search in a text) is
 * not seen.
 */
export function countSteps(): (work: () => void) => number {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const taken = (): number => {
    let steps = 0;
    session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error) throw error;
      for (const { functions } of result as Profiler.ScriptCoverage[])
        for (const { ranges } of functions) for (const { count } of ranges) steps += count;
    });
    return steps;
  };
  return (work) => {
    taken();
    work();
    return taken();
  };
}
