//! How an answer's bytes come: together where they come fast, with a sign of life where they don't, and with an end in words.

use axum::http::{Method, StatusCode};

use crate::{
    http::server::{Answer, Server},
    provider::{Does, Kind, Provider},
    said, server, server_with,
};

async fn ask(server: &Server, question: &str) -> Answer {
    let body = serde_json::json!({ "messages": [{ "role": "user", "content": question }] }).to_string();
    let answer = server.send(Method::POST, "/api/chat", &[("content-type", "application/json")], body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer
}

#[tokio::test]
async fn words_that_come_fast_are_written_together_and_each_stays_an_event_of_its_own() {
    let provider = Provider::new(Kind::Anthropic, Does::Quote).await;
    let server = server(&provider).await;
    let mut answer = ask(&server, "[rate 200][words 100]").await;
    let mut writes = Vec::new();
    while let Some(bytes) = answer.next_write().await {
        writes.push(String::from_utf8(bytes.to_vec()).expect("whole characters"));
    }
    let all = writes.concat();
    let words: String = (1..=100).map(|number| format!("w{number} ")).collect();
    assert_eq!((said(&all).trim(), all.matches("\"text\"").count()), (words.trim(), 100));
    assert_eq!(writes[0].matches("\"text\"").count(), 1, "the first is not waited with");
    assert!(writes.len() < 60 && writes.iter().all(|write| write.ends_with("\n\n")), "{}: {writes:?}", writes.len());
}

#[tokio::test]
async fn an_answer_at_once_comes_whole_and_its_provider_is_asked_again_over_the_same_connection() {
    for kind in [Kind::Anthropic, Kind::OpenAi] {
        let provider = Provider::new(kind, Does::Quote).await;
        let server = server(&provider).await;
        for _ in 0..3 {
            let text = ask(&server, "[10000]").await.text().await;
            assert!(text.ends_with("data: {\"text\":\"w10000\"}\n\ndata: [DONE]\n\n"), "{}", &text[text.len() - 99..]);
            assert_eq!(text.matches("\"text\"").count(), 10_000);
        }
        assert_eq!((provider.requests().len(), provider.connections()), (3, 1), "{kind:?}");
    }
}

#[tokio::test]
async fn whoever_waits_is_sent_signs_of_life() {
    let provider = Provider::new(Kind::Anthropic, Does::FallSilent).await;
    let server = Server::with(|config| {
        config.stream.heartbeat_ms = 100;
        let assistant = &mut config.assistant;
        (assistant.anthropic_key, assistant.anthropic_base_url) = ("key".into(), provider.url.clone());
    })
    .await;
    let mut answer = ask(&server, "?").await;
    answer.read_until("data: {\"text\"").await;
    answer.read_until("\n\n: heartbeat\n\n: heartbeat\n\n").await;
}

#[tokio::test]
async fn a_shutdown_ends_an_answer_in_words() {
    let provider = Provider::new(Kind::OpenAi, Does::Endless).await;
    let server = server_with(&provider, |_| {}).await;
    let mut answer = ask(&server, "?").await;
    answer.read_until("on ").await;
    server.state.connections.drain();
    let rest = answer.text().await;
    assert!(rest.contains("\"going-away\"") && rest.ends_with("}}\n\ndata: [DONE]\n\n"), "{rest}");
    drop(answer);
    provider.all_are_gone().await;
}
