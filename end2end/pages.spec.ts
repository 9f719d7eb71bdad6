// The inspector, the documentation, and the page for addresses that lead nowhere.
import { head, publishes } from "./feed.ts";
import { connectionIs, expect, openLive, type Page, PRELOADED, test } from "./fixtures.ts";
import type { Env } from "./server.ts";

const topic = (page: Page, name: string) => page.locator(`tr[data-key="topic/${name}"]`);
const connections = (page: Page) => page.getByRole("region", { name: "Connections" }).locator("tbody tr");

test("the documentation is there to be read, without what is secret or what lies elsewhere", async ({ server }) => {
  const settings = await fetch(`${server.url}/docs/Leptos.toml`);
  expect(settings.status).toBe(200);
  expect(await settings.text()).toContain("session_key");
  const readme = await (await fetch(`${server.url}/docs/README.md`)).text();
  expect(readme).toContain('href="/docs/ARCHITECTURE.md#beside-others"');
  expect(readme).not.toContain("src/components/live_feed.rs\"");
  for (const path of ["nothing.md", "..%2FCargo.toml", "protocol"]) {
    expect((await fetch(`${server.url}/docs/${path}`)).status, path).toBe(404);
  }
});

test("the inspector shows the feed's topic, and follows it", async ({ page, server }) => {
  await openLive(page, "/inspector");
  const { epoch, offset } = await publishes(server, 3);
  const mark = topic(page, "feed").locator("td[data-field=head]");
  const shown = async () => (await mark.textContent())!.split(":");
  expect((await shown())[0]).toBe(epoch);
  await expect.poll(async () => Number((await shown())[1])).toBeGreaterThanOrEqual(offset);
  await expect(topic(page, "feed")).toContainText("log");
  await expect(topic(page, "inspector")).toContainText("latest");
});

test("the inspector shows its own connection, and others as they come and go", async ({ context, page }) => {
  await openLive(page, "/inspector");
  await expect(connections(page)).toHaveCount(1);
  await expect(connections(page)).toContainText(/SSE.*127\.0\.0\.1.*inspector at [\d,]+/);
  const other = await context.newPage();
  await openLive(other);
  await expect(connections(page)).toHaveCount(2);
  await expect(connections(page).filter({ hasText: "feed at" })).toHaveCount(1);
  await other.close();
  await expect(connections(page)).toHaveCount(1);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, allowed: [PRELOADED] });

  test("the inspector is complete as it was rendered", async ({ page, server }) => {
    const { epoch } = await publishes(server, 1);
    await page.goto("/inspector");
    await expect(topic(page, "feed").locator("td[data-field=head]")).toHaveText(new RegExp(`^${epoch}:\\d+$`));
    await expect(page.locator(".figures")).toContainText("Streams");
  });
});

for (const settings of [{ TIDEMARK_INSPECTOR: "off" }, { LEPTOS_ENV: "PROD" }] as Env[]) {
  const named = Object.entries(settings)[0]!.join("=");

  test.describe(`with ${named}`, () => {
    test.use({ settings, allowed: [/^error: Failed to load resource: .* 404 \(Not Found\) \(.*\/inspector\)$/] });

    test(`with ${named} there is no inspector: no page, no link, no topic`, async ({ page, server }) => {
      const response = await page.goto("/inspector");
      expect(response!.status()).toBe(404);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("There is nothing here");
      await expect(page.getByRole("link", { name: "Inspector" })).toHaveCount(0);
      for (const path of ["snapshot", "head", "stream"]) {
        const answer = await fetch(`${server.url}/api/${path}?topic=inspector`);
        expect(answer.status, path).toBe(404);
        expect(await answer.json(), path).toMatchObject({ error: { code: "unknown-topic" } });
      }
      await openLive(page);
      await expect(page.getByRole("link", { name: "Inspector" })).toHaveCount(0);
    });
  });
}

test.describe("an address that leads nowhere", () => {
  test.use({ allowed: [/^error: Failed to load resource: .* 404 \(Not Found\) \(.*\/no\/such\/page\)$/] });

  test("it gets status 404, a page that says so, and a way on", async ({ page }) => {
    const response = await page.goto("/no/such/page");
    expect(response!.status()).toBe(404);
    await expect(page).toHaveTitle("Not found · Tidemark");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("There is nothing here");
    await page.getByRole("link", { name: "To the live feed" }).click();
    await connectionIs(page, "live");
  });
});

test("an address that leads nowhere beneath /api is answered in JSON", async ({ server }) => {
  const response = await fetch(`${server.url}/api/nothing`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ error: { code: "not-found" } });
  expect((await head(server)).offset, "and the server lives").toBeGreaterThanOrEqual(0);
});
