//! Anthropic's Messages API, streamed: what it is asked. What it answers is in `reading.rs`.

pub(super) mod reading;

use std::fmt;

use serde_json::{Value, json};

use super::{Answer, Model, Part, Prompt, Role, Tool, Turn, upstream::Upstream};
use reading::{AnthropicReading, REDACTED};

/// What its models read and write together, in tokens, unless one pays for more.
const WINDOW: u32 = 200_000;

pub struct Anthropic {
    pub upstream: Upstream,
    pub key: String,
    pub model: String,
    pub base_url: String,
    pub version: String,
    /// With 0 it is not told to think before it answers. Newer models decide by themselves how much they think.
    pub thinking_tokens: u32,
}

impl fmt::Debug for Anthropic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a secret.
        f.debug_struct("Anthropic").field("model", &self.model).finish_non_exhaustive()
    }
}

impl Model for Anthropic {
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
        WINDOW
    }

    fn answer(&self, prompt: Prompt) -> Answer {
        let url = format!("{}/v1/messages", self.base_url.trim_end_matches('/'));
        let request = self.upstream.client.post(url).json(&body(&self.model, self.thinking_tokens, &prompt));
        let request = request.header("x-api-key", &self.key).header("anthropic-version", &self.version);
        self.upstream.answer(request, AnthropicReading::default(), prompt.max_tokens)
    }
}

fn body(model: &str, thinking_tokens: u32, prompt: &Prompt) -> Value {
    let mut body = json!({
        "model": model,
        "max_tokens": prompt.max_tokens,
        "messages": messages(&prompt.turns),
        "stream": true,
    });
    if !prompt.system.is_empty() {
        body["system"] = prompt.system.as_str().into();
    }
    if thinking_tokens > 0 {
        body["thinking"] = match decides_by_itself(model) {
            // What it thinks would be left out otherwise.
            true => json!({ "type": "adaptive", "display": "summarized" }),
            false => json!({ "type": "enabled", "budget_tokens": thinking_tokens }),
        };
    }
    if !prompt.tools.is_empty() {
        body["tools"] = prompt.tools.iter().map(tool).collect();
    }
    body
}

/// Whether a model thinks as much as it likes: since Claude 4.6, and since 4.7 a budget is refused. Its version stands in its
/// name, as in `claude-sonnet-4-6` or `claude-opus-5`; a long number is a date.
fn decides_by_itself(model: &str) -> bool {
    let numbers = |name: &str| -> Vec<u32> {
        name.split('-').filter(|part| part.len() < 4).filter_map(|part| part.parse().ok()).collect()
    };
    let Some((_, name)) = model.split_once("claude-") else { return false };
    match numbers(name).as_slice() {
        [] => false,
        [major] => *major >= 5,
        [major, minor, ..] => (*major, *minor) >= (4, 6),
    }
}

fn tool(Tool { name, description, input }: &Tool) -> Value {
    json!({ "name": name, "description": description, "input_schema": input })
}

fn messages(turns: &[Turn]) -> Vec<Value> {
    // A thought goes back only while the tools are at work that it asked for; the provider wants no older ones. Some models
    // think without being told to.
    let asked = turns.iter().rposition(Turn::is_asked).unwrap_or(0);
    let message = |(at, turn): (usize, &Turn)| {
        let role = if turn.role == Role::User { "user" } else { "assistant" };
        let content = match turn.parts.as_slice() {
            [Part::Text(text)] if !text.trim().is_empty() => json!(text),
            parts => {
                let (results, others): (Vec<_>, Vec<_>) =
                    parts.iter().partition(|part| matches!(part, Part::Result(_)));
                let blocks: Vec<_> =
                    results.into_iter().chain(others).filter_map(|part| block(part, at > asked)).collect();
                // No content at all is refused.
                (!blocks.is_empty()).then(|| json!(blocks))?
            }
        };
        Some(json!({ "role": role, "content": content }))
    };
    turns.iter().enumerate().filter_map(message).collect()
}

fn block(part: &Part, with_thoughts: bool) -> Option<Value> {
    Some(match part {
        // A text of nothing but spaces is refused.
        Part::Text(text) => (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }))?,
        Part::Thinking { text, signature } => {
            let signature = signature.as_ref().filter(|_| with_thoughts)?;
            match signature.strip_prefix(REDACTED) {
                Some(data) => json!({ "type": "redacted_thinking", "data": data }),
                None => json!({ "type": "thinking", "thinking": text, "signature": signature }),
            }
        }
        Part::Call(call) => {
            let input = if call.input.is_object() { call.input.clone() } else { json!({}) };
            json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
        }
        Part::Result(result) => json!({
            "type": "tool_result", "tool_use_id": result.call, "content": result.output, "is_error": result.failed,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::model::{Call, CallResult};

    #[test]
    fn a_turn_of_tools_goes_back_with_the_thought_that_led_to_it_and_older_thoughts_do_not() {
        let thought =
            |signature: Option<&str>| Part::Thinking { text: "hm".into(), signature: signature.map(Into::into) };
        let call = Part::Call(Call { id: "t1".into(), name: "search".into(), input: json!({ "for": "x" }) });
        let result = Part::Result(CallResult { call: "t1".into(), output: "7".into(), failed: true });
        let prompt = Prompt {
            system: "Be brief.".into(),
            turns: vec![
                Turn::user("Good morning"),
                Turn { role: Role::Assistant, parts: vec![thought(Some("old")), Part::Text("Yes?".into())] },
                Turn::user("How many?"),
                Turn {
                    role: Role::Assistant,
                    parts: vec![
                        thought(Some("mark")),
                        thought(Some("redacted data")),
                        thought(None),
                        Part::Text(" ".into()),
                        call,
                    ],
                },
                Turn { role: Role::User, parts: vec![Part::Text("And?".into()), result] },
                Turn { role: Role::Assistant, parts: vec![Part::Text(String::new())] },
            ],
            tools: vec![Tool {
                name: "search".into(),
                description: "Finds.".into(),
                input: json!({ "type": "object" }),
            }],
            max_tokens: 9,
        };
        let thinking = json!({ "type": "thinking", "thinking": "hm", "signature": "mark" });
        let redacted = json!({ "type": "redacted_thinking", "data": "data" });
        let call = json!({ "type": "tool_use", "id": "t1", "name": "search", "input": { "for": "x" } });
        let result = json!({ "type": "tool_result", "tool_use_id": "t1", "content": "7", "is_error": true });
        let expected = json!({
            "model": "m", "max_tokens": 9, "stream": true, "system": "Be brief.",
            "thinking": { "type": "enabled", "budget_tokens": 5 },
            "tools": [{ "name": "search", "description": "Finds.", "input_schema": { "type": "object" } }],
            "messages": [
                { "role": "user", "content": "Good morning" },
                { "role": "assistant", "content": [{ "type": "text", "text": "Yes?" }] },
                { "role": "user", "content": "How many?" },
                { "role": "assistant", "content": [thinking, redacted, call] },
                { "role": "user", "content": [result, { "type": "text", "text": "And?" }] },
            ],
        });
        assert_eq!(body("m", 5, &prompt), expected);

        let without = body("m", 0, &Prompt { system: String::new(), tools: Vec::new(), ..prompt });
        assert!(["system", "thinking", "tools"].iter().all(|field| without.get(field).is_none()), "{without}");
    }

    #[test]
    fn each_model_is_told_to_think_as_it_takes_it() {
        let prompt = Prompt { system: String::new(), turns: vec![Turn::user("?")], tools: Vec::new(), max_tokens: 9 };
        let thinking = |model: &str| body(model, 5, &prompt)["thinking"]["type"].clone();
        for model in [
            "claude-sonnet-4-6",
            "claude-opus-4-7",
            "claude-sonnet-5",
            "claude-opus-5-5",
            "anthropic.claude-opus-4-8-v1",
        ] {
            assert_eq!(thinking(model), "adaptive", "{model}");
        }
        for model in
            ["claude-haiku-4-5-20251001", "claude-sonnet-4-5", "claude-3-7-sonnet-20250219", "claude-2", "glm-5"]
        {
            assert_eq!(thinking(model), "enabled", "{model}");
        }
    }
}
