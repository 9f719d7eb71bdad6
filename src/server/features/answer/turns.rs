//! What a model is shown of an answer when it is asked again: in the next round of the same answer, and with the next
//! question of a conversation.

use super::Kept;
use crate::{
    server::model::{Call, CallResult, Part as Said, Role, Turn},
    wire::assistant::ToolState,
};

/// An answer as the model is shown it afterwards: what it wrote and asked for, and what came of that.
pub fn turns(parts: &[Kept]) -> Vec<Turn> {
    let (mut turns, mut said, mut results) = (Vec::new(), Vec::new(), Vec::new());
    let mut take_turn = |said: &mut Vec<Said>, results: &mut Vec<Said>| {
        for (role, parts) in [(Role::Assistant, said), (Role::User, results)] {
            if !parts.is_empty() {
                turns.push(Turn { role, parts: std::mem::take(parts) });
            }
        }
    };
    for part in parts {
        // Whatever follows results is the next turn.
        if !results.is_empty() && !matches!(part, Kept::Tool { .. }) {
            take_turn(&mut said, &mut results);
        }
        match part {
            Kept::Text { text } if text.trim().is_empty() => {}
            Kept::Text { text } => said.push(Said::Text(text.clone())),
            // Only what is signed is looked at again.
            Kept::Thinking { signature: None, .. } => {}
            Kept::Thinking { text, signature } => {
                said.push(Said::Thinking { text: text.clone(), signature: signature.clone() });
            }
            Kept::Tool { tool } => {
                let input = serde_json::from_str(&tool.input).unwrap_or_default();
                said.push(Said::Call(Call { id: tool.id.clone(), name: tool.name.clone(), input }));
                let (output, failed) = match tool.state {
                    ToolState::Done => (tool.output.clone(), false),
                    ToolState::Failed => (tool.output.clone(), true),
                    ToolState::Declined => {
                        ("The person said no to this. Do not try it again unasked.".to_owned(), true)
                    }
                    ToolState::Waiting | ToolState::Running => ("It was not done.".to_owned(), true),
                };
                results.push(Said::Result(CallResult { call: tool.id.clone(), output, failed }));
            }
        }
    }
    take_turn(&mut said, &mut results);
    turns
}
