//! An answer of the assistant as it is put together: its parts, their blocks as HTML, the events that tell of what was
//! added, and what of it is still to be stored. Pure; `runs/` fills it.
//!
//! `growing.rs` adds to it, `telling.rs` tells of it and shows it, `stored.rs` is how it is stored, `turns.rs` what a model is
//! shown of it, `tools.rs` what becomes of the tools in it.

mod growing;
mod stored;
mod telling;
#[cfg(test)]
mod tests;
mod tools;
mod turns;

use serde::{Deserialize, Serialize};

use crate::{server::markdown::Markdown, wire::assistant::ToolUse};
use stored::Added;

pub use stored::{from_json, to_json};
pub use telling::shown;
pub use tools::{decide, end_tools, is_open, tools, waits};
pub use turns::turns;

/// Stands between the texts of an answer where they are one.
const BETWEEN: &str = "\n\n";

/// A part as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Kept {
    Text {
        text: String,
    },
    Thinking {
        text: String,
        /// The provider's, which wants to see it again with what was thought.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    Tool {
        #[serde(flatten)]
        tool: ToolUse,
    },
}

#[derive(Debug, Default)]
pub struct Answer {
    parts: Vec<Kept>,
    /// Of each part the blocks; of those that are no text, none.
    rendered: Vec<Markdown>,
    /// What was added since it was last told, by part.
    untold: Vec<(usize, Untold)>,
    unsaved: Vec<Added>,
    /// Of an answer in a room: all of it as one text. Then what else is thought is not told.
    whole: Option<Markdown>,
}

#[derive(Debug)]
enum Untold {
    Text(String),
    Thinking(String),
    Tool,
    /// Its last block is closed.
    Closed,
}

impl Answer {
    pub fn parts(&self) -> &[Kept] {
        &self.parts
    }
}

/// All that was written, as Markdown.
pub fn text(parts: &[Kept]) -> String {
    let texts = parts.iter().filter_map(|part| if let Kept::Text { text } = part { Some(text.as_str()) } else { None });
    texts.collect::<Vec<_>>().join(BETWEEN)
}
