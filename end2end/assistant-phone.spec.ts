// The assistant on a phone: a whole round with one thumb, in which nothing is wider than the screen, too small to be touched or
// lies over where one types. The test writes the answer itself.
import { type Locator, type Page } from "@playwright/test";
import { answer, CONVERSATION, enter, field } from "./assistant.ts";
import { connectionIs, expect, test } from "./fixtures.ts";

const SCREEN = { width: 390, height: 844 };

test.use({ hasTouch: true, isMobile: true, viewport: SCREEN });

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const talks = (page: Page) => page.getByRole("navigation", { name: "Conversations" });

/** What one has asked is folded: shows it. */
async function unfold(page: Page): Promise<void> {
  await expect(talks(page)).toBeHidden();
  await page.getByText("Conversations", { exact: true }).tap();
  await expect(talks(page)).toBeVisible();
}

/** Nothing is wider than the screen, and all that can be touched is at least 24 pixels wide and high (WCAG 2.5.8). */
async function expectFits(page: Page, where: string): Promise<void> {
  const { over, small } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const all = document.querySelectorAll("a[href], button, summary, select, textarea, input:not([type=hidden])");
    const shown = [...all].filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }));
    const boxes = shown.map((element) => ({ element, box: element.getBoundingClientRect() }));
    const small = boxes.filter(({ box }) => box.width < 24 || box.height < 24);
    return {
      over: scrollWidth - clientWidth,
      small: small.map(({ element, box }) => `${box.width} × ${box.height}: ${element.outerHTML.slice(0, 80)}`),
    };
  });
  expect(over, `${where}: wider than the screen`).toBeLessThanOrEqual(0);
  expect(small, `${where}: too small for a finger`).toEqual([]);
  expect(await page.evaluate(() => innerWidth), `${where}: not made smaller to fit`).toBe(SCREEN.width);
}

/** All of it is on the screen, and nothing lies over it. */
async function expectInReach(control: Locator): Promise<void> {
  const inReach = () =>
    control.evaluate((element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const [x, y] = [(left + right) / 2, (top + bottom) / 2];
      const points = [[x, y], [left + 2, y], [right - 2, y], [x, top + 2], [x, bottom - 2]];
      const isOnScreen = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
      return isOnScreen && points.every(([x, y]) => element.contains(document.elementFromPoint(x!, y!)));
    });
  // What has grown is followed a moment later.
  await expect.poll(inReach, { message: "it can be touched" }).toBe(true);
}

test("one asks, reads, stops, looks up, renames and deletes with a thumb, and all of it fits", async ({ page, start, script }) => {
  const server = await start(script.settings);
  await enter(page, server);
  await expectFits(page, "where one asks");
  await expectInReach(field(page));
  await field(page).tap();
  await field(page).fill("How high is the tide?");
  await expectInReach(button(page, "Send"));
  await button(page, "Send").tap();
  await expect(page).toHaveURL(CONVERSATION);
  await connectionIs(page, "live");

  const pen = await script.next();
  const cells = (text: string) => `| ${Array(8).fill(text).join(" | ")} |\n`;
  const wide = cells("a place") + cells("---") + cells("on the pier");
  for (const [piece, shown] of [
    ["It is high.\n\n", "It is high."],
    [`${"A paragraph of some length. ".repeat(12)}\n\n`.repeat(4), "A paragraph"],
    [`${wide}\n\`\`\`rust\nlet tide = "${"high ".repeat(40)}";\n`, "let tide"],
    [`\`\`\`\n\n${"unbroken".repeat(30)}\n\nSo far.`, "So far."],
  ]) {
    pen.write(piece);
    await expect(answer(page, "running")).toContainText(shown);
    await expect(page.getByText("Writing …")).toBeInViewport();
    await expectInReach(field(page));
    await expectInReach(button(page, "Stop"));
    await expectFits(page, `while it is written: ${shown}`);
  }
  expect(await page.evaluate(() => document.documentElement.scrollHeight), "it is longer than the screen").toBeGreaterThan(2 * SCREEN.height);
  await button(page, "Stop").tap();
  await expect(page.getByText("You stopped this answer.")).toBeVisible();
  await expect.poll(() => pen.gone, { message: "the model is let go" }).toBe(true);
  await expectFits(page, "when it is stopped");
  await expectInReach(field(page));

  await unfold(page);
  await expectFits(page, "what one has asked");
  await talks(page).getByLabel("Rename or delete: How high is the tide?").tap();
  await expectFits(page, "what can be done with one");
  await talks(page).getByRole("textbox", { name: "What it is called" }).fill("Tides");
  await talks(page).getByRole("button", { name: "Rename" }).tap();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Tides");
  await connectionIs(page, "live");
  await expectFits(page, "when it is renamed");

  await unfold(page);
  await talks(page).getByRole("searchbox").fill("high");
  await talks(page).getByRole("button", { name: "Search" }).tap();
  await expect(talks(page).getByRole("link", { name: "Show all" })).toBeVisible();
  await expectFits(page, "what was found");
  await talks(page).getByRole("link", { name: "New conversation" }).tap();
  await expect(page).toHaveURL(/\/assistant$/);
  await expect(talks(page)).toBeHidden();
  await page.goBack();
  await expect(page).toHaveURL(/\/assistant\/[0-9a-f]{32}\?q=high$/);
  await expect(answer(page, "stopped")).toContainText("So far.");
  await connectionIs(page, "live");
  await talks(page).getByRole("link", { name: "Show all" }).tap();
  await expect(page).toHaveURL(CONVERSATION);
  await connectionIs(page, "live");
  await expectInReach(field(page));
  await expectFits(page, "back in it");

  await unfold(page);
  await talks(page).getByLabel("Rename or delete: Tides").tap();
  await talks(page).getByText("Delete …").tap();
  await expectFits(page, "before it is deleted");
  await talks(page).getByRole("button", { name: "Delete it for good" }).tap();
  await expect(page).toHaveURL(/\/assistant$/);
  await unfold(page);
  await expect(talks(page).getByText("Nothing asked yet.")).toBeVisible();
});
