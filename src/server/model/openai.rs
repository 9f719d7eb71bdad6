//! Any server that answers OpenAI's chat completions, streamed: Ollama, vLLM, llama.cpp, OpenRouter, OpenAI.

use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Model, ModelError, Piece, Prompt, Role, Stop, Usage, upstream::Upstream};

#[derive(Debug)]
pub struct OpenAi {
    pub upstream: Upstream,
    /// Empty where none is needed.
    pub key: String,
    pub model: String,
    /// With its `/v1`.
    pub base_url: String,
}

impl Model for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    fn is_paid(&self) -> bool {
        true
    }

    fn answer(&self, prompt: Prompt) -> Answer {
        let role = |role| if role == Role::User { "user" } else { "assistant" };
        let system = (!prompt.system.is_empty()).then(|| json!({ "role": "system", "content": prompt.system }));
        let turns = prompt.turns.iter().map(|turn| json!({ "role": role(turn.role), "content": turn.text }));
        let body = json!({
            "model": self.model,
            "max_tokens": prompt.max_tokens,
            "messages": system.into_iter().chain(turns).collect::<Vec<_>>(),
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let url = format!("{}/chat/completions", self.base_url.trim_end_matches('/'));
        let request = self.upstream.client.post(url).json(&body);
        let request = if self.key.is_empty() { request } else { request.bearer_auth(&self.key) };
        let mut reading = Reading::default();
        let pieces = self.upstream.events(request).map(move |event| event.and_then(|event| reading.read(&event.data)));
        super::ended(pieces.flat_map(|pieces| match pieces {
            Ok(pieces) => stream::iter(pieces.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        }))
    }
}

/// An answer being read. Pure.
#[derive(Debug, Default)]
struct Reading {
    stop: Option<Stop>,
}

#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counted>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
    /// What vLLM, llama.cpp and others call it; OpenRouter says `reasoning`.
    #[serde(alias = "reasoning")]
    reasoning_content: Option<String>,
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Counted {
    prompt_tokens: u32,
    completion_tokens: u32,
}

impl Reading {
    fn read(&mut self, data: &str) -> Result<Vec<Piece>, ModelError> {
        // The count of tokens comes after the reason why it ended, so the end is told at the very end.
        if data == "[DONE]" {
            return Ok(vec![Piece::Stopped(self.stop.unwrap_or(Stop::Done))]);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| {
            tracing::warn!(%error, "a model's event cannot be read");
            ModelError::Broken
        })?;
        if let Some(error) = chunk.error {
            tracing::warn!(%error, "a model's answer ended in an error");
            return Err(ModelError::Broken);
        }
        let mut pieces = Vec::new();
        for Choice { delta, finish_reason } in chunk.choices.into_iter().take(1) {
            let given = |text: Option<String>| text.filter(|text| !text.is_empty());
            pieces.extend(given(delta.reasoning_content).map(Piece::Thinking));
            pieces.extend(given(delta.content).map(Piece::Text));
            if given(delta.refusal).is_some() {
                self.stop = Some(Stop::Refused);
            }
            self.stop = match finish_reason.as_deref() {
                None => self.stop,
                Some("length") => Some(Stop::TooLong),
                Some("content_filter") => Some(Stop::Refused),
                Some(_) => self.stop.or(Some(Stop::Done)),
            };
        }
        pieces.extend(chunk.usage.map(|counted| {
            Piece::Usage(Usage { input_tokens: counted.prompt_tokens, output_tokens: counted.completion_tokens })
        }));
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_contents_then_its_usage_then_its_end() {
        let mut reading = Reading::default();
        let events = [
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"reasoning":"hm"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"Good"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#,
            "[DONE]",
        ];
        let pieces: Vec<_> = events.iter().flat_map(|event| reading.read(event).unwrap()).collect();
        let usage = Piece::Usage(Usage { input_tokens: 5, output_tokens: 7 });
        let expected = [Piece::Thinking("hm".into()), Piece::Text("Good".into()), usage, Piece::Stopped(Stop::TooLong)];
        assert_eq!(pieces, expected);
        assert_eq!(reading.read(r#"{"error":{"message":"no"}}"#), Err(ModelError::Broken));
    }
}
