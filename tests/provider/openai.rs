//! OpenAI's chat completions: what they refuse, and how they are streamed.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use super::wire::{Asked, Why, Wire, Wrong, tokens, tool_names, wrong};

pub fn check(_: &HeaderMap, request: &Value) -> Result<Asked, Wrong> {
    if request["model"].as_str().is_none_or(str::is_empty) {
        return wrong("you must provide a model parameter");
    }
    if request["stream"] != true {
        return wrong("stream: this fake does nothing else");
    }
    let tools = request["tools"].as_array().into_iter().flatten();
    let tools = tool_names(tools.map(|tool| (&tool["function"]["name"], &tool["function"]["parameters"])), 64)?;
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    check_messages(&messages)?;
    let Some(last) = messages.last() else { return wrong("[] is too short - 'messages'") };
    if last["role"] == "assistant" {
        return wrong("Cannot continue an assistant message: the conversation must end with a user message.");
    }
    let of = |role: &str| messages.iter().rev().find(|message| message["role"] == role);
    let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    Ok(Asked {
        question: of("user").map(text).unwrap_or_default(),
        messages: messages.iter().filter(|message| message["role"] != "system").count(),
        result: (last["role"] == "tool").then(|| text(last)),
        tools,
        input_tokens: tokens(&request["messages"]),
    })
}

fn check_messages(messages: &[Value]) -> Result<(), Wrong> {
    let mut open = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        let id = message["tool_call_id"].as_str().unwrap_or_default();
        if role == "tool" && !open.remove(id) {
            return wrong(
                "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.".to_owned(),
            );
        }
        if role != "tool" && !open.is_empty() {
            return wrong(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each.",
            );
        }
        let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
        for call in &calls {
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            if serde_json::from_str::<Map<String, Value>>(arguments).is_err() || call["id"].as_str().is_none() {
                return wrong(format!("Invalid 'messages[{at}].tool_calls[0]'"));
            }
        }
        open = if role == "tool" {
            open
        } else {
            calls.iter().filter_map(|call| call["id"].as_str().map(str::to_owned)).collect()
        };
        match (role, &message["content"]) {
            ("system" | "developer" | "user" | "tool" | "assistant", Value::String(_)) => {}
            ("assistant", Value::Null) if !calls.is_empty() => {}
            ("system" | "developer" | "user" | "tool" | "assistant", _) => {
                return wrong(format!("Invalid value for 'content': expected a string, got null: messages[{at}]"));
            }
            _ => return wrong(format!("Invalid value: '{role}': messages[{at}].role")),
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        wrong("An assistant message with 'tool_calls' must be followed by tool messages.")
    }
}

/// Writes an answer's chunks.
pub struct OpenAi {
    model: String,
    number: usize,
    calls: usize,
}

impl OpenAi {
    pub fn new(model: &str, number: usize) -> Self {
        Self { model: model.to_owned(), number, calls: 0 }
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> String {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
        self.frame(json!([choice]), Value::Null)
    }

    fn frame(&self, choices: Value, usage: Value) -> String {
        let id = format!("chatcmpl-{}", self.number);
        let model = &self.model;
        let data = json!({
            "id": id, "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choices, "usage": usage,
        });
        format!("data: {data}\n\n")
    }
}

impl Wire for OpenAi {
    fn begin(&mut self, _: u32) -> String {
        self.chunk(json!({ "role": "assistant", "content": "", "refusal": null }), None)
    }

    fn thought(&mut self, text: &str) -> String {
        self.chunk(json!({ "reasoning_content": text }), None)
    }

    fn text(&mut self, text: &str) -> String {
        self.chunk(json!({ "content": text }), None)
    }

    fn call(&mut self, name: &str, input: &Map<String, Value>) -> String {
        let index = self.calls;
        self.calls += 1;
        let id = format!("call_{}_{index}", self.number);
        let function = json!({ "name": name, "arguments": "" });
        let begin = json!({ "index": index, "id": id, "type": "function", "function": function });
        let mut out = self.chunk(json!({ "tool_calls": [begin] }), None);
        for part in Value::from(input.clone()).to_string().chars().collect::<Vec<_>>().chunks(7) {
            let arguments = part.iter().collect::<String>();
            let part = json!({ "index": index, "function": { "arguments": arguments } });
            out += &self.chunk(json!({ "tool_calls": [part] }), None);
        }
        out
    }

    fn refusal(&mut self) -> String {
        self.chunk(json!({ "refusal": "I cannot do that." }), None)
    }

    fn end(&mut self, why: Why, (input, output): (u32, u32)) -> String {
        let reason = match why {
            Why::Done => "stop",
            Why::TooLong => "length",
            Why::Refused => "content_filter",
            Why::Tools => "tool_calls",
        };
        let usage = json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
        self.chunk(json!({}), Some(reason)) + &self.frame(json!([]), usage) + "data: [DONE]\n\n"
    }

    fn error(&mut self) -> String {
        let error = json!({ "message": "Overloaded", "type": "server_error", "param": null, "code": null });
        format!("data: {}\n\n", json!({ "error": error }))
    }
}
