// What a run found: text for people, one line of JSON for scripts, and whether it is a success.

const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 };

// Of a core. A generator that is busier than this measures itself.
const BUSY = 0.9;

const FAULTS = {
  missing: "events missing",
  behind: "sockets behind or not back at the end",
  repeated: "events repeated",
  resets: "resets",
  late: "events out of order",
  other_epochs: "changes of epoch without a reset",
  posted_twice: "posts that were published twice",
  failed_posts: "posts failed",
  failed_sockets: "sockets never opened",
  lost: "rooms lost",
  refused: "other commands refused",
  unreadable: "messages that could not be understood",
};

/** Why a run is no success; empty if it is one. */
function faults(run) {
  const faults = Object.entries(FAULTS)
    .filter(([name]) => run.counts[name] > 0)
    .map(([name, words]) => `${run.counts[name]} ${words}`);
  if (run.counts.events === 0) faults.push("no event was received");
  if (run.serverGone) faults.push("the server ended");
  return faults;
}

export function report(run) {
  const { latencies, counts, window, deliveries } = run;
  const quantiles = Object.entries(QUANTILES).map(([name, share]) => [name, latencies.quantile(share) / 1_000]);
  return {
    target: run.options.name,
    url: run.options.url.href,
    sockets: run.options.sockets,
    rooms: run.options.rooms.length,
    opening_seconds: run.opening,
    seconds: window,
    interrupted: run.interrupted,
    counts,
    deliveries,
    deliveries_per_second: deliveries / window,
    latency_ms: { count: latencies.count, ...Object.fromEntries(quantiles), max: latencies.max / 1_000 },
    server: run.server && server(run),
    generator: run.generator,
    reasons: Object.fromEntries(run.reasons),
    warnings: warnings(run),
    faults: faults(run),
  };
}

function server({ server: { before, idle, start, end }, counts, window, deliveries }) {
  return {
    memory_before: before.memory,
    memory_idle: idle.memory,
    memory_end: end.memory,
    bytes_per_idle_socket: (idle.memory - before.memory) / Math.max(counts.opened, 1),
    cpu_share: (end.cpu - start.cpu) / window,
    cpu_us_per_delivery: ((end.cpu - start.cpu) * 1e6) / Math.max(deliveries, 1),
  };
}

function warnings({ generator }) {
  if (generator.cpu_share <= BUSY) return [];
  return [`the generator was busy ${percent(generator.cpu_share)} of the time: latencies are its own, not the server's`];
}

export function text(found) {
  const { counts, latency_ms: latency, server, generator } = found;
  const ms = (value) => `${value.toFixed(1)} ms`;
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const lines = [
    `${found.sockets} sockets in ${found.rooms} rooms of ${found.url} (${found.target}), measured for ${found.seconds.toFixed(1)} s`,
    `opened      ${counts.opened} in ${found.opening_seconds.toFixed(1)} s, ${counts.failed_sockets} failed`,
    `posts       ${counts.posts} sent, ${counts.failed_posts} failed, ${counts.resent} sent again, ${counts.posted_twice} published twice`,
    `events      ${counts.events} received, ${found.deliveries_per_second.toFixed(0)}/s while measuring`,
    `continuity  ${counts.missing} missing (${counts.gaps} gaps, ${counts.behind} sockets behind at the end), ` +
      `${counts.repeated} repeated, ${counts.late} out of order, ${counts.resets} resets`,
    `resumes     ${counts.churned} dropped by us, ${counts.drops} by the server; ${counts.resumed} came back, ` +
      `${counts.recovered} events recovered`,
    latency.count
      ? `latency     p50 ${ms(latency.p50)}, p90 ${ms(latency.p90)}, p99 ${ms(latency.p99)}, p99.9 ${ms(latency.p999)}, max ${ms(latency.max)} after they were posted`
      : "latency     no event was delivered live while measuring",
  ];
  if (server) {
    lines.push(
      `memory      ${mib(server.memory_before)} before, ${mib(server.memory_idle)} with all, ${mib(server.memory_end)} at the end: ` +
        `${(server.bytes_per_idle_socket / 1_024).toFixed(1)} KiB an idle socket`,
      `server CPU  ${server.cpu_us_per_delivery.toFixed(1)} µs a delivery, ${percent(server.cpu_share)} of a core`,
    );
  }
  lines.push(`generator   ${percent(generator.cpu_share)} of a core, ${mib(generator.memory)}`);
  for (const [reason, count] of Object.entries(found.reasons)) lines.push(`  ${count} times: ${reason}`);
  for (const warning of found.warnings) lines.push(`WARNING: ${warning}`);
  if (found.interrupted) lines.push("interrupted: these are partial results");
  lines.push(found.faults.length ? `FAILED: ${found.faults.join(", ")}` : "nothing is missing");
  return lines.join("\n");
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
