//! Models that call tools, over both wires: asked, answered with what the tool said, and asked again. The fake refuses what
//! the real ones refuse.

use futures::StreamExt;
use serde_json::{Value, json};
use tidemark::server::{
    features::chat::{Admission, Payer},
    model::{Call, CallResult, ModelError, Part, Piece, Role, Stop, Tool, Turn},
};

use crate::{
    http::server::Server,
    provider::{Does, Kind, Provider},
    server_with,
};

const QUESTION: &str = "How many? [think][say Let me look.][tool count {\"of\": \"世界\"}][tool now]";

fn tools() -> Vec<Tool> {
    let tool =
        |name: &str| Tool { name: name.into(), description: "Of use.".into(), input: json!({ "type": "object" }) };
    vec![tool("count"), tool("now")]
}

async fn admitted(server: &Server, turns: &[Turn]) -> Admission {
    server.state.chats.admit(&Payer::new(None, "192.0.2.1"), None, turns).await.expect("admitted")
}

async fn asked(admission: &Admission, turns: &[Turn], tools: Vec<Tool>) -> Result<Vec<Piece>, ModelError> {
    admission.ask(turns.to_vec(), tools).collect::<Vec<_>>().await.into_iter().collect()
}

fn calls(pieces: &[Piece]) -> Vec<Call> {
    let call = |piece: &Piece| match piece {
        Piece::Call(call) => Some(call.clone()),
        _ => None,
    };
    pieces.iter().filter_map(call).collect()
}

fn text(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => Some(text.clone()),
        _ => None,
    };
    pieces.iter().filter_map(text).collect()
}

/// The model's turn as these pieces make it.
fn turn_of(pieces: &[Piece]) -> Turn {
    let joined = |thought: bool| -> String {
        let of = |piece: &Piece| match piece {
            Piece::Thinking(text) if thought => Some(text.clone()),
            Piece::Text(text) if !thought => Some(text.clone()),
            _ => None,
        };
        pieces.iter().filter_map(of).collect()
    };
    let signature = pieces.iter().find_map(|piece| match piece {
        Piece::Signature(signature) => Some(signature.clone()),
        _ => None,
    });
    let said = [Part::Thinking { text: joined(true), signature }, Part::Text(joined(false))];
    Turn { role: Role::Assistant, parts: said.into_iter().chain(calls(pieces).into_iter().map(Part::Call)).collect() }
}

fn results(calls: &[Call]) -> Turn {
    let result =
        |call: &Call| Part::Result(CallResult { call: call.id.clone(), output: "seven".into(), failed: false });
    Turn { role: Role::User, parts: calls.iter().map(result).collect() }
}

#[tokio::test]
async fn a_model_calls_tools_and_goes_on_with_what_they_say() {
    for kind in [Kind::Anthropic, Kind::OpenAi] {
        let provider = Provider::new(kind, Does::Quote).await;
        let server = server_with(&provider, |assistant| {
            (assistant.output_tokens, assistant.thinking_tokens) = (2_048, 1_024);
        })
        .await;
        let mut turns = vec![Turn::user(QUESTION)];
        let admission = admitted(&server, &turns).await;
        let pieces = asked(&admission, &turns, tools()).await.expect("an answer");
        assert_eq!(pieces.last(), Some(&Piece::Stopped(Stop::Tools)));
        let calls = calls(&pieces);
        let wanted: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.input.clone())).collect();
        assert_eq!(wanted, [("count", json!({ "of": "世界" })), ("now", json!({}))], "{kind:?}");
        assert_eq!(text(&pieces), "Let me look.");

        turns.extend([turn_of(&pieces), results(&calls)]);
        let pieces = asked(&admission, &turns, tools()).await.expect("another answer");
        assert_eq!(
            (text(&pieces).as_str(), pieces.last()),
            ("The tool said “seven”.", Some(&Piece::Stopped(Stop::Done)))
        );

        let sent = provider.requests()[1].to_string();
        let thought_is_sent = sent.contains("\"thinking\":\"Let me think about that.\"");
        assert_eq!(thought_is_sent, kind == Kind::Anthropic, "{sent}");
        assert_eq!(provider.connections(), 1, "{kind:?}: one connection was used again");
    }
}

#[tokio::test]
async fn a_conversation_that_was_stopped_among_tools_goes_on() {
    for kind in [Kind::Anthropic, Kind::OpenAi] {
        let provider = Provider::new(kind, Does::Quote).await;
        let server = server_with(&provider, |_| {}).await;
        let call = Part::Call(Call { id: "a".into(), name: "count".into(), input: json!({}) });
        let turns = [
            Turn::user("How many?"),
            Turn { role: Role::Assistant, parts: vec![call] },
            Turn::user("Never mind. What else?"),
        ];
        let admission = admitted(&server, &turns).await;
        let with = asked(&admission, &turns, tools()).await.expect("an answer");
        assert!(text(&with).contains("Never mind. What else?"), "{with:?}");
        let without = asked(&admission, &turns, Vec::new()).await.expect("without tools too");
        assert!(text(&without).contains("Never mind. What else?"), "{without:?}");
    }
}

#[tokio::test]
async fn tools_that_a_provider_does_not_take_are_a_refusal() {
    for kind in [Kind::Anthropic, Kind::OpenAi] {
        let provider = Provider::new(kind, Does::Quote).await;
        let server = server_with(&provider, |_| {}).await;
        let turns = [Turn::user("Good morning")];
        let bad =
            vec![Tool { name: "no blanks".into(), description: String::new(), input: json!({ "type": "object" }) }];
        match asked(&admitted(&server, &turns).await, &turns, bad).await {
            Err(ModelError::Refused(_)) => {}
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_reasons_to_end_are_told_by_both() {
    for kind in [Kind::Anthropic, Kind::OpenAi] {
        let provider = Provider::new(kind, Does::Quote).await;
        let server = server_with(&provider, |_| {}).await;
        for (marker, stop) in [("[max]", Stop::TooLong), ("[refuse]", Stop::Refused), ("[words 3]", Stop::Done)] {
            let turns = [Turn::user(format!("Good morning {marker}"))];
            let pieces = asked(&admitted(&server, &turns).await, &turns, tools()).await.expect("an answer");
            assert_eq!(pieces.last(), Some(&Piece::Stopped(stop)), "{kind:?} {marker}");
        }
        let turns = [Turn::user("[error-mid]")];
        let admission = admitted(&server, &turns).await;
        let pieces: Vec<_> = admission.ask(turns.to_vec(), Vec::new()).collect().await;
        assert!(matches!(pieces.last(), Some(Err(ModelError::Busy { .. } | ModelError::Broken))), "{pieces:?}");
        assert!(pieces.iter().any(|piece| matches!(piece, Ok(Piece::Text(_)))), "what came stays");
    }
}

#[tokio::test]
async fn a_conversation_that_no_provider_would_take_is_seen_by_the_fake() {
    let provider = Provider::new(Kind::Anthropic, Does::Quote).await;
    let client = reqwest::Client::new();
    let send = async |path: &str, body: Value| {
        let request = client.post(format!("{}{path}", provider.url)).json(&body);
        let request = request.header("x-api-key", "key").header("anthropic-version", "2023-06-01");
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    let tool = json!({ "name": "x", "description": "", "input_schema": { "type": "object" } });
    let ask = |messages: Value| json!({ "model": "m", "max_tokens": 9, "stream": true, "tools": [tool], "messages": messages });
    let user = |content: Value| json!({ "role": "user", "content": content });
    let call = json!({ "role": "assistant", "content": [{ "type": "tool_use", "id": "a", "name": "x", "input": {} }] });
    let result = json!([{ "type": "tool_result", "tool_use_id": "b", "content": "7" }]);
    for (messages, words) in [
        (json!([]), "at least one message"),
        (json!([user(json!(" "))]), "non-whitespace"),
        (json!([user(json!([]))]), "non-empty content"),
        (json!([user(json!("a")), { "role": "assistant", "content": "Well," }]), "prefill"),
        (json!([user(json!("a")), call, user(json!("b"))]), "without `tool_result`"),
        (json!([user(json!("a")), call, user(result)]), "unexpected `tool_use_id`"),
        (json!([{ "role": "system", "content": "a" }]), "Input should be 'user' or 'assistant'"),
    ] {
        let (status, text) = send("/v1/messages", ask(messages)).await;
        assert!(status == 400 && text.contains(words), "{words}: {status} {text}");
    }
    let merged = ask(json!([user(json!("a")), user(json!("b"))]));
    assert_eq!(send("/v1/messages", merged).await.0, 200, "turns of one role are one");
    let tool = json!({ "role": "tool", "tool_call_id": "a", "content": "7" });
    let stray = json!({ "model": "m", "stream": true, "messages": [user(json!("a")), tool] });
    let (status, text) = send("/v1/chat/completions", stray).await;
    assert!(status == 400 && text.contains("must be a response"), "{status} {text}");
}
