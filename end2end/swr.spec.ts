// The article's status component, unmodified but for the address, with npm's `swr` on an origin of its own: it polls a job
// of ours by the address that is shared, and stops when the job is done.
import { elsewhere } from "./elsewhere.ts";
import { expect, test } from "./fixtures.ts";

const component = (url: string) => `
  import { createElement as h } from "react";
  import { createRoot } from "react-dom/client";
  import useSWR from "swr";

  const fetcher = (url) => fetch(url).then((res) => res.json());

  function LiveStatus({ url }) {
    const { data, error, isLoading } = useSWR(url, fetcher, {
      refreshInterval: (job) => (job?.status === "completed" || job?.status === "failed" ? 0 : 2000),
    });
    if (error) return h("p", null, "failed to load");
    if (isLoading) return h("p", null, "loading");
    return h("p", null, data.status + ": " + data.progress + "%", data.result && h("a", { href: new URL(data.result, url) }, "result"));
  }

  createRoot(document.getElementById("root")).render(h(LiveStatus, { url: ${JSON.stringify(url)} }));`;

test("the article's component polls a job from another origin, and stops when it is done", async ({ page, start, allowed }) => {
  allowed.push(/404 \(Not Found\)/);
  const site = await elsewhere();
  // Jobs wait here until another process on the same data does them.
  const server = await start({ TIDEMARK_ALLOWED_ORIGINS: site.origin, TIDEMARK_JOBS__WORKERS: "0" });
  const key = await server.key("publish:job/*");
  const asked = await fetch(`${server.url}/api/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ kind: "export", input: { room: "lobby" } }),
  });
  expect(asked.status).toBe(202);
  const { id, shared } = await asked.json();
  expect(asked.headers.get("location")).toBe(`/api/jobs/${id}`);

  await site.show(component(server.url + shared));
  let answers = 0;
  page.on("response", (response) => (answers += response.url().endsWith(shared) ? 1 : 0));
  await page.goto(site.origin);
  await expect(page.getByText("queued: 0%")).toBeVisible();
  await start({ TIDEMARK_DATA_DIR: server.dataDir });
  await expect(page.getByText("completed: 100%")).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "result" }).click()]);
  expect(download.suggestedFilename()).toBe("lobby.md");
  const before = answers;
  // Longer than the interval at which it asked.
  await expect(page.waitForResponse((response) => response.url().endsWith(shared), { timeout: 4_500 })).rejects.toThrow(/Timeout/);
  expect(answers).toBe(before);

  // Without the capability there is nothing to be seen from there.
  const refused = await page.evaluate((url) => fetch(url).then((response) => response.status), `${server.url}/api/jobs/${id}`);
  expect(refused).toBe(404);
  site.close();
});
