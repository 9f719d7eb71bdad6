//! Where a link may lead, and the definitions that links refer to. The same judgement is made when the HTML is written and
//! again when it is sanitised.

use pulldown_cmark::RefDefs;
use std::collections::HashMap;

/// An address that may be linked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// Of another site.
    Elsewhere,
    /// Of this site, or of a mail program.
    Here,
}

/// None for what may not be linked to. Browsers drop tabs and line breaks within an address, and take `\` for `/`: what has
/// such letters in it is refused whole.
pub fn judge(address: &str) -> Option<Address> {
    if address.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '\\') {
        return None;
    }
    let begins = |start: &str| address.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    if begins("http://") || begins("https://") {
        Some(Address::Elsewhere)
    } else if begins("mailto:") || begins("#") || begins("/") && !begins("//") {
        Some(Address::Here)
    } else {
        None
    }
}

/// The definitions of the blocks that are closed: `[label]: address`.
#[derive(Debug, Default)]
pub struct Definitions(HashMap<String, String>);

impl Definitions {
    pub fn of(found: &RefDefs<'_>) -> Self {
        Self(found.iter().map(|(label, definition)| (normal(label), definition.dest.to_string())).collect())
    }

    /// The first definition of a label counts, as in CommonMark.
    pub fn add(&mut self, later: Self) {
        for (label, address) in later.0 {
            self.0.entry(label).or_insert(address);
        }
    }

    pub fn get(&self, label: &str) -> Option<&str> {
        // Every bracket in every text asks.
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&normal(label)).map(String::as_str)
    }
}

fn normal(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_linked_to() {
        for address in ["https://a.b", "HTTP://a.b/c?d#e", "https://例え.jp/だ"] {
            assert_eq!(judge(address), Some(Address::Elsewhere), "{address}");
        }
        for address in ["/", "/a/b?c", "#d", "mailto:a@b.c", "/a//b"] {
            assert_eq!(judge(address), Some(Address::Here), "{address}");
        }
        for address in [
            "",
            "a",
            "//a.b",
            "/\\a.b",
            "/\t/a.b",
            "\\\\a.b",
            "javascript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,a",
            "vbscript:a",
            "file:///a",
            "ftp://a.b",
            "https:a.b",
            "https:/a.b",
            "ht",
            "\u{1}https://a.b",
        ] {
            assert_eq!(judge(address), None, "{address:?}");
        }
    }
}
