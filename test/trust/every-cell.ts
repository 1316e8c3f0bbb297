/** `npm run test:cells`: the long form of trust.test.ts. */
import { tryMatrix } from "./matrix.ts";

tryMatrix(() => true);
