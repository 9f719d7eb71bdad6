//! The second wall: whatever the renderer wrote, only these elements, attributes and classes leave this module. The first
//! wall is that the renderer escapes all text and writes no tag of its author's.

use super::{highlight, links};
use ammonia::{Builder, UrlRelative};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

pub const TAGS: &[&str] = &[
    "a",
    "blockquote",
    "br",
    "button",
    "code",
    "del",
    "div",
    "em",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Attributes that may have any value; that of `href` is judged.
pub const FREE: &[(&str, &[&str])] = &[("a", &["href"]), ("ol", &["start"])];

/// Attributes that have one value.
pub const FIXED: &[(&str, &[(&str, &str)])] = &[
    ("a", &[("rel", "noopener noreferrer nofollow"), ("target", "_blank")]),
    ("button", &[("type", "button"), ("data-copy", "")]),
    ("div", &[("tabindex", "0"), ("role", "group"), ("aria-label", "Table")]),
    ("pre", &[("tabindex", "0")]),
];

/// Classes; a `span` has those of highlighted code too.
pub const CLASSES: &[(&str, &[&str])] = &[
    ("button", &["code__copy"]),
    ("code", &["code__text"]),
    ("div", &["code", "code__bar", "table-scroll"]),
    ("span", &["code__language", "task"]),
    ("td", &["cell--center", "cell--end"]),
    ("th", &["cell--center", "cell--end"]),
];

pub fn clean(html: &str) -> String {
    BUILDER.clean(html).to_string()
}

static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let fixed = |list: &[(&'static str, &'static str)]| -> HashMap<_, _> {
        list.iter().map(|(name, value)| (*name, HashSet::from([*value]))).collect()
    };
    let mut classes: HashMap<_, HashSet<_>> = CLASSES.iter().map(|(tag, list)| (*tag, set(list))).collect();
    classes.entry("span").or_default().extend(highlight::CLASSES);
    let mut builder = Builder::empty();
    builder
        .tags(set(TAGS))
        .tag_attributes(FREE.iter().map(|(tag, list)| (*tag, set(list))).collect())
        .tag_attribute_values(FIXED.iter().map(|(tag, list)| (*tag, fixed(list))).collect())
        .allowed_classes(classes)
        .clean_content_tags(set(&["script", "style"]))
        .url_schemes(set(&["http", "https", "mailto"]))
        .url_relative(UrlRelative::Custom(Box::new(judged)))
        // The renderer writes it, on links to elsewhere only.
        .link_rel(None);
    builder
});

fn judged(address: &str) -> Option<Cow<'_, str>> {
    links::judge(address).map(|_| Cow::from(address))
}

fn set(list: &[&'static str]) -> HashSet<&'static str> {
    list.iter().copied().collect()
}
