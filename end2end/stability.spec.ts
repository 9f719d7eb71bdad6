// Nothing on the page moves by itself: not when events arrive, not over a cut, a pause or a restart.
import { expectRowsUnbroken, hasRows, publishes, reaches, rows } from "./feed.ts";
import { button, connectionIs, cutButton, expect, NETWORK_ERROR, openLive, type Page, reconnectButton, test } from "./fixtures.ts";

type Shift = { value: number; moved: string[] };

declare global {
  interface Window {
    shifts: Shift[];
  }
}

/** Notes every layout shift with what moved; those after a click too, which the usual figure (CLS) leaves out. */
async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    type Source = { node: Node | null; previousRect: DOMRect; currentRect: DOMRect };
    const name = (node: Node | null) => {
      const element = node instanceof Element ? node : node?.parentElement;
      return `${element?.localName}.${element?.className}`;
    };
    const moved = ({ node, previousRect: from, currentRect: to }: Source) =>
      JSON.stringify(from) === JSON.stringify(to) ? [] : [`${name(node)} from ${from.x},${from.y} to ${to.x},${to.y}`];
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; sources: Source[] })[]) {
        window.shifts.push({ value: entry.value, moved: entry.sources.flatMap(moved) });
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

/**
 * No box has moved. Chrome also counts text that is set flush right and got a digit more or less, though its box stays:
 * a few millionths each, which is nothing at the precision in which the figure is given.
 */
async function expectNothingMoved(page: Page): Promise<void> {
  const shifts = await page.evaluate(() => window.shifts);
  expect(shifts.flatMap((shift) => shift.moved)).toEqual([]);
  expect(shifts.reduce((sum, shift) => sum + shift.value, 0)).toBeLessThan(0.001);
}

for (const width of [1280, 390]) {
  test.describe(`${width} pixels wide`, () => {
    // High enough for the whole page: what is out of sight does not count as moved.
    test.use({ viewport: { width, height: 2400 } });

    test(`no layout shift while the page loads and events arrive, ${width} pixels wide`, async ({ page, server }) => {
      await watchShifts(page);
      await openLive(page);
      // More than the strip has cells.
      const { offset } = await reaches(server, 30);
      await expectRowsUnbroken(page, offset);
      await expectNothingMoved(page);
    });

    test(`no layout shift over a cut, a pause and their ends, ${width} pixels wide`, async ({ page, server }) => {
      await watchShifts(page);
      await openLive(page);
      await cutButton(page).click();
      await connectionIs(page, "cut");
      await publishes(server, 6);
      await expect(page.getByTestId("behind")).toHaveText(/behind$/);
      await reconnectButton(page).click();
      await expect(page.getByTestId("outcome")).toHaveText(/recovered/);
      await button(page, "Pause").click();
      await expect(page.getByText(/^([2-9]|\d\d+) events waiting$/)).toBeVisible();
      await button(page, "Resume").click();
      await expectRowsUnbroken(page, (await publishes(server, 4)).offset);
      await expectNothingMoved(page);
    });
  });
}

test.describe("over a restart", () => {
  test.use({ viewport: { width: 1280, height: 2400 }, allowed: [NETWORK_ERROR] });

  test("no layout shift when the server is killed and comes back", async ({ page, server }) => {
    await watchShifts(page);
    await openLive(page);
    await hasRows(page);
    await server.kill();
    await connectionIs(page, "reconnecting");
    await server.restart();
    await connectionIs(page, "live", 20_000);
    await expect(page.getByTestId("divider")).toBeVisible();
    const { offset } = await publishes(server, 4);
    await expect.poll(async () => (await rows(page))[0]?.offset ?? 0).toBeGreaterThanOrEqual(offset);
    await expectNothingMoved(page);
  });
});
