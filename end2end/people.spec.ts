// Who people are, what they are told, and what they let programs do.
import { connectionIs, expect, NETWORK_ERROR, openLive, type Page, PRELOADED, test } from "./fixtures.ts";
import { linkFor, signIn } from "./people.ts";

const person = (page: Page) => page.locator(".masthead__person");
const bell = (page: Page) => page.getByRole("link", { name: /^Notifications/ });
const status = (page: Page) => page.locator("p.notice[role=status]");

const name = async (page: Page) => (await person(page).textContent())!.replace("You are ", "");

/** The topic of the notifications of whoever looks at the page. */
const topicOf = (page: Page) => page.locator("#bell-seed").evaluate((seed) => JSON.parse(seed.textContent!).topic as string);

async function rename(page: Page, to: string): Promise<void> {
  await page.goto("/account");
  await page.getByLabel("Name").fill(to);
  await page.getByRole("button", { name: "Change name" }).click();
}

async function makeKey(page: Page, grants: string): Promise<string> {
  await page.goto("/account");
  await page.getByLabel("What it is for").fill("a test");
  await page.getByLabel(/^What it may do/).fill(grants);
  await page.getByRole("button", { name: "Make a key" }).click();
  await expect(status(page).filter({ hasText: "tmk_" })).toBeVisible();
  return (await status(page).filter({ hasText: "tmk_" }).textContent())!.match(/tmk_[0-9a-f]{48}/)![0];
}

const publish = (page: Page, server: { url: string }, topic: string, key: string, text: string) =>
  fetch(`${server.url}/api/topics/${topic}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ type: "Deployed", data: { text, link: "/account" } }),
  });

test.describe("with a server that restarts", () => {
  test.use({ allowed: [NETWORK_ERROR] });

  test("a visitor has a name and a colour from the first page on, and keeps them", async ({ page, server }) => {
    await openLive(page);
    const given = await name(page);
    expect(given).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+ \d\d$/);
    await page.reload();
    expect(await name(page)).toBe(given);
    await server.restart();
    await page.reload();
    expect(await name(page)).toBe(given);
  });
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled, allowed: javaScriptEnabled ? [] : [PRELOADED] });

    test("a name is changed, and stays", async ({ page }) => {
      await page.goto("/");
      await rename(page, "  Ada   Lovelace ");
      await expect(person(page)).toHaveText("You are Ada Lovelace");
      await page.goto("/");
      await expect(person(page)).toHaveText("You are Ada Lovelace");
    });

    test("names that cannot be are refused in words", async ({ page, browser, server }) => {
      await page.goto("/");
      await rename(page, "Grace");
      const other = await (await browser.newContext({ javaScriptEnabled, baseURL: server.url })).newPage();
      await other.goto("/");
      const before = await name(other);
      for (const [bad, words] of [
        ["Gracе", "Somebody has that name already, or one that looks the same."],
        ["admin", "That name is reserved."],
        ["a\u202eb", /^A name cannot hold this character/],
        ["---", "A name needs at least one letter or digit."],
      ] as const) {
        await rename(other, bad);
        await expect(status(other).first()).toHaveText(words);
        expect(await name(other)).toBe(before);
      }
      await other.context().close();
    });

    test("what one is told is listed, and marked as read by a button and nothing else", async ({ page, server }) => {
      await page.goto("/");
      await page.goto("/account");
      const topic = await topicOf(page);
      const key = await makeKey(page, `publish:${topic}`);
      expect((await publish(page, server, topic, key, "Version 2 is live")).status).toBe(201);
      await page.goto("/notifications");
      await expect(page.getByRole("listitem").filter({ hasText: "Version 2 is live" })).toContainText("new · Deployed");
      await page.reload();
      await expect(bell(page)).toContainText("1 unread");
      await page.getByRole("button", { name: "Mark all as read" }).click();
      await expect(page.getByRole("button", { name: "Mark all as read" })).toHaveCount(0);
      await expect(bell(page)).not.toContainText("unread");
      await page.getByRole("link", { name: "Version 2 is live" }).click();
      await expect(page).toHaveURL(/\/account$/);
    });
  });
}

test("the bell rings in all tabs at once, and is still in all tabs when one has read", async ({ context, page, server }) => {
  await openLive(page);
  const topic = await topicOf(page);
  const key = await makeKey(page, `publish:${topic}`);
  await openLive(page);
  const other = await context.newPage();
  await openLive(other);
  for (const number of [1, 2]) {
    await publish(page, server, topic, key, `Number ${number}`);
    for (const tab of [page, other]) await expect(bell(tab)).toContainText(`${number} unread`);
  }
  const reading = await context.newPage();
  await reading.goto("/notifications");
  await reading.getByRole("button", { name: "Mark all as read" }).click();
  for (const tab of [page, other, reading]) await expect(bell(tab)).not.toContainText("unread");
  await connectionIs(page, "live");
});

test("the list of notifications is as live as the bell above it", async ({ context, page, server }) => {
  await openLive(page);
  const topic = await topicOf(page);
  const key = await makeKey(page, `publish:${topic}`);
  await page.goto("/notifications");
  const items = page.getByRole("listitem").filter({ hasText: "Deployed" });
  await expect(items).toHaveCount(0);
  for (const number of [1, 2]) {
    await publish(page, server, topic, key, `Number ${number}`);
    await expect(items).toHaveCount(number);
    await expect(items.first()).toContainText(`Number ${number}`);
  }
  const other = await context.newPage();
  await other.goto("/notifications");
  await other.getByRole("button", { name: "Mark all as read" }).click();
  await expect(page.getByRole("button", { name: "Mark all as read" })).toHaveCount(0);
  await expect(items.filter({ hasText: "new ·" })).toHaveCount(0);
});

test("a notification that comes while the tab is cut is there when it is back", async ({ page, server }) => {
  await openLive(page);
  const topic = await topicOf(page);
  const key = await makeKey(page, `publish:${topic}`);
  await openLive(page);
  await page.getByRole("button", { name: "Cut my connection" }).click();
  await connectionIs(page, "cut");
  await publish(page, server, topic, key, "While you were away");
  await expect(bell(page)).not.toContainText("unread");
  await page.getByRole("button", { name: "Reconnect" }).click();
  await expect(bell(page)).toContainText("1 unread");
});

test("signing out everywhere ends the other tabs' streams, and makes one somebody else", async ({ context, page }) => {
  await openLive(page);
  const before = await name(page);
  const other = await context.newPage();
  await other.goto("/account");
  await other.getByRole("button", { name: "Sign out everywhere" }).click();
  await connectionIs(page, "refused");
  await expect(page.locator("[data-connection]").first()).toContainText("you have signed out");
  await openLive(page);
  expect(await name(page)).not.toBe(before);
});

for (const path of ["/", "/rooms/lobby"]) {
  test(`two tabs of a first visit to ${path} end up live, as one person`, async ({ context, page }) => {
    const other = await context.newPage();
    await Promise.all([page.goto(path), other.goto(path)]);
    // The cookie of one of them stays. The other is told that it is nobody's any more, and loads itself anew.
    await expect(async () => {
      for (const tab of [page, other]) await connectionIs(tab, "live");
      expect(await name(page)).toBe(await name(other));
    }).toPass();
  });
}

test("a key that was revoked on the page is worth nothing", async ({ page, server }) => {
  await page.goto("/");
  await page.goto("/account");
  const topic = `${(await topicOf(page)).replace("user/", "channel/")}/orders`;
  const key = await makeKey(page, `publish:${topic}`);
  expect((await publish(page, server, topic, key, "x")).status).toBe(201);
  await page.goto("/account");
  await expect(page.getByText(key)).toHaveCount(0);
  await page.getByRole("button", { name: "Revoke a test" }).click();
  await expect(page.getByRole("cell", { name: "revoked" })).toBeVisible();
  expect((await publish(page, server, topic, key, "x")).status).toBe(401);
});

test("a key cannot be made for what is somebody else's", async ({ page }) => {
  await page.goto("/");
  await page.goto("/account");
  await page.getByLabel("What it is for").fill("a test");
  await page.getByLabel(/^What it may do/).fill("read:user/*");
  await page.getByRole("button", { name: "Make a key" }).click();
  await expect(status(page).first()).toContainText("You may grant reading channels, publishing to your own");
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "links, with JavaScript" : "links, without JavaScript", () => {
    test.use({ javaScriptEnabled, allowed: javaScriptEnabled ? [] : [PRELOADED] });

    test("a mailed link keeps a person over devices", async ({ page, browser, server }) => {
      await page.goto("/");
      await rename(page, "Ada");
      await signIn(page, await linkFor(page, "ada@example.com"));
      await expect(person(page)).toHaveText("You are Ada");
      const other = await (await browser.newContext({ javaScriptEnabled, baseURL: server.url })).newPage();
      await other.goto("/");
      expect(await name(other)).not.toBe("Ada");
      await signIn(other, await linkFor(other, "ada@example.com"));
      await expect(person(other)).toHaveText("You are Ada");
      await expect(other.getByText("You are known as ada@example.com")).toBeVisible();
      await other.context().close();
    });

    test("a code on the screen brings the session to a phone, once", async ({ page, browser, server }) => {
      await page.goto("/");
      await rename(page, "Grace");
      await page.getByRole("button", { name: "Show a code for my phone" }).click();
      await expect(page.locator(".qr-code svg")).toBeVisible();
      const link = (await page.getByText(/sign-in\?token=/).textContent())!.replace(/^http:\/\/[^/]+/, "");
      for (const [number, words] of [[1, "You are Grace"], [2, "used already"]] as const) {
        const phone = await (await browser.newContext({ javaScriptEnabled, baseURL: server.url })).newPage();
        await phone.goto(link);
        if (number === 1) await phone.getByRole("button", { name: "Sign in" }).click();
        await expect(phone.locator("body")).toContainText(words);
        await phone.context().close();
      }
    });
  });
}
