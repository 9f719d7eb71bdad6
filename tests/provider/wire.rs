//! What the two wires have in common: a request that was looked at, and the frames of an answer.

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

/// Why a request is refused: what the real thing would say.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub status: StatusCode,
    pub kind: &'static str,
    pub message: String,
}

pub fn wrong<T>(message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { status: StatusCode::BAD_REQUEST, kind: "invalid_request_error", message: message.into() })
}

/// What matters of a request that is accepted.
#[derive(Debug)]
pub struct Asked {
    /// The last text that a person wrote.
    pub question: String,
    /// Of the conversation, without what is told to the model first.
    pub messages: usize,
    /// What a tool said, if that is what it ends with.
    pub result: Option<String>,
    pub tools: Vec<String>,
    pub input_tokens: u32,
}

/// Writes the events of one answer.
pub trait Wire: Send + 'static {
    fn begin(&mut self, input_tokens: u32) -> String;
    fn thought(&mut self, text: &str) -> String;
    fn text(&mut self, text: &str) -> String;
    fn call(&mut self, name: &str, input: &Map<String, Value>) -> String;
    fn refusal(&mut self) -> String;
    /// `usage` is what went in and came out.
    fn end(&mut self, why: Why, usage: (u32, u32)) -> String;
    /// In the middle.
    fn error(&mut self) -> String;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Done,
    TooLong,
    Refused,
    Tools,
}

/// Looks at a request as the real thing would.
pub type Check = fn(&HeaderMap, &Value) -> Result<Asked, Wrong>;

/// About as many tokens as this is.
pub fn tokens(messages: &Value) -> u32 {
    u32::try_from(messages.to_string().len() / 4).unwrap_or(u32::MAX)
}

/// The names of tools, which have to be good ones.
pub fn tool_names<'a>(tools: impl Iterator<Item = (&'a Value, &'a Value)>, most: usize) -> Result<Vec<String>, Wrong> {
    let mut names = Vec::new();
    for (at, (name, schema)) in tools.enumerate() {
        let name = name.as_str().unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > most || !name.bytes().all(plain) {
            return wrong(format!("tools.{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,{most}}}$'"));
        }
        if names.iter().any(|other| other == name) {
            return wrong("tools: Tool names must be unique.");
        }
        if schema["type"] != "object" {
            return wrong(format!("tools.{at}.input_schema.type: Input should be 'object'"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
