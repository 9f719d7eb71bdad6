//! The tools that a model asks for: what they are called, which wait for a person, and their use. `rounds.rs` calls it, for
//! each call as it comes and for all of them when the model waits.

use std::pin::pin;

use super::writer::{End, SAVE, Writer};
use crate::{
    server::{
        features::answer,
        model::{Call, Part as Said},
    },
    wire::assistant::{Status, ToolState, ToolUse},
};

/// Once tools have said so much in one answer, in bytes, no more of them are used: it is about 20,000 tokens, which the smallest
/// window that is usual (`context_tokens`) holds beside the question, and read again, and paid for, in each round that follows.
const RESULT_BYTES: usize = 64 * 1024;

const TOO_MUCH_SAID: &str =
    "This was not done: tools have said as much as they may in one answer. Answer with what there is.";

impl Writer<'_> {
    /// A tool as a model asks for it.
    pub(super) fn wanted(&self, call: Call) -> ToolUse {
        let tool = self.begin.tools.find(&call.name);
        let title = tool.map_or_else(|| format!("Use {}", call.name), |tool| tool.title(&call.input));
        let state = match tool {
            Some(tool) if tool.changes() => ToolState::Waiting,
            _ => ToolState::Running,
        };
        let input = call.input.to_string();
        ToolUse { id: self.unused(call.id), name: call.name, title, input, output: String::new(), state }
    }

    /// A call's id; another where it was given before in this conversation, as some servers do: results and decisions are
    /// told apart by it.
    fn unused(&self, id: String) -> String {
        let called = |part: &Said| matches!(part, Said::Call(call) if call.id == id);
        let is_used = self.begin.turns.iter().flat_map(|turn| &turn.parts).any(called)
            || answer::tools(self.running.lock().answer.parts()).any(|tool| tool.id == id);
        if is_used { format!("call_{:016x}", rand::random::<u64>()) } else { id }
    }

    /// Uses the tools that wait for nobody.
    pub(super) async fn use_tools(&mut self) -> Result<(), End> {
        let wanted: Vec<_> = answer::tools(self.running.lock().answer.parts())
            .filter(|tool| tool.state == ToolState::Running)
            .cloned()
            .collect();
        for tool in wanted {
            let said: usize = answer::tools(self.running.lock().answer.parts()).map(|tool| tool.output.len()).sum();
            let changes = self.begin.tools.find(&tool.name).is_some_and(|tool| tool.changes());
            // What a person has said yes to is done.
            if said >= RESULT_BYTES && !changes {
                self.running.change(|answer| answer.set_tool(refused(tool, TOO_MUCH_SAID)));
                continue;
            }
            let (state, output) = match self.call(&tool).await? {
                Ok(output) => (ToolState::Done, output),
                Err(words) => (ToolState::Failed, words),
            };
            self.running.change(|answer| answer.set_tool(ToolUse { state, output, ..tool }));
            self.save().await?;
        }
        Ok(())
    }

    async fn call(&mut self, tool: &ToolUse) -> Result<Result<String, String>, End> {
        let input = serde_json::from_str(&tool.input).unwrap_or_default();
        let mut called = pin!(self.begin.tools.call(&tool.name, &input));
        loop {
            tokio::select! {
                biased;
                () = self.running.stop.cancelled() => return Err(End::As(Status::Stopped)),
                () = self.runs.interrupted.cancelled() => return Err(End::As(Status::Interrupted)),
                called = &mut called => return Ok(called),
                // Some take longer than a lease lasts.
                () = tokio::time::sleep_until(self.saved + SAVE) => self.save().await?,
            }
        }
    }
}

/// A call that is answered without being followed.
pub(super) fn refused(tool: ToolUse, why: &str) -> ToolUse {
    ToolUse { state: ToolState::Failed, output: why.to_owned(), ..tool }
}
