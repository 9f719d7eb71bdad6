// Gives short names to what a bundle's script and its WASM call of each other. wasm-bindgen's names end in sixteen random
// digits each, which stand in both files and which nothing compresses. wasm-opt renames them in the WASM, and prints what
// it has renamed to what; here the script follows. For releases only, see `build.mjs`.

/** The pass of wasm-opt: the last, so that it renames what has survived all others. */
export const RENAME = "--minify-imports-and-exports-and-modules";

/** The script with the new names. Fails where it is not as wasm-bindgen 0.2.130 writes it. */
export function shorten(script, printed) {
  const { imports, exports } = JSON.parse(printed);
  const modules = new Set(imports.map(([module]) => module));
  if (modules.size !== 1) throw new Error(`the WASM imports from ${[...modules]}, and not from its script alone`);
  const renamed = [...modules].map((module) => [`"${module}"`, '"a"']).concat(imports.map(([, name, short]) => [name, short]));
  for (const [name, short] of renamed) {
    const parts = script.split(name);
    if (parts.length !== 2) throw new Error(`the script names ${name} ${parts.length - 1} times, and not once`);
    script = parts.join(short);
  }
  const exported = new Map(exports);
  return script.replace(/\bwasm\.([\w$]+)/g, (_, name) => {
    if (!exported.has(name)) throw new Error(`the script calls ${name}, which the WASM does not export`);
    return `wasm.${exported.get(name)}`;
  });
}
