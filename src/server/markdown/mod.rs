//! The text of a model as HTML, while it arrives: markdown, rendered and sanitised block by block. What features call is
//! [`Markdown`] for an answer that grows and [`render`] for one that is complete; both give the same blocks.
//!
//! The text is looked at line by line, and only ever at what no block has taken yet. So what becomes of a text does not
//! depend on how it was cut into pieces, and a push costs what the last block costs. A block is closed, and then never
//! looked at again, when a complete line after it belongs to something else. What this deliberately does not do: a link
//! whose definition comes in a later block stays text, for its block is closed by then; and a block of more than
//! [`LARGEST`] bytes that is not code is cut in two.

mod blocks;
mod code;
mod fence;
#[cfg(test)]
mod fuzz;
mod highlight;
#[cfg(test)]
mod hostile;
mod html;
mod links;
mod remembered;
mod sanitise;
#[cfg(test)]
mod tests;

pub use self::highlight::Effort;

use self::{fence::Fence, links::Definitions};
use crate::wire::markdown::Patch;

/// What is looked at again at each push is never longer, in bytes, nor is what the parser is given at once. Code is excepted.
const LARGEST: usize = 32 * 1024;

/// A line of which more is there is taken as ended, in bytes.
const LONGEST_LINE: usize = 16 * 1024;

/// So many bytes are searched for the end of a block at each line. More of them only when they have grown by an eighth, so
/// that many short lines do not cost the square of their number.
const SMALL: usize = 4 * 1024;

/// A document that grows.
#[derive(Debug, Default)]
pub struct Markdown {
    text: String,
    blocks: Vec<String>,
    /// How many of the blocks are closed; one more may be open.
    closed: usize,
    /// Where in the text the open block begins.
    start: usize,
    /// Where in the text the first line begins that is not complete.
    line: usize,
    /// How far it has been searched for its end.
    searched: usize,
    /// How long the open block was when it was last searched for an end.
    measured: usize,
    /// Set while the open block is fenced code.
    fence: Option<Fence>,
    definitions: Definitions,
    effort: Effort,
}

/// The blocks of a text to which nothing is added.
pub fn render(text: &str) -> Vec<String> {
    render_within(text, &mut Effort::default())
}

/// The same for one of several texts that are shown together: what is done for their colours is limited for all of them.
pub fn render_within(text: &str, effort: &mut Effort) -> Vec<String> {
    if let Some(blocks) = remembered::find(text) {
        return blocks;
    }
    let mut markdown = Markdown { effort: effort.lend(), ..Markdown::default() };
    markdown.take(text);
    markdown.finish();
    // What has stayed plain for want of time gets its colours at another look.
    if effort.take_back(markdown.effort) {
        remembered::remember(text, &markdown.blocks);
    }
    markdown.blocks
}

/// What ends the fenced code that a text leaves open, for who has words to add to it. Nothing if it leaves none.
pub fn closing(text: &str) -> String {
    let mut markdown = Markdown::default();
    markdown.take(text);
    markdown.take("\n");
    markdown.fence.map_or_else(String::new, |fence| fence.closing())
}

impl Markdown {
    /// Adds to the text; what changed. Cheap: only the open block is rendered again.
    pub fn push(&mut self, text: &str) -> Vec<Patch> {
        let mut patches = self.take(text);
        self.show(&mut patches);
        patches
    }

    /// Nothing follows: the last block is closed. What is pushed afterwards begins a new one.
    pub fn finish(&mut self) -> Vec<Patch> {
        let mut patches = Vec::new();
        while self.line < self.text.len() {
            self.look_at_line(self.text.len(), &mut patches);
            self.look_at_lines(&mut patches);
        }
        self.close(self.text.len(), &mut patches);
        patches
    }

    /// The HTML of each block, as it is after all patches.
    pub fn blocks(&self) -> &[String] {
        &self.blocks
    }

    /// All that was pushed.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn take(&mut self, text: &str) -> Vec<Patch> {
        let mut patches = Vec::new();
        self.text.push_str(text);
        self.look_at_lines(&mut patches);
        patches
    }

    /// Looks at each line that is complete by now.
    fn look_at_lines(&mut self, patches: &mut Vec<Patch>) {
        loop {
            let rest = self.text.get(self.searched..).unwrap_or_default();
            let end = rest.find('\n').map(|at| self.searched + at + 1);
            let longest = self.line + LONGEST_LINE;
            match end.filter(|end| *end <= longest || self.fence.is_some()) {
                Some(end) => self.look_at_line(end, patches),
                None if self.fence.is_none() && self.text.len() > longest => {
                    let end = self.text.floor_char_boundary(longest);
                    self.line = end;
                    self.close(end, patches);
                }
                None => break self.searched = self.text.len(),
            }
        }
    }

    /// Looks at the line that ends at `end`: does it end a block, or begin one of code? After a cut the lines that follow it
    /// are looked at once more, as if the document began there.
    fn look_at_line(&mut self, end: usize, patches: &mut Vec<Patch>) {
        let line = self.text.get(self.line..end).unwrap_or_default();
        let begins = self.start == self.line;
        self.line = end;
        self.searched = end;
        if let Some(fence) = &self.fence {
            if fence.is_closed_by(line) {
                self.close(end, patches);
            }
        } else if line.trim_ascii().is_empty() {
            // No block begins with an empty line.
            self.start = if begins { end } else { self.start };
        } else if begins && let Some(fence) = Fence::opened_by(line) {
            self.fence = Some(fence);
        } else if !begins {
            self.look_for_end(patches);
        }
    }

    fn look_for_end(&mut self, patches: &mut Vec<Patch>) {
        let open = self.text.get(self.start..self.line).unwrap_or_default();
        if open.len() <= SMALL || open.len() >= self.measured + self.measured / 8 {
            self.measured = open.len();
            if let Some(end) = blocks::end_of_first(open) {
                return self.close(self.start + end, patches);
            }
        }
        if open.len() > LARGEST {
            self.close(self.line, patches);
        }
    }

    /// Closes the open block, which reaches to `end`.
    fn close(&mut self, end: usize, patches: &mut Vec<Patch>) {
        let block = self.text.get(self.start..end).unwrap_or_default();
        if !block.trim_ascii().is_empty() {
            let html = html::closed(block, &mut self.definitions, &mut self.effort);
            self.put(html, patches);
            self.closed = self.blocks.len();
        }
        self.start = end;
        self.line = end;
        self.searched = end;
        self.measured = 0;
        self.fence = None;
    }

    /// Renders the open block as far as it can be seen.
    fn show(&mut self, patches: &mut Vec<Patch>) {
        let open = self.text.get(self.start..).unwrap_or_default();
        if let Some(fence) = &mut self.fence {
            match self.blocks.get_mut(self.closed) {
                Some(block) if fence.is_shown() => patches.extend(fence.show_more(open, self.closed, block)),
                _ => {
                    let html = fence.show(open);
                    self.put(html, patches);
                }
            }
        } else {
            let html = html::open(blocks::visible(open), &self.definitions);
            if !html.is_empty() || self.blocks.len() > self.closed {
                self.put(html, patches);
            }
        }
    }

    fn put(&mut self, html: String, patches: &mut Vec<Patch>) {
        match self.blocks.get_mut(self.closed) {
            Some(block) => {
                patches.extend(change(self.closed, block, &html));
                *block = html;
            }
            None => {
                patches.push(patch(self.closed, 0, &html));
                self.blocks.push(html);
            }
        }
    }
}

/// From one HTML of a block to the next, if they differ.
fn change(block: usize, old: &str, new: &str) -> Option<Patch> {
    let same = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let keep = new.floor_char_boundary(same);
    (old != new).then(|| patch(block, keep, new.get(keep..).unwrap_or_default()))
}

fn patch(block: usize, keep: usize, html: &str) -> Patch {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Patch { block: number(block), keep: number(keep), html: html.to_owned() }
}
