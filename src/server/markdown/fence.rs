//! Fenced code while it is written: found without the parser, shown without the sanitiser. Each push costs what was pushed,
//! however long the code is: it is escaped and put before the end tags. Colours come when the block is closed.

use super::{code, patch};
use crate::wire::markdown::Patch;

#[derive(Debug)]
pub struct Fence {
    mark: char,
    /// Of the fence's marks.
    length: usize,
    /// Of the line that opened it; as many spaces are taken from the lines within.
    indent: usize,
    language: String,
    /// How long the line was that opened it.
    opening: usize,
    /// How much of the block has been shown, in bytes of its text.
    shown: usize,
}

impl Fence {
    /// A complete line that begins fenced code, outside of any other block.
    pub fn opened_by(line: &str) -> Option<Self> {
        let (indent, mark, length, rest) = marks(line)?;
        let is_fence = length >= 3 && matches!(mark, '`' | '~') && !(mark == '`' && rest.contains('`'));
        let language = code::language(rest).to_owned();
        is_fence.then_some(Self { mark, length, indent, language, opening: line.len(), shown: 0 })
    }

    pub fn is_closed_by(&self, line: &str) -> bool {
        let found = marks(line).filter(|(_, mark, length, _)| *mark == self.mark && *length >= self.length);
        found.is_some_and(|(.., rest)| rest.trim_ascii().is_empty())
    }

    /// A line that closes it.
    pub fn closing(&self) -> String {
        String::from(self.mark).repeat(self.length)
    }

    pub fn is_shown(&self) -> bool {
        self.shown > 0
    }

    /// The HTML of what there is of the block.
    pub fn show(&mut self, text: &str) -> String {
        self.shown = self.opening;
        let mut html = code::start(&self.language);
        self.write_more(text, &mut html);
        html + code::END
    }

    /// Brings the block's HTML up to date.
    pub fn show_more(&mut self, text: &str, number: usize, block: &mut String) -> Option<Patch> {
        let keep = block.len().checked_sub(code::END.len())?;
        block.truncate(keep);
        self.write_more(text, block);
        let grew = block.len() > keep;
        block.push_str(code::END);
        grew.then(|| patch(number, keep, block.get(keep..).unwrap_or_default()))
    }

    /// What was shown ends at a line's end, or in one that closes nothing.
    fn write_more(&mut self, text: &str, html: &mut String) {
        let new = text.get(self.shown..).unwrap_or_default();
        for line in new.split_inclusive('\n') {
            let begins = text.get(..self.shown).is_some_and(|before| before.ends_with('\n'));
            if begins && !line.ends_with('\n') && self.may_close(line) {
                return;
            }
            let indent = line.len() - line.trim_start_matches(' ').len();
            let from = if begins { indent.min(self.indent) } else { 0 };
            code::escape(line.get(from..).unwrap_or_default(), html);
            self.shown += line.len();
        }
    }

    /// So far the line may be nothing but the fence's end, or be about to be indented. It waits.
    fn may_close(&self, line: &str) -> bool {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let rest = line.trim_start_matches(' ').trim_start_matches(self.mark);
        indent <= 3 && rest.trim_ascii().is_empty()
    }
}

/// How far the line is indented, which mark it begins with and how often, and what follows.
fn marks(line: &str) -> Option<(usize, char, usize, &str)> {
    let text = line.trim_start_matches(' ');
    let mark = text.chars().next()?;
    let rest = text.trim_start_matches(mark);
    let indent = line.len() - text.len();
    (indent <= 3).then(|| (indent, mark, (text.len() - rest.len()) / mark.len_utf8(), rest))
}
