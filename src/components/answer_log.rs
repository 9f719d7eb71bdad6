//! An answer as it is written: what a run's events and what the conversation as it is fetched anew make of a message.
//! Whichever comes first and however often, nothing is missing and nothing is there twice. Pure.

use crate::wire::assistant::{Message, Part, PartKind, RunEvent, RunEventKind, Status};

/// Applies the event at `offset` of the run that writes this answer. What is held already is passed over.
pub fn apply(message: &mut Message, offset: u64, event: RunEvent) {
    let Some(run) = message.run.as_mut().filter(|run| run.position.offset < offset) else { return };
    run.position.offset = offset;
    let RunEvent { kind, part: at, text, patches, tool, status, error } = event;
    let of = match kind {
        RunEventKind::TextAdded => PartKind::Text,
        RunEventKind::ThinkingAdded => PartKind::Thinking,
        RunEventKind::ToolUsed => PartKind::Tool,
        RunEventKind::RunEnded => {
            message.status = status.unwrap_or(Status::Complete);
            message.error = error;
            return;
        }
    };
    let at = at as usize;
    if at >= message.parts.len() {
        message.parts.push(Part { kind: of, text: String::new(), blocks: Vec::new(), tool: None });
        if of == PartKind::Text && !message.text.is_empty() {
            message.text.push_str("\n\n");
        }
    }
    let Some(part) = message.parts.get_mut(at) else { return };
    match of {
        PartKind::Text => {
            message.text.push_str(&text);
            patches.into_iter().for_each(|patch| patch.apply(&mut part.blocks));
        }
        PartKind::Thinking => part.text.push_str(&text),
        PartKind::Tool => part.tool = tool,
    }
}

/// A message as it was fetched, in place of what is held of it. An answer that is being written may have come further
/// here than it had when it was fetched. Whether anything may be another than before.
pub fn replace(held: &mut Message, mut new: Message) -> bool {
    let is_ahead = match (&held.run, &new.run) {
        (Some(ours), Some(theirs)) => {
            ours.id == theirs.id
                && ours.position.epoch == theirs.position.epoch
                && ours.position.offset >= theirs.position.offset
        }
        _ => false,
    };
    if is_ahead {
        new.parts = std::mem::take(&mut held.parts);
        new.text = std::mem::take(&mut held.text);
        new.run = held.run.take();
        new.error = held.error.take();
        new.status = held.status;
    }
    let differs = is_ahead || *held != new;
    if differs {
        *held = new;
    }
    differs
}

/// How much of an answer is read out when it is finished, in characters.
const READ_OUT: usize = 200;

/// What screen readers are told when an answer has ended.
pub fn announcement(message: &Message) -> String {
    match message.status {
        Status::Running => String::new(),
        Status::Complete => ["The assistant has answered: ", &first_sentence(&message.text)].concat(),
        Status::Stopped => "The answer was stopped.".to_owned(),
        Status::Waiting => "The assistant asks whether it may go on.".to_owned(),
        _ => ["The answer broke off. ", message.error.as_deref().unwrap_or_default()].concat(),
    }
}

/// Of Markdown, without its marks.
fn first_sentence(text: &str) -> String {
    let plain: String =
        text.chars().filter(|c| !matches!(c, '*' | '_' | '`' | '#' | '>' | '|')).take(READ_OUT).collect();
    let plain = plain.trim();
    let ends = |&(at, c): &(usize, char)| {
        let next = plain.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
        c == '\n' || (matches!(c, '.' | '!' | '?') && next.is_none_or(char::is_whitespace))
    };
    let end = plain.char_indices().find(ends).map_or(plain.len(), |(at, c)| at + c.len_utf8());
    plain.get(..end).unwrap_or(plain).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Epoch, Position,
        assistant::{Run, ToolState, ToolUse},
        markdown::Patch,
        topic::Segment,
    };

    fn begun() -> Message {
        let id = Segment::new("r").expect("a segment");
        Message {
            id: 2,
            answer: true,
            text: String::new(),
            parts: Vec::new(),
            status: Status::Running,
            error: None,
            run: Some(Run { id, position: Position { epoch: Epoch(1), offset: 0 } }),
            version: 1,
            versions: 1,
            previous: None,
            next: None,
            cost: None,
            time: 0,
        }
    }

    fn event(kind: RunEventKind, part: u32, text: &str) -> RunEvent {
        RunEvent { kind, part, text: text.into(), patches: Vec::new(), tool: None, status: None, error: None }
    }

    fn text(part: u32, text: &str, block: u32, keep: u32, html: &str) -> RunEvent {
        let patches = vec![Patch { block, keep, html: html.into() }];
        RunEvent { patches, ..event(RunEventKind::TextAdded, part, text) }
    }

    fn tool(state: ToolState) -> ToolUse {
        let [id, name, title, input, output] = ["c", "search", "Search", "{}", ""].map(str::to_owned);
        ToolUse { id, name, title, input, output, state }
    }

    fn all() -> Vec<RunEvent> {
        let used = |state| RunEvent { tool: Some(tool(state)), ..event(RunEventKind::ToolUsed, 2, "") };
        vec![
            event(RunEventKind::ThinkingAdded, 0, "Let me"),
            event(RunEventKind::ThinkingAdded, 0, " see."),
            text(1, "Hal", 0, 0, "<p>Hal</p>"),
            text(1, "lo.\n\nÄ", 0, 6, "lo.</p>"),
            text(1, "", 1, 0, "<p>Ä</p>"),
            used(ToolState::Running),
            used(ToolState::Done),
            text(3, "Done.", 0, 0, "<p>Done.</p>"),
            RunEvent { status: Some(Status::Complete), ..event(RunEventKind::RunEnded, 0, "") },
        ]
    }

    /// After the first so many events.
    fn after(count: usize) -> Message {
        let mut message = begun();
        for (at, event) in all().into_iter().take(count).enumerate() {
            apply(&mut message, at as u64 + 1, event);
        }
        message
    }

    #[test]
    fn events_make_thinking_text_and_tools_in_their_order() {
        let message = after(9);
        assert_eq!(message.text, "Hallo.\n\nÄ\n\nDone.");
        let kinds: Vec<_> = message.parts.iter().map(|part| part.kind).collect();
        assert_eq!(kinds, [PartKind::Thinking, PartKind::Text, PartKind::Tool, PartKind::Text]);
        assert_eq!(message.parts[0].text, "Let me see.");
        assert_eq!(message.parts[1].blocks, ["<p>Hallo.</p>", "<p>Ä</p>"]);
        assert_eq!(message.parts[2].tool, Some(tool(ToolState::Done)));
        assert_eq!(message.status, Status::Complete);
    }

    #[test]
    fn fetched_after_any_event_and_shown_at_any_other_the_answer_is_the_same_in_the_end() {
        for fetched in 0..=9 {
            for held in 0..=9 {
                let mut message = after(held);
                replace(&mut message, after(fetched));
                for (at, event) in all().into_iter().enumerate() {
                    apply(&mut message, at as u64 + 1, event);
                }
                assert_eq!(message, after(9), "{fetched} fetched while {held} were held");
            }
        }
    }

    #[test]
    fn what_was_fetched_replaces_an_answer_that_is_lost_or_at_an_end() {
        let mut lost = Message { run: None, ..after(9) };
        assert!(replace(&mut lost, after(3)));
        assert_eq!(lost, after(3));
        let mut ended = after(9);
        let stored = Message { run: None, cost: Some(Default::default()), ..after(9) };
        assert!(replace(&mut ended, stored.clone()));
        assert_eq!(ended, stored);
        assert!(!replace(&mut ended, stored), "nothing is another than before");
    }

    #[test]
    fn screen_readers_are_told_the_first_sentence() {
        let of = |text: &str| announcement(&Message { text: text.into(), status: Status::Complete, ..begun() });
        assert_eq!(of("# It is **0.8**. Well"), "The assistant has answered: It is 0.8.");
        assert_eq!(of("One line\nand another"), "The assistant has answered: One line");
        assert_eq!(of(&"ä".repeat(900)).chars().count(), 28 + READ_OUT);
        assert_eq!(announcement(&begun()), "");
    }
}
