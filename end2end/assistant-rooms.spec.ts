// `@assistant` in a room, with no key at all: two people see the guide's answer grow, and find it whole.
import { type BrowserContext, type Page } from "@playwright/test";
import { expect, openLive, test } from "./fixtures.ts";

const field = (page: Page) => page.getByRole("textbox", { name: /message/ });
const log = (page: Page) => page.getByRole("log", { name: "Messages" });
const answer = (page: Page) => log(page).locator(".message").filter({ hasText: /^Assistant/ });
const text = (page: Page) => answer(page).locator(".message__text").last();

async function enter(page: Page): Promise<void> {
  // The first page makes a person, who may write from the second on.
  if (page.url() === "about:blank") await page.goto("/");
  await openLive(page, "/rooms/lobby");
}

const another = async (context: BrowserContext, url: string): Promise<Page> =>
  (await context.browser()!.newContext({ baseURL: url })).newPage();

/** All the texts that this page's answer has had from now on. */
async function watch(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen: string[] = ((window as any).seen = []);
    const look = () => {
      const shown = [...document.querySelectorAll(".message")].find((line) => line.textContent!.startsWith("Assistant"));
      const words = shown?.querySelector(".message__text")?.textContent;
      if (words && words !== seen.at(-1)) seen.push(words);
    };
    new MutationObserver(look).observe(document.querySelector(".chat__messages")!, { childList: true, subtree: true });
  });
  return () => page.evaluate(() => (window as any).seen as string[]);
}

async function ask(page: Page): Promise<void> {
  await expect(field(page)).toHaveAttribute("placeholder", /ask @assistant/);
  await field(page).fill("@assistant, what does a reset mean?");
  await field(page).press("Enter");
}

test("one asks, and both see the answer grow and end", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  const seen = [await watch(page), await watch(other)];
  await ask(page);
  await expect(log(other).locator(".message__mention").first()).toHaveText("@assistant");
  for (const person of [page, other]) {
    await expect(text(person)).toContainText("This is search, not a model.", { timeout: 20_000 });
    await expect(person.locator('.message[aria-busy="true"]')).toHaveCount(0);
    await expect(answer(person)).toHaveCount(1);
    await expect(answer(person)).not.toContainText("edited");
    await expect(answer(person).locator(".message__bot")).toHaveText("bot");
  }
  expect(await text(page).textContent()).toBe(await text(other).textContent());
  for (const look of seen) {
    const texts = await look();
    expect(texts.length, "it grew").toBeGreaterThan(10);
    // Each is what was there before and more; only the end may be put in order.
    texts.slice(1, -1).forEach((now, at) => expect(texts[at] === "…" || now.startsWith(texts[at]), now).toBe(true));
  }
  await other.context().close();
});

test("a page that is loaded in the middle of an answer shows it whole in the end", async ({ page, context, server }) => {
  const other = await another(context, server.url);
  await enter(page);
  await enter(other);
  await ask(page);
  await expect(text(page)).toContainText("From the documentation:");
  await page.reload();
  await expect(text(page)).toContainText("This is search, not a model.", { timeout: 20_000 });
  await expect(text(other)).toContainText("This is search, not a model.", { timeout: 20_000 });
  await expect(page.locator('.message[aria-busy="true"]')).toHaveCount(0);
  expect(await text(page).textContent()).toBe(await text(other).textContent());
  await page.reload();
  expect(await text(page).textContent()).toBe(await text(other).textContent());
  await other.context().close();
});
