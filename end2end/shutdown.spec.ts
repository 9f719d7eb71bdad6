// A deployment: SIGTERM while streams are open. They are told to come back, the port is free for the next process at
// once, and the old one ends in time, whoever still holds on to it.
import { once } from "node:events";
import { connect } from "node:net";
import { openLive, expect, NETWORK_ERROR, test } from "./fixtures.ts";
import { record } from "./feed.ts";
import { Wire } from "./wire.ts";

test("with open streams the process says goodbye to each and exits at once, without an error", async ({ server }) => {
  const wires = await Promise.all(Array.from({ length: 20 }, () => Wire.open(`${server.url}/api/stream?topic=feed`)));
  await Promise.all(wires.map((wire) => wire.hears("message")));
  const { code, ms } = await server.stop();
  expect(code).toBe(0);
  expect(ms, "far from the deadline of 5 s").toBeLessThan(2_500);
  await Promise.all(wires.map((wire) => wire.ends()));
  const waits = wires.map((wire) => {
    const frames = wire.frames();
    const [draining] = wire.frames("draining");
    expect(frames.at(-1), "the goodbye is the last word").toBe(frames.find((frame) => frame.event === "draining") ?? null);
    const { retry_ms } = JSON.parse(draining!.data) as { retry_ms: number };
    expect(draining!.retry, "EventSource's own delay is the same").toBe(retry_ms);
    return retry_ms;
  });
  expect(new Set(waits).size, "each has a delay of its own").toBeGreaterThan(5);
  for (const wait of waits) {
    expect(wait).toBeGreaterThanOrEqual(1_000);
    expect(wait).toBeLessThanOrEqual(5_000);
  }
});

test.describe("with a client that never finishes", () => {
  test.use({ settings: { TIDEMARK_SHUTDOWN_MS: "2500" } });

  test("the next process has the port while the old one still waits, which ends by its deadline", async ({ server, start }) => {
    const wire = await Wire.open(`${server.url}/api/stream?topic=feed`);
    await wire.hears("connected");
    // Half a request holds its connection open for as long as the server lets it.
    const holder = connect(server.port, "127.0.0.1").on("error", () => {});
    await once(holder, "connect");
    holder.write("POST /api/fn/set-sampling-interval HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ninterval");
    await expect.poll(() => holder.bytesWritten).toBeGreaterThan(0);
    await fetch(`${server.url}/healthz`);

    const stopping = server.stop();
    await wire.hears("draining");
    const next = await start({}, server.port);
    expect(server.running, "the old process is still there").toBe(true);
    expect((await fetch(`${next.url}/readyz`)).status).toBe(200);

    const { code, ms } = await stopping;
    expect(code).toBe(0);
    expect(ms).toBeGreaterThanOrEqual(2_000);
    expect(ms).toBeLessThan(5_000);
    expect(server.output).toContain("not everyone had left by the deadline");
    holder.destroy();
  });
});

test("a server that is asked to stop with Ctrl-C does the same", async ({ server }) => {
  const wire = await Wire.open(`${server.url}/api/stream`);
  await wire.hears("message", 2);
  const { code } = await server.stop("SIGINT");
  expect(code).toBe(0);
  await wire.ends();
  expect(wire.frames("draining").length).toBe(1);
});

test.describe("in a browser", () => {
  test.use({ allowed: [NETWORK_ERROR] });

  test("a tab hears the goodbye, and so does one that shows the inspector", async ({ context, page, server }) => {
    const other = await context.newPage();
    for (const tab of [page, other]) await record(tab);
    await openLive(page);
    await openLive(other, "/inspector");
    expect((await server.stop()).ms).toBeLessThan(2_500);
    for (const tab of [page, other]) {
      await expect.poll(() => tab.evaluate(() => window.heard.some((event) => event.name === "draining"))).toBe(true);
    }
  });
});
