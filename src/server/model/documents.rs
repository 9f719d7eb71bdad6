//! The documentation in this binary: its documents, their sections under headings, and where each can be read
//! (`pages/documentation.rs`). Pure.

use std::{borrow::Cow, collections::HashMap};

use super::passages::without_secrets;

#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it lies in the repository.
    pub name: &'static str,
    text: &'static str,
}

pub const DOCUMENTS: &[Document] = &[
    Document { name: "README.md", text: include_str!("../../../README.md") },
    Document { name: "docs/ARCHITECTURE.md", text: include_str!("../../../docs/ARCHITECTURE.md") },
    Document { name: "docs/protocol.md", text: include_str!("../../../docs/protocol.md") },
    Document { name: "Leptos.toml", text: include_str!("../../../Leptos.toml") },
];

/// What stands under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub document: &'static str,
    /// From 1 on; 0 for what stands above all headings.
    pub level: usize,
    pub title: String,
    /// The titles above it and its own.
    pub path: String,
    /// What follows `#` in its address, as GitHub makes it.
    pub anchor: String,
    pub text: String,
}

impl Document {
    /// The one whose page is at `/docs/{file}`.
    pub fn of_file(file: &str) -> Option<&'static Self> {
        DOCUMENTS.iter().find(|document| document.file() == file)
    }

    pub fn file(&self) -> &'static str {
        self.name.rsplit('/').next().unwrap_or(self.name)
    }

    pub fn is_markdown(&self) -> bool {
        self.name.ends_with(".md")
    }

    /// As everybody may see it.
    pub fn text(&self) -> Cow<'static, str> {
        without_secrets(self.name, self.text)
    }

    /// Its parts, each under its headings. What is in a fenced block is no heading.
    pub fn sections(&self) -> Vec<Section> {
        let text = self.text();
        let mut headings: Vec<(usize, &str)> = Vec::new();
        let mut anchors = HashMap::<String, u32>::new();
        let mut sections: Vec<Section> = Vec::new();
        let mut fenced = false;
        for line in text.lines() {
            fenced ^= line.trim_start().starts_with("```");
            let level = line.bytes().take_while(|b| *b == b'#').count();
            let title = line[level..].trim();
            let is_heading =
                !fenced && (1..=4).contains(&level) && line[level..].starts_with(' ') && self.is_markdown();
            if is_heading {
                headings.retain(|(above, _)| *above < level);
                headings.push((level, title));
            }
            if is_heading || sections.is_empty() {
                let path = headings.iter().map(|(_, title)| *title).collect::<Vec<_>>().join(" › ");
                let (level, title) = if is_heading { (level, title.to_owned()) } else { (0, String::new()) };
                let anchor = new_anchor(&mut anchors, &title);
                sections.push(Section { document: self.name, level, title, path, anchor, text: String::new() });
            }
            if let (false, Some(section)) = (is_heading, sections.last_mut()) {
                section.text.push_str(line);
                section.text.push('\n');
            }
        }
        sections
    }
}

fn new_anchor(known: &mut HashMap<String, u32>, title: &str) -> String {
    let kept = |letter: char| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then_some(letter),
    };
    let anchor: String = title.to_lowercase().chars().filter_map(kept).collect();
    let times = known.entry(anchor.clone()).or_default();
    *times += 1;
    if *times > 1 { format!("{anchor}-{}", *times - 1) } else { anchor }
}

/// Where a part of a document can be read.
pub fn address(document: &str, anchor: &str) -> String {
    let file = document.rsplit('/').next().unwrap_or(document);
    ["/docs/", file, if anchor.is_empty() { "" } else { "#" }, anchor].concat()
}

/// The text of a document as it is shown elsewhere: without pictures, and with the links that lead somewhere from a page. Those
/// to other documents lead to their pages; of those to files that nobody can see here, the words stay.
pub fn linked(document: &str, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let link = || {
            let (words, after) = rest[open + 1..].split_once("](")?;
            let (target, after) = after.split_once(')')?;
            (!words.contains(['[', ']']) && !target.contains(char::is_whitespace)).then_some((words, target, after))
        };
        let Some((words, target, after)) = link() else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        let before = &rest[..open];
        match (before.strip_suffix('!'), leads_to(document, target)) {
            (Some(before), _) => out.push_str(before),
            (None, Some(target)) => out.extend([before, "[", words, "](", &target, ")"]),
            (None, None) => out.extend([before, words]),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where a link of a document leads on our pages.
fn leads_to(document: &str, target: &str) -> Option<String> {
    if target.starts_with('/') || target.starts_with("http") {
        return Some(target.to_owned());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    if path.is_empty() {
        return Some(address(document, anchor));
    }
    let path = path.trim_start_matches("../").trim_start_matches("./");
    let beside = document.rsplit_once('/').map_or_else(String::new, |(folder, _)| [folder, "/", path].concat());
    let is_it = |known: &&Document| known.name == path || known.name == beside;
    DOCUMENTS.iter().find(is_it).map(|known| address(known.name, anchor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere_or_are_words() {
        let text =
            "![A strip](a.gif) [feed.rs](src/feed.rs), [rooms](/rooms), [x](https://x.test) `a[1]` [no](two words)";
        let shown = " feed.rs, [rooms](/rooms), [x](https://x.test) `a[1]` [no](two words)";
        assert_eq!(linked("README.md", text), shown);
        for (from, to, leads) in [
            ("README.md", "docs/protocol.md", "/docs/protocol.md"),
            ("README.md", "docs/ARCHITECTURE.md#beside-others", "/docs/ARCHITECTURE.md#beside-others"),
            ("docs/ARCHITECTURE.md", "protocol.md#frames", "/docs/protocol.md#frames"),
            ("docs/ARCHITECTURE.md", "../Leptos.toml", "/docs/Leptos.toml"),
            ("docs/protocol.md", "#frames", "/docs/protocol.md#frames"),
        ] {
            assert_eq!(linked(from, &format!("[x]({to})")), format!("[x]({leads})"));
        }
    }

    #[test]
    fn every_anchor_that_a_document_names_is_there() {
        let sections: Vec<_> = DOCUMENTS.iter().flat_map(Document::sections).collect();
        let there: Vec<_> = sections.iter().map(|section| address(section.document, &section.anchor)).collect();
        for section in &sections {
            let shown = linked(section.document, &section.text);
            let targets = shown.split("](/docs/").skip(1).filter_map(|rest| rest.split_once(')'));
            for (target, _) in targets.filter(|(target, _)| target.contains('#')) {
                let target = ["/docs/", target].concat();
                assert!(there.contains(&target), "{target}, named in {}", section.document);
            }
        }
        assert!(there.contains(&"/docs/ARCHITECTURE.md#beside-others".to_owned()), "{there:#?}");
        let distinct: std::collections::HashSet<_> = there.iter().collect();
        assert_eq!(distinct.len(), there.len(), "no two sections have one address");
    }
}
