//! An answer as those who read it are told of it and shown it: events for what was added, blocks of HTML for what is there.
//! One that is shown is what all its events come to. Called by `runs/`, and by whoever shows an answer that has ended.

use super::{Answer, Kept, Untold};
use crate::{
    server::markdown::{self, Effort, Markdown},
    wire::assistant::{Part, PartKind, RunEvent, RunEventKind},
};

impl Answer {
    pub fn is_told(&self) -> bool {
        self.untold.is_empty()
    }

    /// What was added since the last call, as events.
    pub fn tell(&mut self) -> Vec<RunEvent> {
        let event = |kind, part: usize| RunEvent {
            kind,
            part: part as u32,
            text: String::new(),
            patches: Vec::new(),
            tool: None,
            status: None,
            error: None,
        };
        let mut events: Vec<RunEvent> = Vec::new();
        for (part, untold) in std::mem::take(&mut self.untold) {
            match untold {
                Untold::Text(text) => {
                    let patches = self.document(part).push(&text);
                    events.push(RunEvent { text, patches, ..event(RunEventKind::TextAdded, part) });
                }
                Untold::Closed => {
                    let patches = self.document(part).finish();
                    if !patches.is_empty() {
                        events.push(RunEvent { patches, ..event(RunEventKind::TextAdded, part) });
                    }
                }
                Untold::Thinking(_) if self.whole.is_some() => {}
                Untold::Thinking(text) => events.push(RunEvent { text, ..event(RunEventKind::ThinkingAdded, part) }),
                Untold::Tool => {
                    if let Kept::Tool { tool } = &self.parts[part] {
                        events.push(RunEvent { tool: Some(tool.clone()), ..event(RunEventKind::ToolUsed, part) });
                    }
                }
            }
        }
        events
    }

    /// As it has been told until now.
    pub fn view(&self) -> Vec<Part> {
        self.parts.iter().zip(&self.rendered).map(|(part, rendered)| view(part, rendered.blocks().to_vec())).collect()
    }

    /// What a part's text is rendered in.
    fn document(&mut self, part: usize) -> &mut Markdown {
        match &mut self.whole {
            Some(whole) => whole,
            None => &mut self.rendered[part],
        }
    }
}

/// An answer that is whole, as it is shown.
pub fn shown(parts: &[Kept], effort: &mut Effort) -> Vec<Part> {
    let mut blocks = |part: &Kept| match part {
        Kept::Text { text } => markdown::render_within(text, effort),
        _ => Vec::new(),
    };
    parts.iter().map(|part| view(part, blocks(part))).collect()
}

fn view(part: &Kept, blocks: Vec<String>) -> Part {
    let (kind, text, tool) = match part {
        Kept::Text { .. } => (PartKind::Text, String::new(), None),
        Kept::Thinking { text, .. } => (PartKind::Thinking, text.clone(), None),
        Kept::Tool { tool } => (PartKind::Tool, String::new(), Some(tool.clone())),
    };
    Part { kind, text, blocks, tool }
}
