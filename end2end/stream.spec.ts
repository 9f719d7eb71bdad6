// The interface as any program sees it: what is on the wire, positions and resets, changing a live stream's topics,
// snapshots and heads, and refusals for clients that are no EventSource.
import { expectUnbroken, firstMark, head, mark, type Position, publishes, reaches } from "./feed.ts";
import { expect, test as base } from "./fixtures.ts";
import type { Server } from "./server.ts";
import { type Frame, Wire } from "./wire.ts";

const test = base.extend<{ open: (query: string, headers?: Record<string, string>) => Promise<Wire> }>({
  open: async ({ server }, use) => {
    const wires: Wire[] = [];
    await use(async (query, headers) => {
      wires.push(await Wire.open(`${server.url}/api/stream${query}`, headers));
      return wires.at(-1)!;
    });
    wires.forEach((wire) => wire.close());
  },
});

type Reset = { topic: string; reason: string; position: string; snapshot: { position: string; events: { offset: number }[] } };

const positions = (frames: Frame[]): Position[] => frames.map(({ id }) => firstMark(id));

/** Hears a reset, checks that its snapshot is true at its position, and that live events follow. */
async function expectReset(wire: Wire, reason: string): Promise<void> {
  const [frame] = await wire.hears("reset");
  const reset = JSON.parse(frame!.data) as Reset;
  const { topic, ...position } = firstMark(frame!.id);
  expect(reset).toMatchObject({ topic, reason, position: mark(position), snapshot: { position: mark(position) } });
  expectUnbroken([...reset.snapshot.events, { offset: position.offset + 1 }].map(({ offset }) => ({ ...position, offset })));
  const events = (await wire.hears("message", 4)).filter(({ data }) => data !== "connected");
  expectUnbroken([position, ...positions(events)]);
}

test("the article's stream greets, then sends numbered samples", async ({ open }) => {
  const wire = await open("");
  expect(wire.response.statusCode).toBe(200);
  expect(wire.response.headers).toMatchObject({
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  const [greeting, ...samples] = await wire.hears("message", 4);
  expect(greeting).toMatchObject({ data: "connected", retry: expect.any(Number) });
  expectUnbroken(positions([greeting!, ...samples]));
  for (const { data } of samples) expect(JSON.parse(data)).toMatchObject({ time: expect.any(Number), value: expect.any(Number) });
});

test("a stream that names its topics is told its connection, and where it and the topic are", async ({ open, server }) => {
  await reaches(server, 2);
  const wire = await open("?topic=feed");
  const [frame] = await wire.hears("connected");
  const { id, data } = frame!;
  const { connection, heartbeat_ms, topics } = JSON.parse(data);
  expect(connection).toMatch(/^[0-9a-f]{32}$/);
  expect(heartbeat_ms).toBe(15_000);
  const at = mark(firstMark(id));
  expect(topics).toEqual([{ topic: "feed", from: at, head: at }]);
});

test("a position in the address resumes with the event right after it; that of a header wins", async ({ open, server }) => {
  const { epoch, offset } = await reaches(server, 6);
  const wire = await open(`?topic=feed@${epoch}:2`);
  expectUnbroken([{ epoch, offset: 2 }, ...positions(await wire.hears("message", offset))]);
  const header = await open(`?topic=feed@${epoch}:2`, { "last-event-id": `feed@${epoch}:4` });
  expect(positions(await header.hears("message"))[0]).toMatchObject({ epoch, offset: 5 });
  const start = await open("", { "last-event-id": `feed@${epoch}:0` });
  const [greeting, first] = await start.hears("message", 2);
  expect([greeting!.data, positions([first!])[0]!.offset]).toEqual(["connected", 1]);
});

test("a position that cannot be resumed from is answered with a reset and its reason", async ({ open, server }) => {
  const { epoch, offset } = await reaches(server, 4);
  await expectReset(await open("?topic=feed", { "last-event-id": "garbage" }), "unknown-epoch");
  await expectReset(await open("?topic=feed@0123456789abcdef:3"), "unknown-epoch");
  await expectReset(await open(`?topic=feed@${epoch}:${offset + 1_000}`), "ahead-of-head");
  await expectReset(await open("", { "last-event-id": "17" }), "unknown-epoch");
});

test("the wait before coming back differs between connections, within its limits", async ({ open }) => {
  const wires = await Promise.all(Array.from({ length: 12 }, () => open("?topic=feed")));
  const waits = await Promise.all(wires.map(async (wire) => (await wire.hears("connected"))[0]!.retry!));
  for (const wait of waits) {
    expect(wait).toBeGreaterThanOrEqual(1_000);
    expect(wait).toBeLessThanOrEqual(5_000);
  }
  expect(new Set(waits).size).toBeGreaterThan(3);
});

test.describe("with a heartbeat faster than the feed", () => {
  test.use({ settings: { TIDEMARK_STREAM__HEARTBEAT_MS: "200", TIDEMARK_FEED__INTERVAL_MS: "2000" } });

  test("a heartbeat is a comment for proxies and an event for scripts, and comes without an id", async ({ open }) => {
    const wire = await open("?topic=feed");
    for (const frame of await wire.hears("heartbeat", 4)) {
      expect(frame).toEqual({ id: "", event: "heartbeat", data: "{}", retry: undefined, comments: ["heartbeat"] });
    }
  });
});

test("the topics of a live stream are changed by a POST, and never by reconnecting", async ({ open, server }) => {
  const wire = await open("?topic=feed");
  const { connection } = JSON.parse((await wire.hears("connected"))[0]!.data);
  const change = async (body: unknown, id = connection) => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${server.url}/api/stream/${id}`, init);
    return { status: response.status, body: await response.json() };
  };
  expect(await change({ subscribe: ["inspector"] })).toEqual({ status: 200, body: { topics: ["feed", "inspector"] } });
  const [joined] = await wire.hears("subscribed");
  expect(JSON.parse(joined!.data).topics).toMatchObject([{ topic: "inspector" }]);
  const both = () => wire.frames("message").filter(({ id }) => id.startsWith("inspector@") && id.includes(",feed@"));
  await expect.poll(() => both().length).toBeGreaterThan(3);

  expect(await change({ unsubscribe: ["feed"] })).toEqual({ status: 200, body: { topics: ["inspector"] } });
  const alone = () => wire.frames("message").findIndex(({ id }) => id.startsWith("inspector@") && !id.includes(","));
  await expect.poll(alone).toBeGreaterThan(0);
  const left = alone();
  await publishes(server, 6);
  expect(wire.frames("message").slice(left).map(({ id }) => firstMark(id).topic)).not.toContain("feed");
  expectUnbroken(positions(wire.frames("message").filter(({ id }) => id.startsWith("feed@"))));

  const { epoch, offset } = await head(server);
  await change({ subscribe: [`feed@${epoch}:${offset - 3}`] });
  const again = () => wire.frames("message").slice(left).filter(({ id }) => id.startsWith("feed@"));
  await expect.poll(() => again().length).toBeGreaterThan(3);
  expect(positions(again())[0]).toMatchObject({ epoch, offset: offset - 2 });

  expect(await change({ subscribe: ["nonsense"] })).toMatchObject({ status: 422, body: { error: { code: "invalid" } } });
  expect(await change({ subscribe: ["channel/shop/private-1"] })).toMatchObject({ status: 404, body: { error: { code: "unknown-topic" } } });
  expect(await change({ subscribe: ["feed"] }, "0".repeat(32))).toMatchObject({ status: 404, body: { error: { code: "not-found" } } });
  expect(wire.ended).toBe(false);
});

test("a snapshot is the newest state and where it is true; the head is that place alone", async ({ open, server }) => {
  await reaches(server, 5);
  const get = async (path: string) => (await fetch(`${server.url}/api/${path}`)).json();
  const snapshot = await get("snapshot?topic=feed");
  const at = firstMark(`feed@${snapshot.position}`);
  expect(snapshot.topic).toBe("feed");
  expectUnbroken(snapshot.events.map(({ offset }: { offset: number }) => ({ epoch: at.epoch, offset })));
  expect(snapshot.events.at(-1).offset).toBe(at.offset);
  const wire = await open(`?topic=feed@${snapshot.position}`);
  expectUnbroken([at, ...positions(await wire.hears("message", 2))]);
  expect(await get("head?topic=feed")).toMatchObject({ topic: "feed", position: expect.stringMatching(/^[0-9a-f]{16}:\d+$/) });
});

for (const [path, status, code] of [
  ["snapshot?topic=nonsense", 404, "unknown-topic"],
  ["head?topic=nonsense", 404, "unknown-topic"],
  ["head", 404, "unknown-topic"],
  ["stream?topic=nonsense", 404, "unknown-topic"],
  ["stream?topic=feed@12", 400, "bad-position"],
] as const) {
  test(`GET /api/${path} is answered with ${status} and JSON that says ${code}`, async ({ server }) => {
    const response = await fetch(`${server.url}/api/${path}`);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } });
  });
}

test.describe("with two streams an address", () => {
  test.use({ settings: { TIDEMARK_LIMITS__CONNECTIONS_PER_ADDRESS: "2" } });

  test("a program that is no EventSource gets 429, when to come back, and JSON", async ({ open, server }) => {
    await open("");
    await open("");
    const response = await fetch(`${server.url}/api/stream`, { headers: { accept: "*/*" } });
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(5);
    expect(await response.json()).toMatchObject({ error: { code: "too-many-connections" } });
    expect((await fetch(`${server.url}/api/head?topic=feed`)).status, "the limit is on streams").toBe(200);
  });
});

test("a position that is no longer kept is answered with a reset", async ({ open, server }) => {
  const versions = await forgetOldKeys(server);
  const wire = await open(`?topic=inspector@${versions.epoch}:1`);
  const [frame] = await wire.hears("reset");
  const reset = JSON.parse(frame!.data) as Reset;
  expect(reset).toMatchObject({ topic: "inspector", reason: "too-old", snapshot: { position: reset.position } });
  expect(reset.snapshot.events.length).toBeGreaterThan(0);
});

/** The inspector keeps 4,096 keys, removed connections included: opens and closes more than that, a hundred at a time. */
async function forgetOldKeys(server: Server): Promise<Position> {
  for (let round = 0; round < 42; round++) {
    const wires = await Promise.all(Array.from({ length: 100 }, () => Wire.open(`${server.url}/api/stream`)));
    expect((await streams(server)).size).toBe(100);
    wires.forEach((wire) => wire.close());
    await expect.poll(async () => (await streams(server)).size, { intervals: [10] }).toBe(0);
  }
  const response = await fetch(`${server.url}/api/head?topic=inspector`);
  return firstMark(`inspector@${((await response.json()) as { position: string }).position}`);
}

/** The connections that the inspector lists; rendering its page takes stock of them. */
async function streams(server: Server): Promise<Set<string>> {
  const html = await (await fetch(`${server.url}/inspector`)).text();
  return new Set(html.match(/data-key="connection\/\d+"/g));
}
