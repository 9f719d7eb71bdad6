//! The AI SDK's messages at `POST /api/chat`, its resuming and its stopping.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use futures::StreamExt;
use serde_json::{Value, json};
use tidemark::server::transports::ui::stream;

use super::stage::Stage;
use crate::http::server::Answer;

const CHAT: &str = "k2dPq81mZtX0aLse";

fn message(id: &str, role: &str, text: &str) -> Value {
    json!({ "id": id, "role": role, "parts": [{ "type": "step-start" }, { "type": "text", "text": text }] })
}

async fn post(stage: &Stage, messages: Vec<Value>) -> Answer {
    let body = json!({ "id": CHAT, "messages": messages, "trigger": "submit-message" });
    stage.server.send(Method::POST, "/api/chat", &[("content-type", "application/json")], body.to_string()).await
}

fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

fn said(events: &[Value]) -> String {
    let deltas = events.iter().filter(|event| event["type"] == "text-delta");
    deltas.filter_map(|event| event["delta"].as_str()).collect()
}

#[tokio::test]
async fn an_answer_is_streamed_resumed_from_its_first_word_and_goes_on_without_readers() {
    let stage = Stage::new().await;
    let none = stage.server.get(&format!("/api/chat/{CHAT}/stream"), &[]).await;
    assert_eq!(none.status(), StatusCode::NO_CONTENT);
    let mut first = post(&stage, vec![message("m1", "user", "One?")]).await;
    assert_eq!((first.status(), first.header("x-vercel-ai-ui-message-stream")), (StatusCode::OK, "v1"));
    let (_, pen) = stage.script.next().await;
    pen.write("Good ");
    first.read_until("Good ").await;
    drop(first);
    let mut resumed = stage.server.get(&format!("/api/chat/{CHAT}/stream"), &[]).await;
    resumed.read_until("Good ").await;
    pen.write("morning");
    assert_eq!(post(&stage, vec![message("m1", "user", "One?")]).await.status(), StatusCode::CONFLICT);
    pen.end();
    let rest = resumed.text().await;
    assert_eq!(said(&events(&rest)), "morning");
    assert!(rest.trim_end().ends_with("data: [DONE]"), "{rest}");
    let none = stage.server.get(&format!("/api/chat/{CHAT}/stream"), &[]).await;
    assert_eq!(none.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_the_client_shows_is_what_the_model_is_asked_and_known_messages_stay_one() {
    let stage = Stage::new().await;
    let mut first = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Yes.");
    pen.end();
    let events_of_first = events(&first.text().await);
    let name = events_of_first[0]["messageId"].as_str().expect("a name").to_owned();
    let messages =
        vec![message("m1", "user", "One?"), message(&name, "assistant", "Yes."), message("m2", "user", "Two?")];
    let mut second = post(&stage, messages.clone()).await;
    let (prompt, pen) = stage.script.next().await;
    let asked: Vec<_> = prompt.turns.iter().map(|turn| turn.text()).collect();
    assert_eq!(asked, ["One?", "Yes.", "Two?"]);
    pen.write("No.");
    pen.end();
    second.text().await;
    // Asked for another answer to the same.
    let mut third = post(&stage, messages).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Perhaps.");
    pen.end();
    assert_eq!(said(&events(&third.text().await)), "Perhaps.");
    let conversation = stage.server.state.store.conversation_named(None, CHAT).await.expect("the store");
    let mut read = stage.server.state.store.read().await.expect("the store");
    let id = conversation.expect("a conversation").id;
    let turns = tidemark::server::store::conversations::turns(&mut read, &id).await.expect("the store");
    assert_eq!(turns.iter().filter(|turn| !turn.answer).count(), 2, "{turns:#?}");
    assert_eq!(turns.iter().filter(|turn| turn.answer).count(), 3);
}

#[tokio::test]
async fn stopping_a_chat_stops_the_model_and_its_readers_are_told() {
    let stage = Stage::new().await;
    let mut answer = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Good ");
    answer.read_until("Good ").await;
    let stop = format!("/api/chat/{CHAT}/stop");
    let mut stopped = stage.server.send(Method::POST, &stop, &[], "").await;
    assert_eq!(stopped.text().await, r#"{"stopped":true}"#);
    pen.is_let_go().await;
    assert!(answer.text().await.contains(r#""type":"abort""#));
    assert_eq!(stage.server.send(Method::POST, &stop, &[], "").await.text().await, r#"{"stopped":false}"#);
}

#[tokio::test]
async fn one_answer_is_written_at_a_time_in_a_chat() {
    let stage = Stage::new().await;
    let mut first = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Good ");
    let name = events(&first.read_until("Good ").await)[0]["messageId"].as_str().expect("a name").to_owned();
    let (one, two) = (message("m1", "user", "One?"), message("m2", "user", "Two?"));
    for messages in [
        vec![one.clone(), message(&name, "assistant", "Good "), two.clone()],
        vec![one.clone(), message("its-own", "assistant", "Good "), two.clone()],
        vec![one, two],
        vec![message("m1", "user", "Another?")],
    ] {
        assert_eq!(post(&stage, messages).await.status(), StatusCode::CONFLICT);
    }
    pen.end();
    first.text().await;
    assert_eq!(stage.script.times_asked(), 1);
}

#[tokio::test]
async fn readers_are_told_of_an_end_that_nobody_keeps() {
    let stage = Stage::new().await;
    let mut answer = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Good ");
    answer.read_until("Good ").await;
    // As another process deletes it, or as it gives way to others.
    let named = stage.server.state.store.conversation_named(None, CHAT).await.expect("the store");
    let id = named.expect("a conversation").id;
    let deleted = stage.server.state.store.write::<_, tidemark::server::store::StoreError, _>(move |tx| {
        Box::pin(async move { tx.delete_conversation(&id).await })
    });
    deleted.await.expect("the store");
    let rest = answer.text().await;
    assert!(rest.contains(r#""type":"error""#) && rest.trim_end().ends_with("data: [DONE]"), "{rest}");
    pen.is_let_go().await;
}

#[tokio::test]
async fn a_reader_that_comes_with_the_end_is_told_of_it() {
    let stage = Stage::new().await;
    let (state, ada) = (&stage.server.state, stage.person("Ada").await);
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Good morning");
    let watched = state.assistant.watch(&ada, super::stage::ID).await.expect("the store").expect("it is being written");
    pen.end();
    stage.ended(&ada).await;
    stage.settled().await;
    let stream = stream::of(&state.topics, watched, None, Duration::from_secs(60));
    let all = tokio::time::timeout(Duration::from_secs(5), stream.collect::<Vec<_>>()).await.expect("it ends").concat();
    let all = String::from_utf8(all).expect("text");
    assert_eq!(said(&events(&all)), "Good morning");
    assert!(all.trim_end().ends_with("data: [DONE]"), "{all}");
}

#[tokio::test]
async fn a_reader_that_falls_far_behind_gets_each_word_once() {
    let stage = Stage::new().await;
    let mut reader = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Good ");
    let mut all = reader.read_until("Good ").await;
    let run = async || {
        let chat = stage.server.state.store.conversation_named(None, CHAT).await.expect("the store");
        let mut read = stage.server.state.store.read().await.expect("the store");
        let id = chat.expect("a conversation").id;
        let turns = tidemark::server::store::conversations::turns(&mut read, &id).await.expect("the store");
        let run = turns.last().and_then(|turn| turn.run.clone()).expect("a run");
        stage.server.state.runs.find(&run).expect("it is being written")
    };
    let running = run().await;
    let taken = async |text: &str| {
        pen.write(text);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    };
    // More than the topic keeps.
    let long = "x".repeat(50_000) + "\n\n";
    for _ in 0..14 {
        taken(&long).await;
        // Whoever looks has it told.
        running.view();
    }
    taken("the end").await;
    all += &reader.read_until("the end").await;
    pen.end();
    all += &reader.text().await;
    let expected = ["Good ", &long.repeat(14), "the end"].concat();
    assert!(said(&events(&all)) == expected, "{} of {} bytes", said(&events(&all)).len(), expected.len());
}

#[tokio::test]
async fn messages_that_are_none_have_a_status_and_words() {
    let stage = Stage::new().await;
    for (messages, status) in [
        (vec![message("m1", "assistant", "Yes.")], StatusCode::UNPROCESSABLE_ENTITY),
        (vec![message("m1", "system", "Obey.")], StatusCode::UNPROCESSABLE_ENTITY),
        (vec![message("m1", "user", "  ")], StatusCode::UNPROCESSABLE_ENTITY),
        (vec![message("m1", "user", &"x".repeat(200_000))], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let mut refused = post(&stage, messages).await;
        let text = refused.text().await;
        assert_eq!(refused.status(), status, "{text}");
        assert!(text.contains("\"message\""), "{text}");
    }
    let strange = stage.server.get("/api/chat/a%2Fb/stream", &[]).await;
    assert_eq!(strange.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stage.script.times_asked(), 0);
}

#[tokio::test]
async fn messages_that_say_nothing_are_not_kept_and_too_many_are_refused_at_once() {
    let stage = Stage::new().await;
    let empty = |number: usize| message(&format!("e{number}"), "assistant", "");
    let mut many: Vec<_> = (0..100).map(empty).collect();
    many.push(message("m1", "user", "One?"));
    let mut refused = post(&stage, many.clone()).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.text().await.contains("a conversation has at most 100 messages; begin a new one"));
    let answer = post(&stage, many.split_off(1)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let (prompt, pen) = stage.script.next().await;
    assert_eq!(prompt.turns.len(), 1);
    let id = stage.server.state.store.conversation_named(None, CHAT).await.expect("the store").expect("one").id;
    let mut read = stage.server.state.store.read().await.expect("the store");
    let turns = tidemark::server::store::conversations::turns(&mut read, &id).await.expect("the store");
    assert_eq!(turns.len(), 2, "the question and its answer");
    pen.end();
}

#[tokio::test]
async fn an_answer_that_had_no_text_is_known_by_its_name_all_the_same() {
    let stage = Stage::new().await;
    let mut first = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    pen.end();
    let name = events(&first.text().await)[0]["messageId"].as_str().expect("a name").to_owned();
    let messages = vec![message("m1", "user", "One?"), message(&name, "assistant", ""), message("m2", "user", "Two?")];
    let second = post(&stage, messages).await;
    assert_eq!(second.status(), StatusCode::OK);
    let (_, pen) = stage.script.next().await;
    let id = stage.server.state.store.conversation_named(None, CHAT).await.expect("the store").expect("one").id;
    let mut read = stage.server.state.store.read().await.expect("the store");
    let turns = tidemark::server::store::conversations::turns(&mut read, &id).await.expect("the store");
    assert_eq!(turns.iter().map(|turn| turn.parent).skip(1).collect::<Vec<_>>(), [1, 2, 3].map(Some), "{turns:#?}");
    pen.end();
}

#[tokio::test]
async fn such_a_stream_takes_a_place_like_any_other_and_without_one_nothing_is_begun() {
    let stage = Stage::with(|config| config.limits.connections_per_address = 1).await;
    let mut first = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Good ");
    first.read_until("Good ").await;
    assert_eq!(stage.server.state.connections.streams(), 1);
    let stream = format!("/api/chat/{CHAT}/stream");
    let mut resumed = stage.server.get(&stream, &[]).await;
    assert_eq!(resumed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!resumed.header("retry-after").is_empty() && resumed.text().await.contains("too-many-connections"));
    let body = json!({ "id": "another", "messages": [message("m1", "user", "Two?")] }).to_string();
    let again = stage.server.send(Method::POST, "/api/chat", &[("content-type", "application/json")], body).await;
    assert_eq!((again.status(), stage.script.times_asked()), (StatusCode::TOO_MANY_REQUESTS, 1));
    drop(first);
    let mut resumed = stage.server.get(&stream, &[]).await;
    resumed.read_until("Good ").await;
    pen.end();
    resumed.text().await;
    drop(resumed);
    assert_eq!(stage.server.state.connections.streams(), 0);
}

#[tokio::test]
async fn a_reader_that_comes_at_any_moment_gets_each_word_once() {
    let stage = Stage::new().await;
    let first = post(&stage, vec![message("m1", "user", "One?")]).await;
    let (_, pen) = stage.script.next().await;
    let words: Vec<_> = (1..=40).map(|number| format!("w{number} ")).collect();
    let mut readers = vec![first];
    for word in &words {
        pen.write(word);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        readers.push(stage.server.get(&format!("/api/chat/{CHAT}/stream"), &[]).await);
    }
    pen.end();
    for mut reader in readers {
        assert_eq!(said(&events(&reader.text().await)), words.concat());
    }
}
