//! The tools in an answer: which are open, which wait for a yes or no, and what becomes of them. Called while an answer is
//! written (`runs/`), when a person decides, and when an answer broke off.

use super::Kept;
use crate::wire::assistant::{ToolState, ToolUse};

/// The tools among the parts.
pub fn tools(parts: &[Kept]) -> impl Iterator<Item = &ToolUse> {
    parts.iter().filter_map(|part| if let Kept::Tool { tool } = part { Some(tool) } else { None })
}

/// Asked for, and nothing has come of it yet.
pub fn is_open(tool: &ToolUse) -> bool {
    matches!(tool.state, ToolState::Waiting | ToolState::Running)
}

/// Ends what tools were doing when an answer broke off. Nothing is done again unasked: whether it was done is not known.
pub fn end_tools(parts: &mut [Kept]) {
    for part in parts {
        if let Kept::Tool { tool } = part
            && is_open(tool)
        {
            let words = match tool.state {
                ToolState::Running => "The answer broke off meanwhile: it may have been done or not.",
                _ => "It was not done.",
            };
            (tool.state, tool.output) = (ToolState::Failed, words.to_owned());
        }
    }
}

/// Says yes or no to a tool that waits for it. Whether there is such a one.
pub fn decide(parts: &mut [Kept], call: &str, yes: bool) -> bool {
    let waits = |tool: &ToolUse| tool.id == call && tool.state == ToolState::Waiting;
    for part in parts {
        if let Kept::Tool { tool } = part
            && waits(tool)
        {
            tool.state = if yes { ToolState::Running } else { ToolState::Declined };
            return true;
        }
    }
    false
}

/// Whether a tool waits for a yes or no.
pub fn waits(parts: &[Kept]) -> bool {
    tools(parts).any(|tool| tool.state == ToolState::Waiting)
}
