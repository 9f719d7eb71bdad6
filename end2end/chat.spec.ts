// The article's own reader of `/api/chat`, unmodified: fetch, a reader, `data: ` lines, `[DONE]`. With no key at all.
import { expect, test } from "./fixtures.ts";

/** The article's client code, with the address filled in. */
async function articlesClient(api: string, question: string): Promise<{ text: string; pieces: number }> {
  const response = await fetch(`${api}/api/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: question }] }),
  });
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let pieces = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    for (const line of decoder.decode(value).split("\n")) {
      if (!line.startsWith("data: ")) continue;
      const data = line.slice(6);
      if (data === "[DONE]") return { text, pieces };
      text += JSON.parse(data).text;
      pieces++;
    }
  }
  throw new Error("it ended without [DONE]");
}

test("the article's client reads an answer as it is written, and the guide says that it is no model", async ({ server }) => {
  const { text, pieces } = await articlesClient(server.url, "What does a reset mean?");
  expect(text).toContain("From the documentation:");
  expect(text).toContain("([docs/protocol.md](/docs/protocol.md#");
  expect(text).toContain("This is search, not a model.");
  expect(pieces).toBeGreaterThan(20);
});

test("a page of an allowed origin may ask, and one of another may not", async ({ page, start, allowed }) => {
  allowed.push(/blocked by CORS policy/, /net::ERR_FAILED/, /403 \(Forbidden\)/);
  const elsewhere = await start();
  const [open, closed] = [await start({ TIDEMARK_ALLOWED_ORIGINS: elsewhere.url }), await start()];
  await page.goto(elsewhere.url + "/favicon.svg");
  const ask = (url: string) =>
    page.evaluate((url) => {
      const body = JSON.stringify({ messages: [{ role: "user", content: "resume" }] });
      const asked = fetch(`${url}/api/chat`, { method: "POST", headers: { "content-type": "application/json" }, body });
      return asked.then((response) => response.text(), () => "refused");
    }, url);
  expect(await ask(open.url)).toContain("data: [DONE]");
  expect(await ask(closed.url)).toBe("refused");
});

test("a drain ends an answer in the middle, and the server stops", async ({ server }) => {
  const body = JSON.stringify({ messages: [{ role: "user", content: "resume a stream of a topic" }] });
  const response = await fetch(`${server.url}/api/chat`, { method: "POST", body });
  const reader = response.body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toContain("data: ");
  const { code, ms } = await server.stop();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(4_000);
});
