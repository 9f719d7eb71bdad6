// The feed on one page: what the server rendered, what arrives, pausing, and that nothing moves.
import { expectRowsUnbroken, expectUnbroken, hasRows, head, heardEvents, mark, ownMark, publishes, reaches, record, rows } from "./feed.ts";
import { button, connectionIs, cutButton, expect, holdWasm, openLive, PRELOADED, reconnectButton, test } from "./fixtures.ts";

test("events arrive by themselves, each once and in order", async ({ page, server }) => {
  await record(page);
  await openLive(page);
  const { offset } = await publishes(server, 6);
  await expectRowsUnbroken(page, offset);
  expectUnbroken(await heardEvents(page));
  await expect(page.getByTestId("behind")).toHaveText("up to date");
});

test("the newest row, the strip's mark and the figures say the same", async ({ page }) => {
  await openLive(page);
  await hasRows(page);
  const shown = () =>
    page.evaluate(() => ({
      mark: document.querySelector<HTMLElement>("[data-testid=mark]")!.dataset.mark,
      row: ((row) => `${row.epoch}:${row.offset}`)(document.querySelector<HTMLElement>("tr[data-offset]")!.dataset),
    }));
  const first = await shown();
  expect(first.row).toBe(first.mark);
  await expect.poll(async () => (await shown()).mark).not.toBe(first.mark);
  const second = await shown();
  expect(second.row).toBe(second.mark);
});

test("a page that is hydrated late goes on exactly where it was rendered", async ({ page, server }) => {
  await record(page);
  const release = await holdWasm(page);
  await page.goto("/", { waitUntil: "commit" });
  await expect(cutButton(page)).toBeDisabled();
  const rendered = await ownMark(page);
  const { offset } = await publishes(server, 5);
  expect(mark(await ownMark(page)), "nothing moves before hydration").toBe(mark(rendered));
  release();
  await connectionIs(page, "live");
  await expectRowsUnbroken(page, offset);
  const heard = await heardEvents(page);
  expect(mark(heard[0]!)).toBe(mark({ ...rendered, offset: rendered.offset + 1 }));
  expectUnbroken(heard);
});

test("two tabs read the same feed, and cutting one leaves the other live", async ({ context, page, server }) => {
  const other = await context.newPage();
  await openLive(page);
  await openLive(other);
  await cutButton(page).click();
  await connectionIs(page, "cut");
  const { offset } = await publishes(server, 3);
  await expectRowsUnbroken(other, offset);
  await connectionIs(other, "live");
  expect((await ownMark(page)).offset).toBeLessThan(offset);
});

test("a pause holds the rows still and counts what waits; resuming shows all of it", async ({ page, server }) => {
  await openLive(page);
  await publishes(server, 2);
  await button(page, "Pause").click();
  await expect(button(page, "Resume")).toHaveAttribute("aria-pressed", "true");
  const held = (await rows(page))[0]!;
  const waiting = page.getByText(/^\d+ events? waiting$/);
  await expect.poll(async () => Number.parseInt((await waiting.textContent()) ?? "")).toBeGreaterThanOrEqual(4);
  expect(mark((await rows(page))[0]!)).toBe(mark(held));
  // One look at the page: how far the tab has read, less what it shows, is what waits.
  const [count, read] = await page.evaluate(() => [
    Number.parseInt(document.querySelector(".live-feed__held")!.textContent!),
    Number(document.querySelector<HTMLElement>("[data-testid=mark]")!.dataset.mark!.split(":")[1]),
  ]);
  expect(count).toBe(read! - held.offset);
  await button(page, "Resume").click();
  await expect(waiting).toHaveCount(0);
  await expectRowsUnbroken(page, held.offset + count!);
  expect((await rows(page)).map(mark)).toContain(mark(held));
});

test("a pause that spans a cut misses nothing either", async ({ page, server }) => {
  await openLive(page);
  await button(page, "Pause").click();
  await cutButton(page).click();
  await connectionIs(page, "cut");
  await publishes(server, 4);
  await reconnectButton(page).click();
  await connectionIs(page, "live");
  await expect(page.getByText(/^([4-9]|\d\d+) events waiting$/)).toBeVisible();
  await button(page, "Resume").click();
  await expectRowsUnbroken(page, (await head(server)).offset);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, allowed: [PRELOADED] });

  test("the page shows as many rows as there are, complete", async ({ page, server }) => {
    await reaches(server, 3);
    await page.goto("/");
    const shown = await rows(page);
    expect(shown.length).toBe(shown[0]!.offset);
    expectUnbroken(shown.reverse());
    await expect(page.locator("tr[data-offset] td").first()).toHaveText(/^\d\d:\d\d:\d\d$/);
    await expect(page.getByText("Time (UTC)")).toBeVisible();
    await expect(page.locator(".figures")).toContainText(/Memory\s*\d+\.\d [kMG]B/);
    await expect(cutButton(page)).toBeDisabled();
  });

  test("the page shows the newest fifty rows once there are more", async ({ page, server }) => {
    const { offset } = await reaches(server, 53);
    await page.goto("/");
    const shown = await rows(page);
    expect(shown.length).toBe(50);
    expect(shown[0]!.offset).toBeGreaterThanOrEqual(offset);
    expectUnbroken(shown.reverse());
  });
});
