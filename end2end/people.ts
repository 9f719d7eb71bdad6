// Signing in as people do it.
import { expect, type Page } from "@playwright/test";

/** The path of a link as it is mailed to this address; in development the page shows it. */
export async function linkFor(page: Page, email: string): Promise<string> {
  await page.goto("/account");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Send me a link" }).click();
  const said = (await page.locator("p.notice[role=status]").textContent())!;
  return said.match(/http\S+token=[0-9a-f]{64}/)![0].replace(/^http:\/\/[^/]+/, "");
}

export async function signIn(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.locator("p.notice[role=status]")).toHaveText("You are signed in.");
}
