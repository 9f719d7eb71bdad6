//! What the chunks of a chat completion mean. Servers differ: calls come in parts or at once, with an index or without, and
//! some never say that they have come to an end.

use std::{borrow::Cow, collections::VecDeque};

use serde::Deserialize;

use crate::server::model::{Call, ModelError, Piece, Stop, Usage, answering::Reading};

/// An answer being read.
#[derive(Debug, Default)]
pub struct OpenAiReading {
    stop: Option<Stop>,
    calls: Vec<Calling>,
    called: bool,
}

/// A call whose arguments are coming.
#[derive(Debug, Default)]
struct Calling {
    index: Option<u32>,
    id: String,
    name: String,
    arguments: String,
}

#[derive(Debug, Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    choices: Vec<Choice<'a>>,
    usage: Option<Counted>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta<'a> {
    content: Option<String>,
    /// What vLLM, llama.cpp and others call it; OpenRouter says `reasoning`, and some servers say both.
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    refusal: Option<String>,
    #[serde(borrow)]
    tool_calls: Option<Vec<CallDelta<'a>>>,
}

#[derive(Debug, Deserialize)]
struct CallDelta<'a> {
    index: Option<u32>,
    id: Option<String>,
    #[serde(borrow)]
    function: Option<FunctionDelta<'a>>,
}

#[derive(Debug, Deserialize)]
struct FunctionDelta<'a> {
    name: Option<String>,
    #[serde(borrow)]
    arguments: Option<Arguments<'a>>,
}

/// JSON in a string, as it should be, or bare.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Arguments<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Bare(serde_json::Map<String, serde_json::Value>),
}

#[derive(Debug, Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

impl Reading for OpenAiReading {
    fn read(&mut self, data: &str, pieces: &mut VecDeque<Piece>) -> Result<(), ModelError> {
        // The count of tokens comes after the reason why it ended, so the end is told at the very end.
        if data == "[DONE]" {
            self.finish_calls(pieces)?;
            pieces.push_back(Piece::Stopped(self.end().unwrap_or(Stop::Done)));
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(|error| {
            tracing::warn!(%error, "a model's event cannot be read");
            ModelError::Broken
        })?;
        if let Some(error) = chunk.error {
            return Err(failed(&error));
        }
        if let Some(Choice { delta, finish_reason }) = chunk.choices.into_iter().next() {
            let delta = delta.unwrap_or_default();
            pieces.extend(given(delta.reasoning_content).or_else(|| given(delta.reasoning)).map(Piece::Thinking));
            pieces.extend(given(delta.content).map(Piece::Text));
            if given(delta.refusal).is_some() {
                self.stop = Some(Stop::Refused);
            }
            delta.tool_calls.into_iter().flatten().for_each(|part| self.call(part));
            if let Some(reason) = finish_reason {
                self.stop = match &*reason {
                    "length" => Some(Stop::TooLong),
                    "content_filter" => Some(Stop::Refused),
                    _ => self.stop.or(Some(Stop::Done)),
                };
                self.finish_calls(pieces)?;
            }
        }
        pieces.extend(chunk.usage.map(|counted| {
            Piece::Usage(Usage { input_tokens: counted.prompt_tokens, output_tokens: counted.completion_tokens })
        }));
        Ok(())
    }

    fn end(&self) -> Option<Stop> {
        // Some servers give another reason than they should for a call, and some no end after the reason.
        match self.stop {
            Some(Stop::Done) if self.called => Some(Stop::Tools),
            stop => stop,
        }
    }
}

impl OpenAiReading {
    fn call(&mut self, part: CallDelta<'_>) {
        let id = part.id.unwrap_or_default();
        let goes_on = |call: &Calling| {
            let same_place = part.index.is_none() || call.index == part.index;
            same_place && (id.is_empty() || call.id.is_empty() || call.id == id)
        };
        // Without an id and an index it belongs to the newest.
        let at = self.calls.iter().rposition(goes_on).unwrap_or_else(|| {
            self.calls.push(Calling { index: part.index, ..Calling::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = id;
        }
        let Some(FunctionDelta { name, arguments }) = part.function else { return };
        if call.name.is_empty() {
            call.name = name.unwrap_or_default();
        }
        match arguments {
            Some(Arguments::Text(text)) => call.arguments.push_str(&text),
            Some(Arguments::Bare(object)) => call.arguments = serde_json::Value::Object(object).to_string(),
            None => {}
        }
    }

    /// No more of them comes.
    fn finish_calls(&mut self, pieces: &mut VecDeque<Piece>) -> Result<(), ModelError> {
        for Calling { id, name, arguments, .. } in self.calls.drain(..) {
            let arguments = if arguments.trim().is_empty() { "{}" } else { &arguments };
            match serde_json::from_str(arguments) {
                Ok(input) => {
                    // Results are told apart by it, in a whole conversation.
                    let id = if id.is_empty() { format!("call_{:016x}", rand::random::<u64>()) } else { id };
                    self.called = true;
                    pieces.push_back(Piece::Call(Call { id, name, input }));
                }
                // Cut with the answer.
                Err(_) if self.stop == Some(Stop::TooLong) => {}
                Err(error) => {
                    tracing::warn!(%error, "a model's call cannot be read");
                    return Err(ModelError::Broken);
                }
            }
        }
        Ok(())
    }
}

fn failed(error: &serde_json::Value) -> ModelError {
    tracing::warn!(%error, "a model's answer ended in an error");
    let code = &error["code"];
    let busy = [429, 503, 529].iter().any(|busy| *code == *busy) || *code == "rate_limit_exceeded";
    if busy { ModelError::Busy { retry_after: None } } else { ModelError::Broken }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(events: &[&str]) -> Result<Vec<Piece>, ModelError> {
        let (mut reading, mut pieces) = (OpenAiReading::default(), VecDeque::new());
        events.iter().try_for_each(|event| reading.read(event, &mut pieces))?;
        Ok(pieces.into())
    }

    fn delta(delta: serde_json::Value) -> String {
        json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] }).to_string()
    }

    fn finish(reason: &str) -> String {
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }).to_string()
    }

    fn call(id: &str, input: serde_json::Value) -> Piece {
        Piece::Call(Call { id: id.into(), name: "search".into(), input })
    }

    #[test]
    fn an_answer_is_its_contents_then_its_usage_then_its_end() {
        let pieces = read(&[
            &delta(json!({ "role": "assistant", "content": "" })),
            &delta(json!({ "reasoning": "hm", "reasoning_content": "hm" })),
            &delta(json!({ "content": "Good" })),
            &finish("length"),
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}"#,
            "[DONE]",
        ]);
        let usage = Piece::Usage(Usage { input_tokens: 5, output_tokens: 7 });
        let expected =
            vec![Piece::Thinking("hm".into()), Piece::Text("Good".into()), usage, Piece::Stopped(Stop::TooLong)];
        assert_eq!(pieces, Ok(expected));
        assert_eq!(read(&[r#"{"error":{"message":"no"}}"#]), Err(ModelError::Broken));
        let busy = r#"{"error":{"message":"no","code":429}}"#;
        assert_eq!(read(&[busy]), Err(ModelError::Busy { retry_after: None }));
    }

    #[test]
    fn calls_in_parts_by_index_and_calls_at_once_are_the_same() {
        let part = |index: u32, id: Option<&str>, name: Option<&str>, arguments: &str| {
            let function = json!({ "name": name, "arguments": arguments });
            delta(json!({ "tool_calls": [{ "index": index, "id": id, "type": "function", "function": function }] }))
        };
        let in_parts = read(&[
            &part(0, Some("a"), Some("search"), ""),
            &part(0, None, None, "{\"for\":"),
            &part(1, Some("b"), Some("search"), ""),
            &part(0, None, None, "\"x\"}"),
            &finish("tool_calls"),
            "[DONE]",
        ]);
        let expected = vec![call("a", json!({ "for": "x" })), call("b", json!({})), Piece::Stopped(Stop::Tools)];
        assert_eq!(in_parts, Ok(expected.clone()));

        let whole = |id: &str, arguments: serde_json::Value| json!({ "id": id, "type": "function", "function": { "name": "search", "arguments": arguments } });
        let at_once = read(&[
            &delta(json!({ "tool_calls": [whole("a", json!("{\"for\":\"x\"}")), whole("b", json!({}))] })),
            &finish("stop"),
            "[DONE]",
        ]);
        assert_eq!(at_once, Ok(expected), "without an index, with bare arguments, and another reason");

        let same_index =
            read(&[&part(0, Some("a"), Some("search"), "{}"), &part(0, Some("b"), Some("search"), "{}"), "[DONE]"]);
        assert_eq!(same_index.map(|pieces| pieces.len()), Ok(3), "two ids are two calls");
    }

    #[test]
    fn a_call_that_was_cut_is_none_and_one_without_a_name_for_itself_gets_one() {
        let cut = delta(
            json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "search", "arguments": "{\"f" } }] }),
        );
        assert_eq!(read(&[&cut, &finish("length"), "[DONE]"]), Ok(vec![Piece::Stopped(Stop::TooLong)]));
        assert_eq!(read(&[&cut, &finish("tool_calls")]), Err(ModelError::Broken));
        let nameless = delta(json!({ "tool_calls": [{ "function": { "name": "search", "arguments": "{}" } }] }));
        let pieces = read(&[&nameless, &finish("tool_calls"), "[DONE]"]).unwrap();
        assert!(matches!(&pieces[0], Piece::Call(call) if call.id.len() > 5), "{pieces:?}");
    }

    #[test]
    fn an_answer_with_a_reason_is_whole_without_an_end() {
        let (mut reading, mut pieces) = (OpenAiReading::default(), VecDeque::new());
        assert_eq!(reading.end(), None);
        reading.read(&finish("stop"), &mut pieces).unwrap();
        assert_eq!(reading.end(), Some(Stop::Done));
    }
}
