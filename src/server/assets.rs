//! The addresses of what a page loads. A release build puts a hash into each name; `hash.txt` beside the binary says
//! which (cargo-leptos' format). Read once, at the start.

use anyhow::Context;
use leptos::prelude::LeptosOptions;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    pub js: String,
    pub wasm: String,
    pub css: String,
}

impl Assets {
    pub fn find(options: &LeptosOptions) -> anyhow::Result<Self> {
        let hashes = if options.hash_files { read_hashes(options)? } else { String::new() };
        Ok(Self::named(&options.site_pkg_dir, &options.output_name, &hashes))
    }

    fn named(dir: &str, name: &str, hashes: &str) -> Self {
        let hash = |kind: &str| {
            let mut lines = hashes.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(key, _)| key.trim() == kind).map(|(_, hash)| format!(".{}", hash.trim())).unwrap_or_default()
        };
        let path = |kind: &str| format!("/{dir}/{name}{}.{kind}", hash(kind));
        Self { js: path("js"), wasm: path("wasm"), css: path("css") }
    }
}

fn read_hashes(options: &LeptosOptions) -> anyhow::Result<String> {
    let beside = std::env::current_exe()?.with_file_name(&*options.hash_file);
    std::fs::read_to_string(&beside).with_context(|| format!("LEPTOS_HASH_FILES is on, but {}", beside.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_hashes_where_there_are_any() {
        let plain = Assets::named("pkg", "tidemark", "");
        assert_eq!(plain.wasm, "/pkg/tidemark.wasm");
        let hashed = Assets::named("pkg", "tidemark", "js: abc\nwasm: def\ncss: -g_h\n");
        assert_eq!((&*hashed.js, &*hashed.css), ("/pkg/tidemark.abc.js", "/pkg/tidemark.-g_h.css"));
    }
}
