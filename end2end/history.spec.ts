// Going back to a page that the browser kept in its back-forward cache: it gave its connection up when it was left,
// and reads on from its mark when it is shown again.
import { expectRowsUnbroken, expectUnbroken, heardEvents, publishes, record, sources } from "./feed.ts";
import { connectionIs, expect, openLive, test } from "./fixtures.ts";

// Playwright switches the cache off unless told; a browser of its own, then.
const cached = test.extend<{}, {}>({
  launchOptions: [
    async ({ launchOptions }, use) => use({ ...launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] }),
    { scope: "worker" },
  ],
});

cached("a page from the back-forward cache reads on from its mark", async ({ page, server }) => {
  await record(page);
  await page.addInitScript(() => {
    window.addEventListener("pageshow", (event) => (document.documentElement.dataset.restored = String(event.persisted)));
  });
  await openLive(page);
  await publishes(server, 2);
  await page.getByRole("link", { name: "Inspector" }).click();
  await connectionIs(page, "live");
  const { offset } = await publishes(server, 5);
  await page.evaluate(() => history.back());
  await expect(page.locator("html")).toHaveAttribute("data-restored", "true");
  await connectionIs(page, "live");
  await expectRowsUnbroken(page, offset);
  expectUnbroken(await heardEvents(page));
  expect(await sources(page), "one connection before, one after").toBe(2);
});

test("a page that is put away closes its connection and opens it when it is shown again", async ({ page, server }) => {
  await record(page);
  await openLive(page);
  const tell = (name: string) =>
    page.evaluate((name) => window.dispatchEvent(new PageTransitionEvent(name, { persisted: true })), name);
  await tell("pagehide");
  await connectionIs(page, "idle");
  await publishes(server, 4);
  expect(await sources(page), "nothing opens it meanwhile").toBe(1);
  await tell("pageshow");
  await connectionIs(page, "live");
  expect(await sources(page)).toBe(2);
  await expectRowsUnbroken(page, (await publishes(server, 2)).offset);
  expectUnbroken(await heardEvents(page));
});
