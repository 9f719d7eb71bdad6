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

    /// How long all of it is, in characters: calls and their results too.
    pub fn chars(&self) -> usize {
        let chars = |text: &str| text.chars().count();
        let of = |part: &Part| match part {
            Part::Text(text) | Part::Thinking { text, .. } => chars(text),
            Part::Call(call) => chars(&call.name) + chars(&call.input.to_string()),
            Part::Result(result) => chars(&result.output),
        };
        self.parts.iter().map(of).sum()
    }

    /// Whether a person said this: it is no result of a call.
    pub fn is_asked(&self) -> bool {
        self.role == Role::User && !self.parts.iter().any(|part| matches!(part, Part::Result(_)))
    }
}
