//! What the events of Anthropic's stream mean, as its documentation of streaming says; what is unknown is passed over, as it
//! asks. Fields are read flat and by name: reading a tagged enum would copy each event first.

use std::{borrow::Cow, collections::VecDeque};

use serde::Deserialize;

use crate::server::model::{Call, ModelError, Piece, Stop, Usage, answering::Reading};

/// Before the data of a thought that is not told: in place of a signature, which has no space in it.
pub(super) const REDACTED: &str = "redacted ";

/// An answer being read.
#[derive(Debug, Default)]
pub struct AnthropicReading {
    usage: Usage,
    stop: Option<Stop>,
    /// The call whose input is coming, as JSON in pieces.
    call: Option<(String, String, String)>,
    calls: u32,
    /// An input that is no JSON: the end tells whether it was cut.
    unreadable: bool,
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    message: Option<Started>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    usage: Option<Counted>,
    #[serde(borrow)]
    error: Option<Error<'a>>,
}

#[derive(Debug, Deserialize)]
struct Started {
    usage: Option<Counted>,
}

#[derive(Debug, Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    id: Option<String>,
    name: Option<String>,
    text: Option<String>,
    data: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta<'a> {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    #[serde(borrow)]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
struct Counted {
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Error<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl Reading for AnthropicReading {
    fn read(&mut self, data: &str, pieces: &mut VecDeque<Piece>) -> Result<(), ModelError> {
        let event: Event<'_> = match serde_json::from_str(data) {
            Ok(event) => event,
            Err(_) if is_unknown(data) => return Ok(()),
            Err(error) => {
                tracing::warn!(%error, "a model's event cannot be read");
                return Err(ModelError::Broken);
            }
        };
        match &*event.kind {
            "content_block_delta" => self.go_on(event.delta, pieces),
            "content_block_start" => self.begin(event.content_block, pieces),
            "content_block_stop" => pieces.extend(self.called().map(Piece::Call)),
            "message_start" => {
                pieces.extend(event.message.and_then(|message| message.usage).map(|usage| self.count(&usage)))
            }
            "message_delta" => {
                if let Some(reason) = event.delta.and_then(|delta| delta.stop_reason) {
                    self.stop = Some(stop(&reason));
                }
                pieces.extend(event.usage.map(|usage| self.count(&usage)));
            }
            "message_stop" => pieces.push_back(Piece::Stopped(self.stopped()?)),
            "error" => return Err(failed(event.error)),
            _ => {}
        }
        Ok(())
    }

    fn end(&self) -> Option<Stop> {
        None
    }
}

impl AnthropicReading {
    fn begin(&mut self, block: Option<Block<'_>>, pieces: &mut VecDeque<Piece>) {
        let Some(block) = block else { return };
        match (&*block.kind, block.id, block.name) {
            ("tool_use", Some(id), Some(name)) => self.call = Some((id, name, String::new())),
            ("text", ..) => pieces.extend(given(block.text).map(Piece::Text)),
            ("redacted_thinking", ..) => {
                pieces.extend(given(block.data).map(|data| Piece::Signature([REDACTED, &data].concat())))
            }
            _ => {}
        }
    }

    fn go_on(&mut self, delta: Option<Delta<'_>>, pieces: &mut VecDeque<Piece>) {
        let Some(delta) = delta else { return };
        pieces.extend(given(delta.text).map(Piece::Text));
        pieces.extend(given(delta.thinking).map(Piece::Thinking));
        pieces.extend(given(delta.signature).map(Piece::Signature));
        if let (Some((.., input)), Some(more)) = (&mut self.call, delta.partial_json) {
            input.push_str(&more);
        }
    }

    /// The call that is complete now.
    fn called(&mut self) -> Option<Call> {
        let (id, name, input) = self.call.take()?;
        // A tool that takes nothing may be asked with nothing.
        let input = if input.trim().is_empty() { "{}" } else { &input };
        let Ok(input) = serde_json::from_str(input) else {
            self.unreadable = true;
            return None;
        };
        self.calls += 1;
        Some(Call { id, name, input })
    }

    fn stopped(&self) -> Result<Stop, ModelError> {
        match self.stop {
            Some(Stop::Tools) if self.unreadable => {
                tracing::warn!("a model's call cannot be read");
                Err(ModelError::Broken)
            }
            Some(Stop::Tools) if self.calls == 0 => Ok(Stop::Done),
            stop => Ok(stop.unwrap_or(Stop::Done)),
        }
    }

    /// The counts of a stream are cumulative.
    fn count(&mut self, counted: &Counted) -> Piece {
        self.usage.input_tokens = counted.input_tokens.unwrap_or(self.usage.input_tokens);
        self.usage.output_tokens = counted.output_tokens.unwrap_or(self.usage.output_tokens);
        Piece::Usage(self.usage)
    }
}

/// Whether this is an event that came after us, whose fields mean something else.
fn is_unknown(data: &str) -> bool {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    serde_json::from_str::<Kind<'_>>(data).is_ok_and(|Kind { kind }| {
        !kind.starts_with("message_") && !kind.starts_with("content_block_") && kind != "error"
    })
}

fn stop(reason: &str) -> Stop {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => Stop::TooLong,
        // The provider's own tools take longer than one answer may. We set up none; but if it pauses, it is not done, and may
        // be asked to go on.
        "pause_turn" => Stop::TooLong,
        "refusal" => Stop::Refused,
        "tool_use" => Stop::Tools,
        _ => Stop::Done,
    }
}

fn failed(error: Option<Error<'_>>) -> ModelError {
    let (kind, message) = error.as_ref().map_or(("", ""), |error| (&error.kind, &error.message));
    tracing::warn!(kind, message, "a model's answer ended in an error");
    match kind {
        "overloaded_error" | "rate_limit_error" => ModelError::Busy { retry_after: None },
        _ => ModelError::Broken,
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(events: &[&str]) -> Result<Vec<Piece>, ModelError> {
        let (mut reading, mut pieces) = (AnthropicReading::default(), VecDeque::new());
        events.iter().try_for_each(|event| reading.read(event, &mut pieces))?;
        Ok(pieces.into())
    }

    #[test]
    fn an_answer_is_its_texts_in_order_and_what_is_unknown_is_passed_over() {
        let pieces = read(&[
            r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":9,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"mark"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"x"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Good "}}"#,
            r#"{"type":"something_new","a":[1],"delta":{"text":7}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"\"morning\" ☀️"}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}}"#,
            r#"{"type":"message_stop"}"#,
        ]);
        let usage = |output_tokens| Piece::Usage(Usage { input_tokens: 9, output_tokens });
        let expected = vec![
            usage(1),
            Piece::Thinking("hm".into()),
            Piece::Signature("mark".into()),
            Piece::Signature("redacted x".into()),
            Piece::Text("Good ".into()),
            Piece::Text("\"morning\" ☀️".into()),
            usage(12),
            Piece::Stopped(Stop::Done),
        ];
        assert_eq!(pieces, Ok(expected));
    }

    #[test]
    fn calls_are_told_when_their_input_is_whole() {
        let start = |id: &str| {
            format!(
                r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"{id}","name":"search","input":{{}}}}}}"#
            )
        };
        let part = |json: &str| {
            let json = serde_json::to_string(json).unwrap();
            format!(
                r#"{{"type":"content_block_delta","index":1,"delta":{{"type":"input_json_delta","partial_json":{json}}}}}"#
            )
        };
        let stop = r#"{"type":"content_block_stop","index":1}"#;
        let ended = |why: &str| format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{why}"}}}}"#);
        let over = r#"{"type":"message_stop"}"#;
        let call = |id: &str, input| Piece::Call(Call { id: id.into(), name: "search".into(), input });

        let events = [
            &start("a"),
            &part(""),
            &part("{\"for\": \"wo"),
            &part("rd\"}"),
            stop,
            &start("b"),
            stop,
            &ended("tool_use"),
            over,
        ];
        let expected = vec![call("a", json!({ "for": "word" })), call("b", json!({})), Piece::Stopped(Stop::Tools)];
        assert_eq!(read(&events), Ok(expected));

        let cut = [&start("a"), &part("{\"for\""), stop, &ended("max_tokens"), over];
        assert_eq!(read(&cut), Ok(vec![Piece::Stopped(Stop::TooLong)]), "a call that was cut is none");
        let broken = [&start("a"), &part("{\"for\""), stop, &ended("tool_use"), over];
        assert_eq!(read(&broken), Err(ModelError::Broken));
        assert_eq!(
            read(&[&ended("tool_use"), over]),
            Ok(vec![Piece::Stopped(Stop::Done)]),
            "nobody would wait for anything"
        );
    }

    #[test]
    fn why_an_answer_ended_is_told() {
        for (reason, stop) in [
            ("end_turn", Stop::Done),
            ("stop_sequence", Stop::Done),
            ("max_tokens", Stop::TooLong),
            ("model_context_window_exceeded", Stop::TooLong),
            ("pause_turn", Stop::TooLong),
            ("refusal", Stop::Refused),
            ("something_new", Stop::Done),
        ] {
            let delta = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#);
            assert_eq!(read(&[&delta, r#"{"type":"message_stop"}"#]), Ok(vec![Piece::Stopped(stop)]), "{reason}");
        }
        let error = |kind: &str| format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"\"No\""}}}}"#);
        assert_eq!(read(&[&error("overloaded_error")]), Err(ModelError::Busy { retry_after: None }));
        assert_eq!(read(&[&error("api_error")]), Err(ModelError::Broken));
        assert_eq!(read(&["{"]), Err(ModelError::Broken));
    }
}
