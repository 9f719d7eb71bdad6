// The assistant's page as tests see it.
import { type Page } from "@playwright/test";
import { connectionIs, expect } from "./fixtures.ts";
import type { Server } from "./server.ts";

/** The address of one that was begun. */
export const CONVERSATION = /\/assistant\/[0-9a-f]{32}$/;

export const field = (page: Page) => page.getByRole("textbox", { name: "Your question" });
export const answer = (page: Page, status: string) => page.locator(`.answer[data-status="${status}"]`);
export const act = (page: Page, name: string) => page.locator(".answer").last().getByRole("button", { name, exact: true });
export const pending = (page: Page) => page.locator(".question--pending");

/** Where one can ask something. */
export async function enter(page: Page, server: Server): Promise<void> {
  // The first page makes a person, who may ask from the second on.
  if (page.url() === "about:blank") await page.goto(server.url);
  await page.goto(`${server.url}/assistant`);
  await connectionIs(page, "live");
}

/** Asks something in the conversation that is shown, or begins one with it. The answer is on its way. */
export async function ask(page: Page, server: Server, question: string): Promise<void> {
  if (!CONVERSATION.test(page.url())) await enter(page, server);
  await field(page).fill(question);
  await field(page).press("Enter");
  await expect(page).toHaveURL(CONVERSATION);
  await expect(page.locator(".question:not(.question--pending)").last()).toContainText(question.slice(0, 20));
}
