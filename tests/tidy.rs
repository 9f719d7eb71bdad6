//! The habits of this code base, as far as a test can hold them: who may import whom, where `cfg` may stand, that every
//! module says what it is for. Lengths are a warning: `make check` prints them, and nothing fails.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A room, and the rooms of ours that it may name. The first row whose prefix fits counts.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("wire/", &["wire"]),
    ("error.rs", &[]),
    ("client/", &["client", "wire", "error"]),
    ("api/", &["api", "wire", "error", "server"]),
    ("components/", &["components", "client", "api", "wire", "error"]),
    ("pages/", &["pages", "app", "components", "api", "server", "wire", "error"]),
    ("app.rs", &["pages", "components", "server", "wire"]),
    ("server/topics/", &["server::topics", "server::store", "wire"]),
    ("server/store/", &["server::store", "wire"]),
    ("server/model/", &["server::model"]),
    ("server/jobs/", &["server::jobs", "server::store", "wire"]),
    (
        "server/features/",
        &[
            "server::features",
            "server::connections",
            "server::door",
            "server::jobs",
            "server::markdown",
            "server::model",
            "server::rate_limit",
            "server::store",
            "server::topics",
            "server::state",
            // What an answer may use is handed to it; tools themselves are built on features.
            "server::tools",
            "wire",
            "error",
        ],
    ),
    ("server/transports/", &["server", "wire", "error"]),
    // What boots the rest may see all of it.
    ("server/router.rs", &["server", "app", "wire", "error"]),
    // What a page's masthead starts from is found out together with who looks at it.
    ("server/session/", &["server", "components::bell", "wire", "error"]),
    ("server/", &["server", "wire", "error"]),
];

const CEILING: usize = 300;

#[test]
fn rooms_import_only_what_they_may() {
    let mut strays = Vec::new();
    for (path, text) in sources("src") {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(prefix, _)| path.starts_with(prefix)) else { continue };
        for (line, name) in imports(&text) {
            let fits = |room: &&str| name == **room || name.starts_with(&format!("{room}::"));
            if !allowed.iter().any(fits) {
                strays.push(format!("src/{path}:{line} names crate::{name}"));
            }
        }
    }
    assert!(strays.is_empty(), "imports against the rule of docs/ARCHITECTURE.md:\n{}", strays.join("\n"));
}

#[test]
fn cfg_of_a_feature_stands_in_lib_and_main_only() {
    let strays: Vec<_> = sources("src")
        .into_iter()
        // The list of the islands says which bundle each belongs to.
        .filter(|(path, _)| !["lib.rs", "main.rs", "components/mod.rs"].contains(&path.as_str()))
        .filter(|(_, text)| text.lines().any(|line| line.contains("cfg") && line.contains("feature =")))
        .map(|(path, _)| path)
        .collect();
    assert!(strays.is_empty(), "cfg(feature …) outside lib.rs and main.rs: {strays:?}");
}

#[test]
fn every_file_opens_with_its_purpose() {
    let all = ["src", "tests", "benches"].map(sources).concat();
    let silent: Vec<_> = all.iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "files without `//!`: {silent:?}");
}

#[test]
fn nothing_in_src_unwraps_or_is_left_to_do() {
    let words = [".unwrap()", "todo!(", "unimplemented!(", "dbg!(", "FIXME", "TODO"];
    let found: Vec<_> = sources("src")
        .iter()
        .flat_map(|(path, text)| {
            let before_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            before_tests.lines().enumerate().map(move |(at, line)| (path, at + 1, line)).collect::<Vec<_>>()
        })
        .filter(|(_, _, line)| words.iter().any(|word| line.contains(word)))
        .map(|(path, line, _)| format!("src/{path}:{line}"))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn long_files_are_pointed_out() {
    for (path, text) in ["src", "tests", "benches"].map(sources).concat() {
        let lines = text.lines().count();
        if lines > CEILING {
            println!("warning: {path} has {lines} lines, more than {CEILING}: split it, or say why in its first lines");
        }
    }
}

#[test]
fn style_sheets_are_named_as_their_blocks_and_all_of_them_are_imported() {
    let main = read(Path::new("style/main.css"));
    for entry in fs::read_dir(root().join("style")).expect("style/").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(name == "main.css" || main.contains(&format!("\"{name}\"")), "style/{name} is not imported");
    }
}

/// Line and path of what follows each `crate::`, groups resolved: `crate::{a::{b, c}, d}` names three.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("crate::") {
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        if before[line_start..].trim_start().starts_with("//") || before.ends_with("pub(in ") {
            continue;
        }
        let line = before.matches('\n').count() + 1;
        let rest = &text[start + "crate::".len()..];
        found.extend(names(rest, "").into_iter().map(|name| (line, name)));
    }
    found
}

/// The names that a path leads to, `prefix` in front of each.
fn names(path: &str, prefix: &str) -> Vec<String> {
    let own = path_of(path);
    match path[own.len()..].trim_start_matches(':').strip_prefix('{') {
        Some(group) => {
            let prefix = if own.is_empty() { prefix.to_owned() } else { format!("{prefix}{own}::") };
            parts(group).flat_map(|part| names(part, &prefix)).collect()
        }
        None => vec![format!("{prefix}{own}")],
    }
}

/// What the commas of a group divide, up to the brace that ends it.
fn parts(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let mut starts = vec![0];
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts.into_iter().map(|at| group[at..].trim_start()).filter(|rest| !rest.starts_with('}'))
}

fn path_of(rest: &str) -> String {
    let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'));
    rest[..end.unwrap_or(rest.len())].trim_end_matches(':').to_owned()
}

/// Every Rust file beneath, with its path relative to `folder`.
fn sources(folder: &str) -> Vec<(String, String)> {
    let base = root().join(folder);
    let mut waiting = vec![base.clone()];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let relative = path.strip_prefix(&base).expect("beneath").to_string_lossy().into_owned();
                files.push((relative, read(&path)));
            }
        }
    }
    assert!(!files.is_empty(), "no sources in {folder}");
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
