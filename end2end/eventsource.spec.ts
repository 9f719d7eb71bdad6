// The npm package `eventsource`, which knows nothing of Tidemark, as a client: it resumes by Last-Event-ID, and every
// answer of the server, refusals too, is one that it can live with.
import { EventSource } from "eventsource";
import { expectUnbroken, firstMark, type Heard, publishes } from "./feed.ts";
import { expect, test as base } from "./fixtures.ts";
import { Relay } from "./wire.ts";

const NAMES = ["message", "connected", "subscribed", "reset", "heartbeat", "draining", "refused", "lost"];

/** An EventSource with a memory: what it heard, and how each of its attempts was answered. */
class Client {
  readonly heard: Heard[] = [];
  readonly attempts: { status: number; lastEventId: string | undefined }[] = [];
  readonly source: EventSource;

  constructor(url: string) {
    this.source = new EventSource(url, {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        this.attempts.push({ status: response.status, lastEventId: init.headers["Last-Event-ID"] });
        return response;
      },
    });
    for (const name of NAMES) {
      this.source.addEventListener(name, ({ lastEventId, data }: MessageEvent<string>) => {
        this.heard.push({ source: this.attempts.length - 1, name, data, ...firstMark(lastEventId) });
      });
    }
  }

  named(name: string): Heard[] {
    return this.heard.filter((event) => event.name === name);
  }

  of(topic: string): Heard[] {
    return this.heard.filter((event) => event.topic === topic && event.data.startsWith("{") && event.name === "message");
  }

  async hears(name: string, count = 1, timeout = 10_000): Promise<Heard[]> {
    await expect.poll(() => this.named(name).length, { message: `${count} × ${name}`, timeout }).toBeGreaterThanOrEqual(count);
    return this.named(name);
  }

  async hearsOf(topic: string, count: number): Promise<void> {
    await expect.poll(() => this.of(topic).length, { message: `${count} × ${topic}`, timeout: 10_000 }).toBeGreaterThanOrEqual(count);
  }
}

const test = base.extend<{ connect: (url: string) => Client; relay: Relay }>({
  connect: async ({}, use) => {
    const clients: Client[] = [];
    await use((url) => {
      clients.push(new Client(url));
      return clients.at(-1)!;
    });
    for (const client of clients) client.source.close();
  },
  relay: async ({ server }, use) => {
    const relay = await Relay.before(server.port);
    await use(relay);
    relay.close();
  },
});

const QUICK_RETRY = { TIDEMARK_STREAM__RETRY_MIN_MS: "300", TIDEMARK_STREAM__RETRY_MAX_MS: "600" };
test.use({ settings: QUICK_RETRY });

test("the article's stream survives dropped connections with nothing lost and nothing doubled", async ({ connect, relay }) => {
  const client = connect(`${relay.url}/api/stream`);
  for (const round of [1, 2, 3]) {
    await client.hearsOf("feed", 4 * round);
    const last = client.of("feed").at(-1)!;
    relay.drop();
    await expect.poll(() => client.attempts.length).toBe(round + 1);
    expect(firstMark(client.attempts.at(-1)!.lastEventId!)).toMatchObject({ topic: "feed", epoch: last.epoch });
  }
  await client.hearsOf("feed", 20);
  expectUnbroken(client.of("feed"));
  expect(client.heard[0]!.data, "the article's greeting").toBe("connected");
});

test("a stream of several topics resumes each of them from one id", async ({ connect, relay }) => {
  const client = connect(`${relay.url}/api/stream?topic=feed&topic=inspector`);
  for (const round of [1, 2]) {
    await client.hearsOf("inspector", 4 * round);
    await client.hearsOf("feed", 6 * round);
    relay.drop();
    await expect.poll(() => client.attempts.length).toBe(round + 1);
    expect(client.attempts.at(-1)!.lastEventId).toMatch(/feed@[0-9a-f]{16}:\d+/);
    expect(client.attempts.at(-1)!.lastEventId).toMatch(/inspector@[0-9a-f]{16}:\d+/);
  }
  const heard = client.of("inspector").length;
  await client.hearsOf("inspector", heard + 3);
  await client.hearsOf("feed", 16);
  expectUnbroken(client.of("feed"));
  const versions = client.of("inspector").map((event) => event.offset);
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  expect(client.named("reset")).toEqual([]);
});

test("a server that is replaced says goodbye, and its clients find a new epoch with a snapshot", async ({ connect, server }) => {
  const client = connect(`${server.url}/api/stream?topic=feed`);
  await client.hearsOf("feed", 2);
  const { epoch } = client.of("feed")[0]!;
  await server.stop();
  const [draining] = await client.hears("draining");
  const { retry_ms } = JSON.parse(draining!.data) as { retry_ms: number };
  expect(retry_ms).toBeGreaterThanOrEqual(300);
  expect(retry_ms).toBeLessThanOrEqual(600);
  await server.restart();
  const [reset] = await client.hears("reset");
  const { reason, position, snapshot } = JSON.parse(reset!.data) as { reason: string; position: string; snapshot: { position: string } };
  expect(reason).toBe("unknown-epoch");
  expect(snapshot.position).toBe(position);
  await publishes(server, 3);
  const after = client.of("feed").filter((event) => event.epoch !== epoch);
  expectUnbroken(after);
  expect(`${after[0]!.epoch}:${after[0]!.offset - 1}`, "events follow the snapshot").toBe(position);
});

test.describe("with a heartbeat faster than the feed", () => {
  test.use({ settings: { TIDEMARK_STREAM__HEARTBEAT_MS: "200", TIDEMARK_FEED__INTERVAL_MS: "2000" } });

  test("a silent stream sends heartbeats, which a script can hear and which change no position", async ({ connect, server }) => {
    const client = connect(`${server.url}/api/stream?topic=feed`);
    await client.hears("heartbeat", 5);
    const [first] = await client.hears("message");
    await client.hears("heartbeat", client.named("heartbeat").length + 4);
    expect(client.attempts.length).toBe(1);
    expect(client.named("heartbeat").every((event) => event.data === "{}")).toBe(true);
    await client.hears("message", 2);
    expect(client.named("message")[1]!.offset).toBe(first!.offset + 1);
  });
});

test.describe("with two streams an address", () => {
  test.use({ settings: { ...QUICK_RETRY, TIDEMARK_LIMITS__CONNECTIONS_PER_ADDRESS: "2" } });

  test("a third stream is told why it is refused, comes back by itself, and is let in once there is room", async ({ connect, server }) => {
    const url = `${server.url}/api/stream?topic=feed`;
    const first = connect(url);
    const second = connect(url);
    await first.hears("connected");
    await second.hears("connected");
    const third = connect(url);
    const [refused] = await third.hears("refused");
    const { code, message, retry_ms } = JSON.parse(refused!.data) as { code: string; message: string; retry_ms: number };
    expect(code).toBe("too-many-connections");
    expect(message).toContain("close one");
    expect(retry_ms).toBeGreaterThanOrEqual(5_000);
    expect(retry_ms).toBeLessThanOrEqual(15_000);
    first.source.close();
    await third.hears("connected", 1, 20_000);
    await third.hearsOf("feed", 2);
    expect(third.attempts.map((attempt) => attempt.status)).toEqual([200, 200]);
    expect(second.attempts.length, "the others are left alone").toBe(1);
  });
});

const topics = Array.from({ length: 17 }, (_, n) => `topic=channel/shop/${n}`).join("&");
for (const [what, query, code] of [
  ["a topic that does not exist", "topic=nonsense", "unknown-topic"],
  ["a topic that one may not read", "topic=channel/shop/private-orders", "unknown-topic"],
  ["a position that cannot be read", "topic=feed@12", "bad-position"],
  ["more topics than a stream carries", topics, "too-many-topics"],
] as const) {
  test(`who asks for ${what} is told so once, and then stays away`, async ({ connect, server }) => {
    const client = connect(`${server.url}/api/stream?${query}`);
    const [refused] = await client.hears("refused");
    expect(JSON.parse(refused!.data)).toMatchObject({ code, retry_ms: null });
    await expect.poll(() => client.source.readyState).toBe(EventSource.CLOSED);
    expect(client.attempts.map((attempt) => attempt.status)).toEqual([200, 204]);
    await publishes(server, 4);
    expect(client.attempts.length, "nor does it come back later").toBe(2);
    expect(client.named("refused").length).toBe(1);
  });
}
