// Pages of another site: the article's client, unmodified, on an origin of its own. It reads the stream where that
// origin is allowed; everywhere else the browser keeps it out, and nobody's page may change anything.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { head, publishes } from "./feed.ts";
import { expect, type Page, test as base } from "./fixtures.ts";
import type { Server } from "./server.ts";

/** The article's client, with the address filled in. */
const articlesClient = (api: string) => `<!doctype html>
<meta charset="utf-8"><title>A dashboard on another origin</title><link rel="icon" href="data:,">
<output id="points">0</output><output id="latest"></output><output id="state"></output>
<script>
  const points = [];
  const es = new EventSource('${api}/api/stream');
  es.onmessage = e => {
    if (e.data !== 'connected') {
      const { time, value } = JSON.parse(e.data);
      points.push({ time, value });
      document.getElementById('points').textContent = points.length;
      document.getElementById('latest').textContent = typeof time + ' ' + typeof value;
    }
  };
  es.onerror = () => { document.getElementById('state').textContent = ['connecting', 'open', 'closed'][es.readyState]; };
</script>`;

/** The other site: serves one page, on a port and so an origin of its own. */
type Site = { origin: string; page: string };

const test = base.extend<{ site: Site }>({
  site: async ({}, use) => {
    const site: Site = { origin: "", page: "" };
    const http = createServer((_, response) => response.setHeader("content-type", "text/html").end(site.page));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    site.origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    await use(site);
    http.closeAllConnections();
    http.close();
  },
});

const CORS = [/blocked by CORS policy/, /^error: Failed to load resource: net::ERR_FAILED/];

async function visit(page: Page, site: Site, server: Server): Promise<void> {
  site.page = articlesClient(server.url);
  await page.goto(site.origin);
}

test("the article's client on an allowed origin reads the stream as it is", async ({ page, site, start }) => {
  const server = await start({ TIDEMARK_ALLOWED_ORIGINS: `https://example.com,${site.origin}` });
  await visit(page, site, server);
  await expect.poll(async () => Number(await page.locator("#points").textContent())).toBeGreaterThanOrEqual(4);
  await expect(page.locator("#latest")).toHaveText("number number");
  await expect(page.locator("#state")).toBeEmpty();
});

test("it comes back by itself when the server was replaced", async ({ page, site, start, allowed }) => {
  allowed.push(/^error: Failed to load resource: net::ERR_/);
  const server = await start({
    TIDEMARK_ALLOWED_ORIGINS: site.origin,
    TIDEMARK_STREAM__RETRY_MIN_MS: "1500",
    TIDEMARK_STREAM__RETRY_MAX_MS: "1500",
  });
  await visit(page, site, server);
  const points = async () => Number(await page.locator("#points").textContent());
  await expect.poll(points).toBeGreaterThanOrEqual(2);
  await server.stop();
  await expect(page.locator("#state")).toHaveText("connecting");
  const before = await points();
  await server.restart();
  await expect.poll(points, { timeout: 15_000 }).toBeGreaterThanOrEqual(before + 3);
});

test("an origin that is not allowed is refused by the browser", async ({ page, site, server, allowed }) => {
  allowed.push(...CORS);
  await visit(page, site, server);
  await expect(page.locator("#state")).toHaveText("closed");
  await publishes(server, 3);
  await expect(page.locator("#points")).toHaveText("0");
});

test("the page of another site reads a snapshot where it is allowed, and not elsewhere", async ({ page, site, start, allowed }) => {
  allowed.push(...CORS);
  const [open, closed] = [await start({ TIDEMARK_ALLOWED_ORIGINS: site.origin }), await start()];
  site.page = "<!doctype html><title>Nothing</title><link rel=icon href='data:,'>";
  await page.goto(site.origin);
  const read = (url: string) =>
    page.evaluate((url) => fetch(`${url}/api/head?topic=feed`).then((r) => r.json(), () => "refused"), url);
  expect(await read(open.url)).toMatchObject({ topic: "feed" });
  expect(await read(closed.url)).toBe("refused");
});

test("a page of another site changes nothing, not even with a plain form", async ({ page, site, server, allowed }) => {
  allowed.push(/^error: Failed to load resource: the server responded with a status of 403/);
  await publishes(server, 1);
  site.page = `<!doctype html><title>A trap</title><link rel="icon" href="data:,">
    <form method="post" action="${server.url}/api/fn/set-sampling-interval">
      <button name="interval_ms" value="2000">Win a prize</button>
    </form>`;
  await page.goto(site.origin);
  const answer = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button").click();
  expect((await answer).status()).toBe(403);
  const { offset } = await head(server);
  await publishes(server, 4);
  const snapshot = await (await fetch(`${server.url}/api/snapshot?topic=feed`)).json();
  const intervals = snapshot.events.filter((event: { offset: number }) => event.offset > offset).map((event: { data: { interval_ms: number } }) => event.data.interval_ms);
  expect(new Set(intervals)).toEqual(new Set([250]));
});
