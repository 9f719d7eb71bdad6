//! Any server that answers OpenAI's chat completions, streamed: Ollama, vLLM, llama.cpp, OpenRouter, OpenAI. What it is asked;
//! what it answers is in `reading.rs`.

pub(super) mod reading;

use std::fmt;

use serde_json::{Value, json};

use super::{Answer, Model, Part, Prompt, Role, Tool, Turn, upstream::Upstream};
use reading::OpenAiReading;

pub struct OpenAi {
    pub upstream: Upstream,
    /// Empty where none is needed.
    pub key: String,
    pub model: String,
    /// With its `/v1`.
    pub base_url: String,
    pub window: u32,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a secret.
        f.debug_struct("OpenAi").field("model", &self.model).finish_non_exhaustive()
    }
}

impl Model for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    fn is_paid(&self) -> bool {
        true
    }

    fn takes_tools(&self) -> bool {
        true
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn answer(&self, prompt: Prompt) -> Answer {
        let url = format!("{}/chat/completions", self.base_url.trim_end_matches('/'));
        let request = self.upstream.client.post(url).json(&body(&self.model, &self.base_url, &prompt));
        let request = if self.key.is_empty() { request } else { request.bearer_auth(&self.key) };
        self.upstream.answer(request, OpenAiReading::default(), prompt.max_tokens)
    }
}

fn body(model: &str, base_url: &str, prompt: &Prompt) -> Value {
    let system = (!prompt.system.is_empty()).then(|| json!({ "role": "system", "content": prompt.system }));
    let mut body = json!({
        "model": model,
        "messages": system.into_iter().chain(prompt.turns.iter().flat_map(messages)).collect::<Vec<_>>(),
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    // OpenAI's own newer models refuse the name that all others know.
    let most = if base_url.contains("://api.openai.com") { "max_completion_tokens" } else { "max_tokens" };
    body[most] = prompt.max_tokens.into();
    if !prompt.tools.is_empty() {
        body["tools"] = prompt.tools.iter().map(tool).collect();
    }
    body
}

fn tool(Tool { name, description, input }: &Tool) -> Value {
    json!({ "type": "function", "function": { "name": name, "description": description, "parameters": input } })
}

/// A turn with results is a message for each.
fn messages(turn: &Turn) -> Vec<Value> {
    let text = turn.text();
    let mut messages = Vec::new();
    let mut calls = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Result(result) => {
                let content =
                    if result.failed { format!("This failed: {}", result.output) } else { result.output.clone() };
                messages.push(json!({ "role": "tool", "tool_call_id": result.call, "content": content }));
            }
            Part::Call(call) => {
                // What a model has written that is no object, its own server refuses; and with it all that is asked after it.
                let arguments = if call.input.is_object() { call.input.to_string() } else { "{}".to_owned() };
                let function = json!({ "name": call.name, "arguments": arguments });
                calls.push(json!({ "id": call.id, "type": "function", "function": function }));
            }
            // Thoughts do not go back.
            Part::Text(_) | Part::Thinking { .. } => {}
        }
    }
    let is_empty = text.trim().is_empty();
    match turn.role {
        Role::User if is_empty => {}
        Role::User => messages.push(json!({ "role": "user", "content": text })),
        Role::Assistant if calls.is_empty() && is_empty => {}
        Role::Assistant if calls.is_empty() => messages.push(json!({ "role": "assistant", "content": text })),
        Role::Assistant => {
            let content = if is_empty { Value::Null } else { text.into() };
            messages.push(json!({ "role": "assistant", "content": content, "tool_calls": calls }));
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::model::{Call, CallResult};

    #[test]
    fn a_conversation_with_tools_is_written_as_these_servers_take_it() {
        let call = |id: &str| Part::Call(Call { id: id.into(), name: "search".into(), input: json!({ "for": "x" }) });
        let result = |id: &str, failed| Part::Result(CallResult { call: id.into(), output: "7".into(), failed });
        let thought = Part::Thinking { text: "hm".into(), signature: Some("mark".into()) };
        let prompt = Prompt {
            system: "Be brief.".into(),
            turns: vec![
                Turn::user("How many?"),
                Turn { role: Role::Assistant, parts: vec![thought, call("a"), call("b")] },
                Turn {
                    role: Role::User,
                    parts: vec![result("a", false), result("b", true), Part::Text("And?".into())],
                },
                Turn::assistant("Seven."),
                Turn::user("Thanks"),
            ],
            tools: vec![Tool {
                name: "search".into(),
                description: "Finds.".into(),
                input: json!({ "type": "object" }),
            }],
            max_tokens: 9,
        };
        let called = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "search", "arguments": "{\"for\":\"x\"}" } });
        let function = json!({ "name": "search", "description": "Finds.", "parameters": { "type": "object" } });
        let expected = json!({
            "model": "m", "max_tokens": 9, "stream": true, "stream_options": { "include_usage": true },
            "tools": [{ "type": "function", "function": function }],
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "How many?" },
                { "role": "assistant", "content": null, "tool_calls": [called("a"), called("b")] },
                { "role": "tool", "tool_call_id": "a", "content": "7" },
                { "role": "tool", "tool_call_id": "b", "content": "This failed: 7" },
                { "role": "user", "content": "And?" },
                { "role": "assistant", "content": "Seven." },
                { "role": "user", "content": "Thanks" },
            ],
        });
        assert_eq!(body("m", "http://localhost/v1", &prompt), expected);
        let strange = Part::Call(Call { id: "c".into(), name: "search".into(), input: json!([7]) });
        let strange = messages(&Turn { role: Role::Assistant, parts: vec![strange] });
        assert_eq!(strange[0]["tool_calls"][0]["function"]["arguments"], "{}", "no object is sent back");
        let at_openai = body("m", "https://api.openai.com/v1", &prompt);
        assert_eq!((at_openai.get("max_tokens"), &at_openai["max_completion_tokens"]), (None, &json!(9)));
    }
}
