import { tryMatrix } from "./matrix.ts";

// Each event on one of the databases; `npm run test:cells` has each on both.
tryMatrix((event, database) => (event % 2 === 0) === (database === "sqlite"));
