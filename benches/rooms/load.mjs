// A load generator for chat rooms: opens thousands of sockets to Tidemark or to a peer (`benches/peers`), posts, and
// checks that every event arrives everywhere once. `run.mjs` has the course of a run, `targets.mjs` what is said to each
// server, `continuity.mjs` what counts as missing. Needs `npm ci --prefix benches/peers`.
// `node benches/rooms/load.mjs --help`

import { parse, USAGE } from "./options.mjs";
import { report, text } from "./report.mjs";

async function main() {
  const options = parse(process.argv.slice(2));
  if (!options) {
    console.log(USAGE);
    return 0;
  }
  const { Run } = await import("./run.mjs");
  const run = new Run(options);
  process.once("SIGINT", () => run.stop());
  process.once("SIGTERM", () => run.stop());
  console.error(`opening ${options.sockets} sockets, then measuring for ${options.seconds} s`);
  await run.run();
  const found = report(run);
  (options.json ? console.error : console.log)(text(found));
  if (options.json) console.log(JSON.stringify(found));
  return found.faults.length ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`load: ${error.cause ? `${error.message}: ${error.cause.message}` : error.message}`);
  process.exitCode = 2;
}
