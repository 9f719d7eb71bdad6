//! The addresses of what a page loads. A release build puts a hash into each name; `hash.txt` beside the binary says
//! which (cargo-leptos' format, and a line more for each bundle). Read once, at the start.

use anyhow::Context;
use leptos::prelude::LeptosOptions;

/// What a family of pages loads. In development, and where cargo-leptos has built a release, all load the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bundle {
    Main,
    Assistant,
    Inspector,
    Jobs,
    Rooms,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    pub css: String,
    main: Code,
    assistant: Option<Code>,
    inspector: Option<Code>,
    jobs: Option<Code>,
    rooms: Option<Code>,
}

/// A bundle's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub js: String,
    pub wasm: String,
}

impl Bundle {
    /// Of the page at this path.
    pub fn of(path: &str) -> Self {
        let mut parts = path.split('/').skip(1).filter(|part| !part.is_empty());
        match (parts.next(), parts.next()) {
            (Some("assistant"), _) => Self::Assistant,
            (Some("inspector"), _) => Self::Inspector,
            // The list of rooms is polled as jobs are; a room is not.
            (Some("jobs"), _) | (Some("rooms"), None) => Self::Jobs,
            (Some("rooms"), Some(_)) => Self::Rooms,
            _ => Self::Main,
        }
    }
}

impl Assets {
    pub fn find(options: &LeptosOptions) -> anyhow::Result<Self> {
        let hashes = if options.hash_files { read_hashes(options)? } else { String::new() };
        Ok(Self::named(&options.site_pkg_dir, &options.output_name, &hashes))
    }

    pub fn code(&self, bundle: Bundle) -> &Code {
        let own = match bundle {
            Bundle::Main => None,
            Bundle::Assistant => self.assistant.as_ref(),
            Bundle::Inspector => self.inspector.as_ref(),
            Bundle::Jobs => self.jobs.as_ref(),
            Bundle::Rooms => self.rooms.as_ref(),
        };
        own.unwrap_or(&self.main)
    }

    fn named(dir: &str, name: &str, hashes: &str) -> Self {
        let hash = |kind: &str| {
            let mut lines = hashes.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(key, _)| key.trim() == kind).map(|(_, hash)| format!(".{}", hash.trim()))
        };
        let path = |kind: &str| format!("/{dir}/{name}{}.{kind}", hash(kind).unwrap_or_default());
        let bundle = |bundle: &str| {
            let path =
                |kind: &str| Some(format!("/{dir}/{name}-{bundle}{}.{kind}", hash(&format!("{bundle}-{kind}"))?));
            Some(Code { js: path("js")?, wasm: path("wasm")? })
        };
        Self {
            css: path("css"),
            main: Code { js: path("js"), wasm: path("wasm") },
            assistant: bundle("assistant"),
            inspector: bundle("inspector"),
            jobs: bundle("jobs"),
            rooms: bundle("rooms"),
        }
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
        assert_eq!(plain.code(Bundle::Main).wasm, "/pkg/tidemark.wasm");
        assert_eq!(plain.code(Bundle::of("/rooms/lobby")), plain.code(Bundle::Main), "one for all");
        let hashed = Assets::named("pkg", "tidemark", "js: abc\nwasm: def\ncss: -g_h\nrooms-js: r\nrooms-wasm: s\n");
        assert_eq!(
            (&*hashed.code(Bundle::of("/")).js, &*hashed.css),
            ("/pkg/tidemark.abc.js", "/pkg/tidemark.-g_h.css")
        );
        assert_eq!(hashed.code(Bundle::of("/rooms/lobby")).wasm, "/pkg/tidemark-rooms.s.wasm");
        assert_eq!([Bundle::of("/rooms"), Bundle::of("/rooms/")], [Bundle::Jobs; 2], "the list is polled as jobs are");
        assert_eq!(hashed.code(Bundle::of("/inspector")).js, "/pkg/tidemark.abc.js");
    }
}
