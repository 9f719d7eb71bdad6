//! Anthropic's Messages API, streamed. What its events mean is in its documentation of streaming; what is unknown is passed
//! over, as it asks.

use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Model, ModelError, Piece, Prompt, Role, Stop, Usage, upstream::Upstream};

#[derive(Debug)]
pub struct Anthropic {
    pub upstream: Upstream,
    pub key: String,
    pub model: String,
    pub base_url: String,
    pub version: String,
}

impl Model for Anthropic {
    fn name(&self) -> &str {
        &self.model
    }

    fn is_paid(&self) -> bool {
        true
    }

    fn answer(&self, prompt: Prompt) -> Answer {
        let role = |role| if role == Role::User { "user" } else { "assistant" };
        let messages: Vec<_> =
            prompt.turns.iter().map(|turn| json!({ "role": role(turn.role), "content": turn.text })).collect();
        let mut body = json!({
            "model": self.model, "max_tokens": prompt.max_tokens, "messages": messages, "stream": true,
        });
        if !prompt.system.is_empty() {
            body["system"] = prompt.system.into();
        }
        let url = format!("{}/v1/messages", self.base_url.trim_end_matches('/'));
        let request = self.upstream.client.post(url).json(&body);
        let request = request.header("x-api-key", &self.key).header("anthropic-version", &self.version);
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
    usage: Usage,
    stop: Option<Stop>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    MessageDelta {
        delta: Change,
        #[serde(default)]
        usage: Counted,
    },
    MessageStop,
    Error {
        error: Error,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Started {
    #[serde(default)]
    usage: Counted,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Change {
    stop_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Counted {
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Error {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

impl Reading {
    fn read(&mut self, data: &str) -> Result<Vec<Piece>, ModelError> {
        let event = serde_json::from_str(data).map_err(|error| {
            tracing::warn!(%error, "a model's event cannot be read");
            ModelError::Broken
        })?;
        Ok(match event {
            Event::MessageStart { message } => vec![self.count(&message.usage)],
            Event::ContentBlockDelta { delta: Delta::Text { text } } => vec![Piece::Text(text)],
            Event::ContentBlockDelta { delta: Delta::Thinking { thinking } } => vec![Piece::Thinking(thinking)],
            Event::MessageDelta { delta, usage } => {
                self.stop = match delta.stop_reason.as_deref() {
                    None => self.stop,
                    Some("max_tokens" | "model_context_window_exceeded") => Some(Stop::TooLong),
                    Some("refusal") => Some(Stop::Refused),
                    Some(_) => Some(Stop::Done),
                };
                vec![self.count(&usage)]
            }
            Event::MessageStop => vec![Piece::Stopped(self.stop.unwrap_or(Stop::Done))],
            Event::Error { error } => {
                tracing::warn!(kind = error.kind, message = error.message, "a model's answer ended in an error");
                return Err(match error.kind.as_str() {
                    "overloaded_error" | "rate_limit_error" => ModelError::Busy { retry_after: None },
                    _ => ModelError::Broken,
                });
            }
            Event::ContentBlockDelta { .. } | Event::Other => Vec::new(),
        })
    }

    /// The counts of a stream are cumulative.
    fn count(&mut self, counted: &Counted) -> Piece {
        self.usage.input_tokens = counted.input_tokens.unwrap_or(self.usage.input_tokens);
        self.usage.output_tokens = counted.output_tokens.unwrap_or(self.usage.output_tokens);
        Piece::Usage(self.usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(events: &[&str]) -> Result<Vec<Piece>, ModelError> {
        let mut reading = Reading::default();
        let pieces: Result<Vec<_>, _> = events.iter().map(|event| reading.read(event)).collect();
        Ok(pieces?.concat())
    }

    #[test]
    fn an_answer_is_its_texts_in_order_and_what_is_unknown_is_passed_over() {
        let pieces = read(&[
            r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":9,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Good "}}"#,
            r#"{"type":"something_new","a":[1]}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"morning"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}}"#,
            r#"{"type":"message_stop"}"#,
        ]);
        let usage = |output_tokens| Piece::Usage(Usage { input_tokens: 9, output_tokens });
        let text = |text: &str| Piece::Text(text.into());
        let expected = vec![
            usage(1),
            Piece::Thinking("hm".into()),
            text("Good "),
            text("morning"),
            usage(12),
            Piece::Stopped(Stop::Done),
        ];
        assert_eq!(pieces, Ok(expected));
    }

    #[test]
    fn why_an_answer_ended_is_told() {
        for (reason, stop) in [("max_tokens", Stop::TooLong), ("refusal", Stop::Refused), ("stop_sequence", Stop::Done)]
        {
            let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#);
            assert_eq!(read(&[&delta, r#"{"type":"message_stop"}"#]).unwrap().last(), Some(&Piece::Stopped(stop)));
        }
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        assert_eq!(read(&[error]), Err(ModelError::Busy { retry_after: None }));
        assert_eq!(read(&["{"]), Err(ModelError::Broken));
    }
}
