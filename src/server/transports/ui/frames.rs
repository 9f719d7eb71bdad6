//! What a run's events are in a UI message stream. Pure: events in, server-sent events out.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    server::features::answer::Kept,
    wire::assistant::{PartKind, RunEvent, RunEventKind, Status, ToolState, ToolUse},
};

/// One reader's stream.
#[derive(Debug, Default)]
pub struct Frames {
    /// The part that is being written: its number, and whether it is thinking.
    open: Option<(u32, PartKind)>,
    /// How much of each part has been written, in bytes: a reader that falls behind gets what is missing.
    written: Vec<usize>,
    /// Calls whose input, and whose output, has been written.
    called: HashSet<String>,
    answered: HashSet<String>,
}

impl Frames {
    /// The first: how the client is to call the message.
    pub fn start(&self, message: &str) -> String {
        [frame(&json!({ "type": "start", "messageId": message })), frame(&json!({ "type": "start-step" }))].concat()
    }

    /// What of these parts has not been written yet.
    pub fn catch_up(&mut self, parts: &[Kept]) -> String {
        let mut frames = String::new();
        for (number, part) in parts.iter().enumerate() {
            let number = number as u32;
            let done = self.written.get(number as usize).copied().unwrap_or(0);
            match part {
                Kept::Text { text } => self.text(&mut frames, number, PartKind::Text, text.get(done..).unwrap_or("")),
                Kept::Thinking { text, .. } => {
                    self.text(&mut frames, number, PartKind::Thinking, text.get(done..).unwrap_or(""));
                }
                Kept::Tool { tool } => self.tool(&mut frames, tool),
            }
        }
        frames
    }

    /// An event of the run; nothing more comes after the last one.
    pub fn event(&mut self, event: &RunEvent) -> String {
        let mut frames = String::new();
        match event.kind {
            RunEventKind::TextAdded => self.text(&mut frames, event.part, PartKind::Text, &event.text),
            RunEventKind::ThinkingAdded => self.text(&mut frames, event.part, PartKind::Thinking, &event.text),
            RunEventKind::ToolUsed => event.tool.iter().for_each(|tool| self.tool(&mut frames, tool)),
            RunEventKind::RunEnded => {
                self.end(&mut frames, event.status.unwrap_or(Status::Complete), event.error.as_deref());
            }
        }
        frames
    }

    fn text(&mut self, frames: &mut String, part: u32, kind: PartKind, text: &str) {
        if text.is_empty() {
            return;
        }
        let (name, id) = names(part, kind);
        if self.open != Some((part, kind)) {
            self.close(frames);
            frames.push_str(&frame(&json!({ "type": format!("{name}-start"), "id": id })));
            self.open = Some((part, kind));
        }
        frames.push_str(&frame(&json!({ "type": format!("{name}-delta"), "id": id, "delta": text })));
        let place = part as usize;
        self.written.resize(self.written.len().max(place + 1), 0);
        self.written[place] += text.len();
    }

    fn tool(&mut self, frames: &mut String, tool: &ToolUse) {
        let (id, name) = (&tool.id, &tool.name);
        let is_open = matches!(tool.state, ToolState::Waiting | ToolState::Running);
        if self.called.contains(id) && (is_open || self.answered.contains(id)) {
            return;
        }
        self.close(frames);
        let input: Value = serde_json::from_str(&tool.input).unwrap_or_default();
        if self.called.insert(id.clone()) {
            let begun = json!({ "type": "tool-input-start", "toolCallId": id, "toolName": name, "dynamic": true });
            let whole = json!({
                "type": "tool-input-available", "toolCallId": id, "toolName": name, "input": input, "dynamic": true,
            });
            frames.push_str(&[frame(&begun), frame(&whole)].concat());
        }
        let output = match tool.state {
            ToolState::Waiting | ToolState::Running => return,
            ToolState::Done => {
                json!({ "type": "tool-output-available", "toolCallId": id, "output": tool.output, "dynamic": true })
            }
            ToolState::Failed | ToolState::Declined => {
                json!({ "type": "tool-output-error", "toolCallId": id, "errorText": tool.output, "dynamic": true })
            }
        };
        if self.answered.insert(id.clone()) {
            frames.push_str(&frame(&output));
        }
    }

    fn close(&mut self, frames: &mut String) {
        if let Some((part, kind)) = self.open.take() {
            let (name, id) = names(part, kind);
            frames.push_str(&frame(&json!({ "type": format!("{name}-end"), "id": id })));
        }
    }

    fn end(&mut self, frames: &mut String, status: Status, error: Option<&str>) {
        self.close(frames);
        let finish = |reason: &str| json!({ "type": "finish", "finishReason": reason });
        let last = match status {
            Status::Failed => json!({ "type": "error", "errorText": error.unwrap_or("The answer broke off.") }),
            Status::Interrupted => json!({ "type": "error", "errorText": "The server stopped while it was writing." }),
            Status::Stopped => json!({ "type": "abort" }),
            Status::TooLong => finish("length"),
            Status::Refused => finish("content-filter"),
            Status::Waiting => finish("tool-calls"),
            Status::Complete | Status::Running => finish("stop"),
        };
        frames.push_str(&frame(&json!({ "type": "finish-step" })));
        frames.push_str(&frame(&last));
        frames.push_str("data: [DONE]\n\n");
    }
}

fn names(part: u32, kind: PartKind) -> (&'static str, String) {
    match kind {
        PartKind::Thinking => ("reasoning", format!("reasoning-{part}")),
        PartKind::Text | PartKind::Tool => ("text", format!("text-{part}")),
    }
}

/// JSON has no line breaks of its own.
fn frame(value: &Value) -> String {
    format!("data: {value}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: RunEventKind, part: u32, text: &str) -> RunEvent {
        RunEvent { kind, part, text: text.into(), patches: Vec::new(), tool: None, status: None, error: None }
    }

    fn types(frames: &str) -> Vec<String> {
        let values = frames.lines().filter_map(|line| line.strip_prefix("data: "));
        values.map(|json| serde_json::from_str::<Value>(json).map_or(json.into(), |v| v["type"].to_string())).collect()
    }

    #[test]
    fn parts_begin_and_end_around_what_is_written() {
        let mut frames = Frames::default();
        let mut all = frames.event(&event(RunEventKind::ThinkingAdded, 0, "Hm"));
        all += &frames.event(&event(RunEventKind::TextAdded, 1, "One"));
        all += &frames.event(&event(RunEventKind::TextAdded, 1, " two"));
        all += &frames.event(&RunEvent { status: Some(Status::Complete), ..event(RunEventKind::RunEnded, 0, "") });
        let expected = [
            "\"reasoning-start\"",
            "\"reasoning-delta\"",
            "\"reasoning-end\"",
            "\"text-start\"",
            "\"text-delta\"",
            "\"text-delta\"",
            "\"text-end\"",
            "\"finish-step\"",
            "\"finish\"",
            "[DONE]",
        ];
        assert_eq!(types(&all), expected);
    }

    #[test]
    fn whoever_falls_behind_gets_what_is_missing_and_nothing_twice() {
        let tool = |state| ToolUse {
            id: "c".into(),
            name: "t".into(),
            title: String::new(),
            input: "{}".into(),
            output: "o".into(),
            state,
        };
        let mut frames = Frames::default();
        frames.event(&event(RunEventKind::TextAdded, 0, "One "));
        frames.event(&RunEvent { tool: Some(tool(ToolState::Running)), ..event(RunEventKind::ToolUsed, 1, "") });
        let parts = [
            Kept::Text { text: "One ".into() },
            Kept::Tool { tool: tool(ToolState::Done) },
            Kept::Text { text: "three".into() },
        ];
        let missing = frames.catch_up(&parts);
        assert_eq!(types(&missing), ["\"tool-output-available\"", "\"text-start\"", "\"text-delta\""]);
        assert_eq!(frames.catch_up(&parts), "");
    }
}
