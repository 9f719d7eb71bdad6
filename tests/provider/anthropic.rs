//! Anthropic's Messages API: what it refuses, and how it streams.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    wire::{Asked, Why, Wire, Wrong, tokens, tool_names, wrong},
    words,
};

/// The mark of its thoughts.
pub const SIGNATURE: &str = "EqQBCgIYAhIM1gbcDa9GJwZA2b3h";

const FIELDS: [&str; 14] = [
    "model",
    "max_tokens",
    "messages",
    "stream",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "stop_sequences",
    "metadata",
    "temperature",
    "top_p",
    "top_k",
];

/// The newer of them takes no sampling parameters.
const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];

pub fn check(headers: &HeaderMap, request: &Value) -> Result<Asked, Wrong> {
    if !headers.contains_key("x-api-key") && !headers.contains_key("authorization") {
        let message = "x-api-key header is required".to_owned();
        return Err(Wrong { status: StatusCode::UNAUTHORIZED, kind: "authentication_error", message });
    }
    let version = headers.get("anthropic-version").and_then(|version| version.to_str().ok()).unwrap_or_default();
    if !VERSIONS.contains(&version) {
        return wrong("anthropic-version: header is required");
    }
    let known = |name: &&str| FIELDS.contains(name) && (version != VERSIONS[1] || !SAMPLING.contains(name));
    let fields = request.as_object().into_iter().flat_map(Map::keys);
    if let Some(field) = fields.map(String::as_str).find(|name| !known(name)) {
        return wrong(format!("{field}: Extra inputs are not permitted"));
    }
    if request["model"].as_str().is_none_or(str::is_empty) {
        return wrong("model: Field required");
    }
    let Some(max_tokens @ 1..) = request["max_tokens"].as_u64() else { return wrong("max_tokens: Field required") };
    if request["stream"] != true {
        return wrong("stream: this fake does nothing else");
    }
    if request["thinking"]["type"] == "enabled" {
        // As far as tests ask for: these two.
        if ["claude-opus-4-7", "claude-sonnet-5"].contains(&request["model"].as_str().unwrap_or_default()) {
            return wrong(
                "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \
                 \"output_config.effort\" to control thinking behavior.",
            );
        }
        match request["thinking"]["budget_tokens"].as_u64() {
            Some(budget @ 1024..) if budget < max_tokens => {}
            Some(1024..) => return wrong("`max_tokens` must be greater than `thinking.budget_tokens`"),
            _ => return wrong("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"),
        }
    }
    let tools = request["tools"].as_array().into_iter().flatten();
    let tools = tool_names(tools.map(|tool| (&tool["name"], &tool["input_schema"])), 128)?;
    let turns = turns(&request["messages"])?;
    check_tools(&turns, &tools)?;
    let (role, last) = turns.last().expect("one");
    if role == "assistant" {
        return wrong(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        );
    }
    let result = last.iter().rev().find(|block| block["type"] == "tool_result").map(|block| text_of(&block["content"]));
    let is_text = |block: &&Value| block["type"] == "text";
    let people = turns.iter().rev().filter(|(role, _)| role == "user").flat_map(|(_, blocks)| blocks.iter().rev());
    let question = people.clone().find(is_text).map(|block| text_of(&block["text"])).unwrap_or_default();
    Ok(Asked {
        question,
        messages: request["messages"].as_array().map_or(0, Vec::len),
        result: result.filter(|_| !last.iter().any(|block| block["type"] == "text")),
        tools,
        input_tokens: tokens(&request["messages"]) + tokens(&request["system"]),
    })
}

/// Roles and blocks; turns of one role that follow one another are one.
fn turns(messages: &Value) -> Result<Vec<(String, Vec<Value>)>, Wrong> {
    let mut turns: Vec<(String, Vec<Value>)> = Vec::new();
    for (at, message) in messages.as_array().into_iter().flatten().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !["user", "assistant"].contains(&role) {
            return wrong(format!("messages.{at}.role: Input should be 'user' or 'assistant'"));
        }
        let blocks = match &message["content"] {
            Value::String(text) => vec![json!({ "type": "text", "text": text })],
            Value::Array(blocks) if !blocks.is_empty() => blocks.clone(),
            _ => return wrong(format!("messages.{at}: all messages must have non-empty content")),
        };
        for block in &blocks {
            match block["type"].as_str() {
                Some("text") if block["text"].as_str().is_none_or(|text| text.trim().is_empty()) => {
                    return wrong(format!("messages.{at}: text content blocks must contain non-whitespace text"));
                }
                Some("thinking") if block["signature"] != SIGNATURE => {
                    return wrong(format!("messages.{at}: Invalid `signature` in `thinking` block"));
                }
                Some("tool_use") if !block["input"].is_object() => {
                    return wrong(format!("messages.{at}.tool_use.input: Input should be a valid dictionary"));
                }
                Some("text" | "thinking" | "tool_use" | "tool_result") => {}
                _ => return wrong(format!("messages.{at}.content: unknown block")),
            }
        }
        match turns.last_mut() {
            Some((last, merged)) if last == role => merged.extend(blocks),
            _ => turns.push((role.to_owned(), blocks)),
        }
    }
    match turns.first() {
        None => wrong("messages: at least one message is required"),
        Some((role, _)) if role != "user" => wrong("messages: first message must use the \"user\" role"),
        Some(_) => Ok(turns),
    }
}

/// Each call is answered in the next turn, first of all, and nothing else is.
fn check_tools(turns: &[(String, Vec<Value>)], tools: &[String]) -> Result<(), Wrong> {
    let ids = |blocks: &[Value], kind: &str, id: &str| -> BTreeSet<String> {
        blocks.iter().filter(|block| block["type"] == kind).map(|block| text_of(&block[id])).collect()
    };
    let mut open = BTreeSet::new();
    for (at, (_, blocks)) in turns.iter().enumerate() {
        let results = ids(blocks, "tool_result", "tool_use_id");
        if let Some(stray) = results.difference(&open).next() {
            return wrong(format!(
                "messages.{at}.content: unexpected `tool_use_id` found in `tool_result` blocks: {stray}. Each \
                 `tool_result` block must have a corresponding `tool_use` block in the previous message."
            ));
        }
        if let Some(missing) = open.difference(&results).next() {
            return wrong(format!("messages.{at}: `tool_use` ids were found without `tool_result` blocks: {missing}"));
        }
        let is_result = |block: &Value| block["type"] == "tool_result";
        if blocks.iter().skip_while(|block| is_result(block)).any(is_result) {
            return wrong(format!("messages.{at}: `tool_result` blocks must come first"));
        }
        open = ids(blocks, "tool_use", "id");
        if tools.is_empty() && !(open.is_empty() && results.is_empty()) {
            return wrong("Requests which have `tool_use` or `tool_result` blocks in messages must define tools");
        }
    }
    Ok(())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// Writes an answer's events.
pub struct Anthropic {
    pub model: String,
    pub number: usize,
    index: usize,
    open: Option<&'static str>,
}

impl Anthropic {
    pub fn new(model: &str, number: usize) -> Self {
        Self { model: model.to_owned(), number, index: 0, open: None }
    }

    /// The end of the block that is open, unless it is of this kind, and the beginning of one that is.
    fn block(&mut self, kind: &'static str, begin: Value) -> String {
        if self.open == Some(kind) && kind != "tool_use" {
            return String::new();
        }
        let mut out = self.close();
        self.open = Some(kind);
        out += &event(json!({ "type": "content_block_start", "index": self.index, "content_block": begin }));
        out
    }

    fn close(&mut self) -> String {
        if self.open.take().is_none() {
            return String::new();
        }
        self.index += 1;
        event(json!({ "type": "content_block_stop", "index": self.index - 1 }))
    }

    fn delta(&self, delta: Value) -> String {
        event(json!({ "type": "content_block_delta", "index": self.index, "delta": delta }))
    }
}

impl Wire for Anthropic {
    fn begin(&mut self, input_tokens: u32) -> String {
        let message = json!({
            "id": format!("msg_{}", self.number), "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": input_tokens, "output_tokens": 1 },
        });
        event(json!({ "type": "message_start", "message": message })) + &event(json!({ "type": "ping" }))
    }

    fn thought(&mut self, text: &str) -> String {
        let mut out = self.block("thinking", json!({ "type": "thinking", "thinking": "", "signature": "" }));
        out += &self.delta(json!({ "type": "thinking_delta", "thinking": text }));
        if words::THOUGHTS.last() == Some(&text) {
            out += &self.delta(json!({ "type": "signature_delta", "signature": SIGNATURE }));
        }
        out
    }

    fn text(&mut self, text: &str) -> String {
        let mut out = self.block("text", json!({ "type": "text", "text": "" }));
        // As `delta` would, but without a tree for each word.
        let text = Value::from(text);
        let index = self.index;
        out += &format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"text_delta\",\"text\":{text}}}}}\n\n"
        );
        out
    }

    fn call(&mut self, name: &str, input: &Map<String, Value>) -> String {
        let id = format!("toolu_{}_{}", self.number, self.index);
        let mut out = self.block("tool_use", json!({ "type": "tool_use", "id": id, "name": name, "input": {} }));
        let input = if input.is_empty() { String::new() } else { Value::from(input.clone()).to_string() };
        out += &self.delta(json!({ "type": "input_json_delta", "partial_json": "" }));
        let parts = input.chars().collect::<Vec<_>>();
        for part in parts.chunks(7) {
            out += &self.delta(json!({ "type": "input_json_delta", "partial_json": part.iter().collect::<String>() }));
        }
        out
    }

    fn refusal(&mut self) -> String {
        self.text("I cannot ")
    }

    fn end(&mut self, why: Why, (_, output): (u32, u32)) -> String {
        let reason = match why {
            Why::Done => "end_turn",
            Why::TooLong => "max_tokens",
            Why::Refused => "refusal",
            Why::Tools => "tool_use",
        };
        let delta = json!({ "stop_reason": reason, "stop_sequence": null });
        self.close()
            + &event(json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": output } }))
            + &event(json!({ "type": "message_stop" }))
    }

    fn error(&mut self) -> String {
        event(json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }))
    }
}

/// The official client passes over events without a name.
fn event(data: Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a type"))
}
