//! An answer of the assistant as it is put together: its parts, their blocks as HTML, the events that tell of what was
//! added, and what of it is still to be stored. Pure; `runs/` fills it.

use serde::{Deserialize, Serialize};

use super::text::harmless;
use crate::{
    server::{
        markdown::{self, Effort, Markdown},
        model::{Call, CallResult, Part as Said, Role, Turn},
    },
    wire::assistant::{Part, PartKind, RunEvent, RunEventKind, Status, ToolState, ToolUse},
};

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

/// What was added to one part, as it is stored meanwhile.
#[derive(Debug, Serialize, Deserialize)]
struct Added {
    part: usize,
    added: Kept,
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
    /// Goes on from what is there.
    pub fn begun(parts: Vec<Kept>) -> Self {
        let rendered = parts.iter().map(|part| match part {
            Kept::Text { text } => {
                let mut blocks = Markdown::default();
                blocks.push(text);
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

    pub fn sign_thinking(&mut self, given: String) {
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

    /// What was added since the last call, as it is stored; nothing if nothing was.
    pub fn take_unsaved(&mut self) -> Option<String> {
        let unsaved = std::mem::take(&mut self.unsaved);
        if unsaved.is_empty() { None } else { serde_json::to_string(&unsaved).ok() }
    }

    pub fn parts(&self) -> &[Kept] {
        &self.parts
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

/// All that was written, as Markdown.
pub fn text(parts: &[Kept]) -> String {
    let texts = parts.iter().filter_map(|part| if let Kept::Text { text } = part { Some(text.as_str()) } else { None });
    texts.collect::<Vec<_>>().join(BETWEEN)
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

pub fn to_json(parts: &[Kept]) -> String {
    serde_json::to_string(parts).unwrap_or_else(|_| "[]".to_owned())
}

/// What is stored of an answer: whole parts, and what was added to them afterwards.
pub fn from_json(parts: &str, chunks: &[String]) -> Vec<Kept> {
    let mut parts: Vec<Kept> = serde_json::from_str(parts).unwrap_or_default();
    let added = chunks.iter().filter_map(|chunk| serde_json::from_str::<Vec<Added>>(chunk).ok()).flatten();
    for Added { part, added } in added {
        match (parts.get_mut(part), added) {
            (Some(Kept::Text { text }), Kept::Text { text: more }) => text.push_str(&more),
            (Some(Kept::Thinking { text, signature }), Kept::Thinking { text: more, signature: signed }) => {
                text.push_str(&more);
                *signature = signed.or(signature.take());
            }
            (Some(known), added) => *known = added,
            (None, added) => parts.push(added),
        }
    }
    parts
}

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

impl Status {
    /// As it is stored.
    pub(in crate::server) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::TooLong => "too-long",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
        }
    }

    pub(in crate::server) fn named(name: &str) -> Self {
        let all = [
            Self::Running,
            Self::Complete,
            Self::Stopped,
            Self::Interrupted,
            Self::TooLong,
            Self::Refused,
            Self::Waiting,
        ];
        all.into_iter().find(|status| status.name() == name).unwrap_or(Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::markdown::Patch;

    fn tool(state: ToolState) -> ToolUse {
        ToolUse {
            id: "c1".into(),
            name: "search-messages".into(),
            title: "Search".into(),
            input: r#"{"words":"tide"}"#.into(),
            output: "three".into(),
            state,
        }
    }

    fn an_answer() -> Answer {
        let mut answer = Answer::default();
        answer.add_thinking("Hm");
        answer.add_thinking(".");
        answer.sign_thinking("s".into());
        answer.add_text("Let me ");
        answer.add_text("look.");
        answer.set_tool(tool(ToolState::Running));
        answer.set_tool(tool(ToolState::Done));
        answer.add_text("There are\n\nthree.");
        answer
    }

    #[test]
    fn what_is_told_and_what_is_shown_are_the_same_however_often_it_is_told() {
        let mut answer = Answer::default();
        let mut seen: Vec<Vec<String>> = Vec::new();
        let mut follow = |answer: &mut Answer| {
            for event in answer.tell() {
                seen.resize(seen.len().max(event.part as usize + 1), Vec::new());
                event.patches.into_iter().for_each(|patch: Patch| patch.apply(&mut seen[event.part as usize]));
            }
        };
        answer.add_text("# One\n\nTwo **th");
        follow(&mut answer);
        answer.add_text("ree**\n\n```rust\nfn main() {}\n");
        answer.set_tool(tool(ToolState::Running));
        answer.add_text("after");
        follow(&mut answer);
        answer.close();
        follow(&mut answer);
        let shown: Vec<_> = shown(answer.parts(), &mut Effort::default()).into_iter().map(|part| part.blocks).collect();
        assert_eq!(seen, shown);
        assert!(answer.is_told());
    }

    #[test]
    fn in_a_room_all_of_it_is_one_text_and_told_as_it_is_shown_in_the_end() {
        let (mut text, mut seen) = (String::new(), Vec::new());
        let mut answer = Answer::whole("> @Ada: why?\n\n");
        let mut follow = |answer: &mut Answer| {
            for event in answer.tell() {
                text.push_str(&event.text);
                event.patches.into_iter().for_each(|patch: Patch| patch.apply(&mut seen));
            }
        };
        follow(&mut answer);
        for piece in ["\n ", "\u{202e}Let **me", "** look.", "\n\n```\ncode\n"] {
            answer.add_text(piece);
            follow(&mut answer);
        }
        answer.add_thinking("Hm.");
        answer.set_tool(tool(ToolState::Running));
        answer.set_tool(tool(ToolState::Done));
        answer.add_text("```\n\n- three\n- of");
        follow(&mut answer);
        answer.add_text(" them");
        answer.close();
        follow(&mut answer);
        let whole = ["> @Ada: why?\n\n", &super::text(answer.parts())].concat();
        assert_eq!(text, whole);
        assert!(whole.contains("?\n\nLet **me** look.") && whole.contains("\n\n\n```"), "{whole:?}");
        assert_eq!(seen, markdown::render(&whole));
    }

    #[test]
    fn what_is_stored_piece_by_piece_is_the_whole() {
        let mut answer = an_answer();
        let first = answer.take_unsaved().expect("something");
        assert_eq!(answer.take_unsaved(), None);
        answer.add_text(" More.");
        let chunks = [first, answer.take_unsaved().expect("more")];
        assert_eq!(from_json("[]", &chunks), answer.parts());
        assert_eq!(from_json(&to_json(answer.parts()), &[]), answer.parts());
    }

    #[test]
    fn a_model_is_shown_what_it_wrote_and_each_call_with_its_result() {
        let turns = turns(an_answer().parts());
        let roles: Vec<_> = turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, [Role::Assistant, Role::User, Role::Assistant]);
        assert!(matches!(&turns[0].parts[..], [Said::Thinking { .. }, Said::Text(_), Said::Call(_)]), "{turns:?}");
        assert!(matches!(&turns[1].parts[..], [Said::Result(CallResult { failed: false, .. })]), "{turns:?}");
        for state in [ToolState::Waiting, ToolState::Declined] {
            let mut answer = Answer::default();
            answer.set_tool(tool(state));
            let turns = super::turns(answer.parts());
            assert!(matches!(&turns[1].parts[..], [Said::Result(CallResult { failed: true, .. })]), "{turns:?}");
        }
    }

    #[test]
    fn a_status_is_stored_by_its_name() {
        for status in [Status::Running, Status::TooLong, Status::Failed, Status::Waiting, Status::Interrupted] {
            assert_eq!(Status::named(status.name()), status);
        }
    }
}
