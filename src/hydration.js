// Loads the WASM, then hydrates every island in document order. `$$on_hydrate` is how leptos hands an island the
// children that the server rendered inside it.
const children = [];
async function walk(node, module) {
  if (node.localName === "leptos-island") {
    children.at(-1)?.();
    await module[node.dataset.component]?.(node);
  }
  const inside = node.localName === "leptos-children";
  if (inside) children.push(node.$$on_hydrate);
  for (const child of node.children) await walk(child, module);
  if (inside) children.pop();
}
// A network that fails in the middle, a server that restarts just now: what did not come is asked for again, a little
// later each time. (With another address: browsers remember a module that failed.) Until then the page is as rendered.
async function load(tries) {
  try {
    const module = await import(`{js}${tries ? `?again=${tries}` : ""}`);
    await module.default({ module_or_path: "{wasm}" });
    return module;
  } catch (error) {
    if (tries === 8) throw error;
    await new Promise((resolve) => setTimeout(resolve, (0.5 + Math.random()) * 500 * 2 ** tries));
    return load(tries + 1);
  }
}
const module = await load(0);
module.hydrate();
await walk(document.body, module);
document.documentElement.dataset.hydrated = "";
