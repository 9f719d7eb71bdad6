//! Colours for code: syntect knows the languages, and a handful of classes is made of its many scopes. The colours are in
//! `style/markdown.css`. Costs milliseconds for a long block, so it is asked once, when a block is complete.

use super::code::escape;
use std::sync::LazyLock;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Longer code is not worth the time, in bytes.
const LONGEST: usize = 50_000;

/// Nor is code with long lines: the grammars try each of their patterns on the rest of a line, at each of its words. This is
/// the most that the squares of the lines' lengths add up to, about a tenth of a second.
const HARDEST: usize = 10_000_000;

/// What a byte takes besides, in the same measure.
const BYTE: usize = 150;

/// How much may be done for the colours of one rendering, in the same measure: about a fifth of a second. A conversation of
/// the longest that is usual, all of it code, takes less. What is beyond stays plain.
#[derive(Debug)]
pub struct Effort {
    left: usize,
    /// Something has stayed plain for want of it.
    was_short: bool,
}

impl Default for Effort {
    fn default() -> Self {
        Self { left: 2 * HARDEST, ..Self::NONE }
    }
}

impl Effort {
    pub const NONE: Self = Self { left: 0, was_short: false };

    /// Whether so much is left; then it is taken.
    fn take(&mut self, effort: usize) -> bool {
        let left = self.left.checked_sub(effort);
        self.left = left.unwrap_or(self.left);
        self.was_short |= left.is_none();
        left.is_some()
    }

    /// All that is left, for one text; until it is taken back, none is.
    pub fn lend(&mut self) -> Self {
        Self { left: std::mem::take(&mut self.left), was_short: false }
    }

    /// Whether it was enough for that text.
    pub fn take_back(&mut self, lent: Self) -> bool {
        self.left = lent.left;
        self.was_short |= lent.was_short;
        !lent.was_short
    }
}

pub const CLASSES: [&str; 10] = [
    "hl-attribute",
    "hl-comment",
    "hl-deleted",
    "hl-function",
    "hl-inserted",
    "hl-keyword",
    "hl-number",
    "hl-string",
    "hl-tag",
    "hl-type",
];

/// The innermost scope that begins like one of these decides, and the first of them that it begins like. No class means
/// plain, whatever is around it.
const SCOPES: &[(&str, Option<&str>)] = &[
    ("comment", Some("hl-comment")),
    ("meta.interpolation", None),
    ("string", Some("hl-string")),
    ("constant.character", Some("hl-string")),
    ("constant", Some("hl-number")),
    ("entity.name.function", Some("hl-function")),
    ("entity.name.tag", Some("hl-tag")),
    ("entity.other.attribute-name", Some("hl-attribute")),
    ("entity.name.section", Some("hl-keyword")),
    ("entity.name", Some("hl-type")),
    ("entity.other.inherited-class", Some("hl-type")),
    ("support.function", Some("hl-function")),
    ("variable.function", Some("hl-function")),
    ("variable.annotation", Some("hl-attribute")),
    ("support.type.property-name", Some("hl-attribute")),
    ("support.type", Some("hl-type")),
    ("support.class", Some("hl-type")),
    ("support.macro", Some("hl-function")),
    ("keyword.operator.word", Some("hl-keyword")),
    ("keyword.operator", None),
    ("keyword", Some("hl-keyword")),
    ("storage", Some("hl-keyword")),
    ("markup.inserted", Some("hl-inserted")),
    ("markup.deleted", Some("hl-deleted")),
    ("markup.heading", Some("hl-keyword")),
];

/// Names that people give to languages and the grammars do not.
const ALIASES: &[(&str, &str)] = &[
    ("console", "bash"),
    ("golang", "go"),
    ("javascriptreact", "tsx"),
    ("js", "ts"),
    ("javascript", "ts"),
    ("jsonc", "json"),
    ("jsx", "tsx"),
    ("shell", "bash"),
    ("zsh", "bash"),
];

struct Languages {
    set: SyntaxSet,
    scopes: Vec<(Scope, Option<&'static str>)>,
}

static LANGUAGES: LazyLock<Languages> = LazyLock::new(|| {
    let scope = |(name, class): &(&str, Option<&'static str>)| Some((Scope::new(name).ok()?, *class));
    Languages { set: two_face::syntax::extra_newlines(), scopes: SCOPES.iter().filter_map(scope).collect() }
});

/// Appends the code in colours. False, and nothing appended, if the language is unknown, the code too long or no effort left.
pub fn write(language: &str, code: &str, left: &mut Effort, html: &mut String) -> bool {
    let effort: usize = code.lines().map(|line| line.len() * line.len()).sum();
    if language.is_empty() || code.len() > LONGEST || effort > HARDEST {
        return false;
    }
    let Some(syntax) = syntax(language) else { return false };
    if !left.take(effort + BYTE * code.len()) {
        return false;
    }
    let length = html.len();
    let written = spans(syntax, code, html);
    if written.is_none() {
        html.truncate(length);
    }
    written.is_some()
}

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let alias = ALIASES.iter().find(|(alias, _)| language.eq_ignore_ascii_case(alias));
    LANGUAGES.set.find_syntax_by_token(alias.map_or(language, |(_, name)| name))
}

/// None if the grammar fails on this code.
fn spans(syntax: &SyntaxReference, code: &str, html: &mut String) -> Option<()> {
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut writer = Writer { html, open: None };
    for line in code.split_inclusive('\n') {
        let mut done = 0;
        for (at, operation) in state.parse_line(line, &LANGUAGES.set).ok()? {
            writer.write(line.get(done..at)?, &stack);
            done = at;
            stack.apply(&operation).ok()?;
        }
        writer.write(line.get(done..)?, &stack);
    }
    writer.turn_to(None);
    Some(())
}

struct Writer<'a> {
    html: &'a mut String,
    open: Option<&'static str>,
}

impl Writer<'_> {
    fn write(&mut self, text: &str, stack: &ScopeStack) {
        // Space has no colour: it stays with what is before it, and the HTML is shorter.
        if !text.trim_ascii().is_empty() {
            self.turn_to(class(stack));
        }
        escape(text, self.html);
    }

    fn turn_to(&mut self, class: Option<&'static str>) {
        if self.open == class {
            return;
        }
        if self.open.is_some() {
            self.html.push_str("</span>");
        }
        if let Some(class) = class {
            self.html.push_str("<span class=\"");
            self.html.push_str(class);
            self.html.push_str("\">");
        }
        self.open = class;
    }
}

fn class(stack: &ScopeStack) -> Option<&'static str> {
    let fitting = |scope: &Scope| LANGUAGES.scopes.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope));
    stack.as_slice().iter().rev().find_map(fitting).and_then(|(_, class)| *class)
}
