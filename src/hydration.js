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
const module = await import("{js}");
await module.default({ module_or_path: "{wasm}" });
module.hydrate();
await walk(document.body, module);
document.documentElement.dataset.hydrated = "";
