// A page on an origin of its own, as another site has it: one script, which npm's own libraries are bundled into.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";

const PAGE = `<!doctype html><meta charset="utf-8"><title>Elsewhere</title><link rel="icon" href="data:,"><div id="root"></div><script src="/app.js"></script>`;

/** Serves a page whose script is the one that is given to `show`. */
export async function elsewhere() {
  let script = "";
  const site = createServer((request, response) => {
    const [type, body] = request.url === "/app.js" ? ["text/javascript", script] : ["text/html", PAGE];
    response.setHeader("content-type", `${type}; charset=utf-8`).end(body);
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  return {
    origin: `http://127.0.0.1:${(site.address() as AddressInfo).port}`,
    async show(contents: string): Promise<void> {
      const built = await build({
        stdin: { contents, resolveDir: import.meta.dirname ?? "." },
        bundle: true,
        write: false,
        define: { "process.env.NODE_ENV": '"production"' },
      });
      script = built.outputFiles[0].text;
    },
    close(): void {
      site.closeAllConnections();
      site.close();
    },
  };
}
