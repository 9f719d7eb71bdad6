//! What is added to an answer, part by part. Each addition is noted twice: until it is told, and until it is stored.
//! `runs/` calls it with what a model says.

use super::{Answer, BETWEEN, Kept, Untold, end_tools, stored::Added};
use crate::{
    server::{features::text::harmless, markdown::Markdown},
    wire::assistant::ToolUse,
};

impl Answer {
    /// Goes on from what is there. Only its last text can become longer.
    pub fn begun(parts: Vec<Kept>) -> Self {
        let rendered = parts.iter().enumerate().map(|(at, part)| match part {
            Kept::Text { text } => {
                let mut blocks = Markdown::default();
                blocks.push(text);
                if at + 1 < parts.len() {
                    blocks.finish();
                }
                blocks
            }
            _ => Markdown::default(),
        });
        Self { rendered: rendered.collect(), parts, ..Self::default() }
    }

    /// One text, read by everybody in a room. It begins with `before`, which is not the model's.
    pub fn whole(before: &str) -> Self {
        let told = (!before.is_empty()).then(|| (0, Untold::Text(before.to_owned())));
        Self { whole: Some(Markdown::default()), untold: told.into_iter().collect(), ..Self::default() }
    }

    pub fn add_text(&mut self, added: &str) {
        if self.whole.is_none() {
            return self.push_text(added);
        }
        let added = harmless(added);
        // What a message begins with is not blank.
        let added = if self.has_text() { added.as_str() } else { added.trim_start() };
        if !added.is_empty() {
            self.push_text(added);
        }
    }

    fn push_text(&mut self, added: &str) {
        if !matches!(self.parts.last(), Some(Kept::Text { .. })) {
            self.begin(Kept::Text { text: String::new() });
        }
        let part = self.parts.len() - 1;
        if let Some(Kept::Text { text }) = self.parts.last_mut() {
            text.push_str(added);
        }
        match self.untold.last_mut() {
            Some((of, Untold::Text(text))) if *of == part => text.push_str(added),
            _ => self.untold.push((part, Untold::Text(added.to_owned()))),
        }
        match self.unsaved.last_mut() {
            Some(Added { part: of, added: Kept::Text { text } }) if *of == part => text.push_str(added),
            _ => self.unsaved.push(Added { part, added: Kept::Text { text: added.to_owned() } }),
        }
    }

    pub fn add_thinking(&mut self, added: &str) {
        // What is signed is complete.
        if !matches!(self.parts.last(), Some(Kept::Thinking { signature: None, .. })) {
            self.begin(Kept::Thinking { text: String::new(), signature: None });
        }
        let part = self.parts.len() - 1;
        if let Some(Kept::Thinking { text, .. }) = self.parts.last_mut() {
            text.push_str(added);
        }
        match self.untold.last_mut() {
            Some((of, Untold::Thinking(text))) if *of == part => text.push_str(added),
            _ => self.untold.push((part, Untold::Thinking(added.to_owned()))),
        }
        self.unsaved.push(Added { part, added: Kept::Thinking { text: added.to_owned(), signature: None } });
    }

    /// The end of a thought: of the last, or of one that is not told.
    pub fn sign_thinking(&mut self, given: String) {
        if !matches!(self.parts.last(), Some(Kept::Thinking { signature: None, .. })) {
            self.add_thinking("");
        }
        let part = self.parts.len().saturating_sub(1);
        if let Some(Kept::Thinking { signature, .. }) = self.parts.last_mut() {
            *signature = Some(given.clone());
            self.unsaved.push(Added { part, added: Kept::Thinking { text: String::new(), signature: Some(given) } });
        }
    }

    /// A tool is used, or something has become of that.
    pub fn set_tool(&mut self, tool: ToolUse) {
        let is_it = |part: &Kept| matches!(part, Kept::Tool { tool: known } if known.id == tool.id);
        let part = match self.parts.iter().position(is_it) {
            Some(part) => {
                self.parts[part] = Kept::Tool { tool: tool.clone() };
                part
            }
            None => {
                self.begin(Kept::Tool { tool: tool.clone() });
                self.parts.len() - 1
            }
        };
        self.untold.push((part, Untold::Tool));
        self.unsaved.push(Added { part, added: Kept::Tool { tool } });
    }

    /// It has broken off: nothing more becomes of its tools.
    pub fn end_tools(&mut self) {
        let mut parts = self.parts.clone();
        end_tools(&mut parts);
        for part in parts {
            if let Kept::Tool { tool } = part
                && !self.parts.contains(&Kept::Tool { tool: tool.clone() })
            {
                self.set_tool(tool);
            }
        }
    }

    /// Nothing is added to it any more: its last block is closed.
    pub fn close(&mut self) {
        if self.whole.is_some() || matches!(self.parts.last(), Some(Kept::Text { .. })) {
            self.untold.push((self.parts.len().saturating_sub(1), Untold::Closed));
        }
    }

    fn has_text(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Kept::Text { .. }))
    }

    fn begin(&mut self, part: Kept) {
        if self.whole.is_none() {
            self.close();
        } else if matches!(part, Kept::Text { .. }) && self.has_text() {
            self.untold.push((self.parts.len(), Untold::Text(BETWEEN.to_owned())));
        }
        self.parts.push(part);
        self.rendered.push(Markdown::default());
    }
}
