//! What was said in a conversation: turns, and their parts. Nothing of how a provider writes them.

use serde::{Deserialize, Serialize};

/// Who said something in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    User,
    Assistant,
}

/// The results of calls are in a turn of the user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Text(String),
    /// What the model thought, and the mark by which its provider knows it again. Without the mark it is not sent back.
    Thinking {
        text: String,
        signature: Option<String>,
    },
    Call(Call),
    Result(CallResult),
}

/// A model asks for one of its tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub id: String,
    pub name: String,
    /// As the model wrote it: whether it is what the tool's schema says, or an object at all, is not checked here.
    pub input: serde_json::Value,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResult {
    /// The id of the call.
    pub call: String,
    pub output: String,
    pub failed: bool,
}

/// Something that a model may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Up to 64 letters, digits, `_` and `-`: what all providers take.
    pub name: String,
    pub description: String,
    /// JSON schema of an object.
    pub input: serde_json::Value,
}

impl Turn {
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, parts: vec![Part::Text(text.into())] }
    }

    /// Asks for the rest of the answer before it.
    pub fn go_on() -> Self {
        Self::user(GO_ON)
    }

    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, parts: vec![Part::Text(text.into())] }
    }

    /// Its texts, one after the other.
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// How long its texts are, in characters.
    pub fn chars(&self) -> usize {
        let of = |part: &Part| if let Part::Text(text) = part { text.chars().count() } else { 0 };
        self.parts.iter().map(of).sum()
    }

    /// Whether a person said this: it is no result of a call.
    pub fn is_asked(&self) -> bool {
        self.role == Role::User && !self.has_results()
    }

    pub fn asks_to_go_on(&self) -> bool {
        self.is_asked() && self.text() == GO_ON
    }

    fn has_results(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Result(_)))
    }
}

/// What an answer that broke off is continued with. The last word is always a person's: models refuse an answer that is
/// begun for them.
const GO_ON: &str = "Your answer broke off. Continue it exactly where it ended, without repeating anything and without \
     an introduction.";

/// How many messages these turns are, as people count: an answer is one, however often it called tools on the way.
pub fn messages_in(turns: &[Turn]) -> usize {
    let goes_on = |at: usize, turn: &Turn| {
        turn.role == Role::Assistant && at.checked_sub(1).is_some_and(|before| turns[before].has_results())
    };
    turns.iter().enumerate().filter(|(at, turn)| !turn.has_results() && !goes_on(*at, turn)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_said_is_no_message_and_nothing_that_people_wrote() {
        let call =
            Part::Call(Call { id: "a".into(), name: "search".into(), input: serde_json::json!({ "words": "x" }) });
        let result = Part::Result(CallResult { call: "a".into(), output: "long".repeat(1_000), failed: false });
        let answer = |parts| Turn { role: Role::Assistant, parts };
        let turns = [
            Turn::user("What?"),
            answer(vec![Part::Text("Let me look.".into()), call]),
            Turn { role: Role::User, parts: vec![result] },
            answer(vec![Part::Thinking { text: "Hm.".into(), signature: None }, Part::Text("That.".into())]),
            Turn::user("And?"),
            Turn::assistant("This."),
            Turn::user("Well"),
        ];
        assert_eq!(turns.iter().map(Turn::chars).collect::<Vec<_>>(), [5, 12, 0, 5, 4, 5, 4]);
        assert_eq!((messages_in(&turns), messages_in(&turns[..4]), messages_in(&[])), (5, 2, 0));
    }
}
