//! Whatever a provider sends, cut wherever it is: events are those of the HTML standard, and every answer comes to one end.
//! `make audit` tries many times as many cases as `make test` does.

mod recorded;

use std::collections::VecDeque;

use futures::{FutureExt, StreamExt, stream};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Map, Value};

use recorded::{ANTHROPIC, OPENAI, WORDS};

use super::{
    ModelError, Patience, Piece, Stop,
    answering::{Answering, Reading},
    anthropic::reading::AnthropicReading,
    openai::reading::OpenAiReading,
    sse::Events,
};

/// What an event stream is made of.
const PARTS: &[&str] = &[
    "data: ",
    "data:",
    "data",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\r\n\r\n",
    ":",
    " ",
    "\u{feff}",
    "id: 7\n",
    "event: a\n",
    "世",
    "☀️",
];

fn stream_of_parts() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        8 => prop::sample::select(PARTS).prop_map(|part| part.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ];
    vec(part, 0..24).prop_map(|parts| parts.concat())
}

/// How long the pieces are in which bytes come, in turn.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), vec(0..40_usize, 1..8)]
}

fn pieces<'a>(bytes: &'a [u8], lengths: &'a [usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    // A turn of nothing but empty pieces would not end.
    for length in lengths.iter().chain(&[1]).cycle() {
        let Some((piece, after)) = rest.split_at_checked(*length) else { break };
        pieces.push(piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    pieces.push(rest);
    pieces
}

fn read(bytes: &[u8], lengths: &[usize]) -> Vec<String> {
    let mut events = Events::default();
    let mut all = Vec::new();
    for piece in pieces(bytes, lengths) {
        assert!(events.push(piece).is_ok(), "it is short");
        while let Some(data) = events.next() {
            all.push(data.to_owned());
        }
    }
    all
}

/// The HTML standard, 9.2.6, of a stream that is there as a whole.
fn read_by_the_standard(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut data) = (Vec::new(), String::new());
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        if line.is_empty() {
            events.extend(data.strip_suffix('\n').map(str::to_owned));
            data.clear();
        } else if let ("data", value) = line.split_once(':').unwrap_or((line, "")) {
            data += value.strip_prefix(' ').unwrap_or(value);
            data.push('\n');
        }
    }
    events
}

fn json() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(WORDS);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let field = (word().prop_map(str::to_owned), inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::from),
            vec(field, 0..4).prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// What becomes of a recorded event.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    /// Another value in the place of one of it.
    Part(usize, Value),
    Cut(Index),
    All(Value),
    /// No event at all, perhaps.
    Bytes(Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        12 => Just(Change::Nothing),
        4 => (0..12_usize, json()).prop_map(|(at, value)| Change::Part(at, value)),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => json().prop_map(Change::All),
        1 => stream_of_parts().prop_map(Change::Bytes),
    ]
}

/// Recorded events, in their order or in none, of which some are changed, as they stand in a response.
fn response(recorded: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let events = vec((0..recorded.len(), change()), 0..20);
    (events, any::<bool>()).prop_map(|(mut events, in_order)| {
        if in_order {
            events.sort_by_key(|(at, _)| *at);
        }
        events.into_iter().flat_map(|(at, change)| event(recorded[at], change)).collect()
    })
}

fn event(recorded: &str, change: Change) -> Vec<u8> {
    let data = match change {
        Change::Nothing => recorded.to_owned(),
        Change::Part(at, value) => match serde_json::from_str(recorded) {
            Ok(mut json) => {
                replace(&mut json, &mut Some(value), &mut { at });
                json.to_string()
            }
            Err(_) => value.to_string(),
        },
        Change::Cut(at) => recorded[..recorded.floor_char_boundary(at.index(recorded.len()))].to_owned(),
        Change::All(value) => value.to_string(),
        Change::Bytes(bytes) => return bytes,
    };
    format!("data: {data}\n\n").into_bytes()
}

/// Puts `new` in the place of the part that comes after so many others.
fn replace(json: &mut Value, new: &mut Option<Value>, after: &mut usize) {
    if *after == 0 {
        *json = new.take().unwrap_or_else(|| json.take());
        return;
    }
    *after -= 1;
    match json {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, new, after)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, new, after)),
        _ => {}
    }
}

type Ended = (Vec<Piece>, Option<ModelError>);

/// All that an answer gives of a response that comes in these pieces.
fn answer(reading: impl Reading, bytes: &[u8], lengths: &[usize]) -> Ended {
    let pieces: Vec<_> =
        pieces(bytes, lengths).into_iter().map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(stream::iter(pieces));
    let asking = async move { Ok(axum::http::Response::new(body).into()) }.boxed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let given: VecDeque<_> =
        runtime.block_on(async { Answering::new(asking, reading, Patience::default(), usize::MAX).collect().await });
    let mut ended = Ended::default();
    for piece in given {
        assert_eq!(ended.1, None, "nothing comes after an error");
        match piece {
            Ok(piece) => ended.0.push(named(piece)),
            Err(error) => ended.1 = Some(error),
        }
    }
    ended
}

/// A call to which no id was given has one by chance.
fn named(mut piece: Piece) -> Piece {
    if let Piece::Call(call) = &mut piece
        && call.id.len() == "call_".len() + 16
        && call.id.starts_with("call_")
    {
        call.id = "by chance".into();
    }
    piece
}

fn assert_ends_once((pieces, error): &Ended) {
    let stops = pieces.iter().filter(|piece| matches!(piece, Piece::Stopped(_))).count();
    assert_eq!(stops + usize::from(error.is_some()), 1, "one end: {pieces:?} {error:?}");
    let is_stop = matches!(pieces.last(), Some(Piece::Stopped(_)));
    assert_eq!(is_stop, error.is_none(), "at the end: {pieces:?}");
    let calls = pieces.iter().filter(|piece| matches!(piece, Piece::Call(_))).count();
    assert!(calls > 0 || !pieces.contains(&Piece::Stopped(Stop::Tools)), "nobody would wait for anything: {pieces:?}");
}

proptest! {
    #[test]
    fn events_are_those_of_the_standard_wherever_their_bytes_end(bytes in stream_of_parts(), lengths in lengths()) {
        prop_assert_eq!(read(&bytes, &lengths), read_by_the_standard(&bytes));
    }

    #[test]
    fn every_answer_of_anthropic_comes_to_one_end(response in response(ANTHROPIC), lengths in lengths()) {
        let whole = answer(AnthropicReading::default(), &response, &[usize::MAX]);
        assert_ends_once(&whole);
        prop_assert_eq!(answer(AnthropicReading::default(), &response, &lengths), whole);
    }

    #[test]
    fn every_answer_of_an_openai_server_comes_to_one_end(response in response(OPENAI), lengths in lengths()) {
        let whole = answer(OpenAiReading::default(), &response, &[usize::MAX]);
        assert_ends_once(&whole);
        prop_assert_eq!(answer(OpenAiReading::default(), &response, &lengths), whole);
    }
}
