//! `POST /api/chat` over the real router, with fakes of the two kinds of provider that misbehave as they are told.

mod http {
    pub mod server;
}
mod chat_cases {
    mod body;
    mod ceilings;
    mod hostile;
    mod tools;
}
mod provider;

use axum::http::{Method, StatusCode};
use http::server::{Answer, Server};
use provider::{ANSWER, Does, Kind, Provider};
use serde_json::Value;
use tidemark::server::config::AssistantConfig;

const QUESTION: &str = r#"{"messages":[{"role":"user","content":"Good morning?"}]}"#;

async fn server(provider: &Provider) -> Server {
    server_with(provider, |_| {}).await
}

async fn server_with(provider: &Provider, change: impl FnOnce(&mut AssistantConfig)) -> Server {
    Server::with(|config| {
        let assistant = &mut config.assistant;
        // Tests ask fast.
        (assistant.requests_a_minute_per_address, assistant.requests_a_minute_per_person) = (1_000, 1_000);
        match provider.kind {
            Kind::Anthropic => {
                (assistant.anthropic_key, assistant.anthropic_base_url) = ("key".into(), provider.url.clone())
            }
            Kind::OpenAi => {
                assistant.openai_base_url = format!("{}/v1/", provider.url);
                assistant.openai_models = vec!["small".into()];
            }
        }
        change(assistant);
    })
    .await
}

async fn ask(server: &Server, body: &str) -> Answer {
    server.send(Method::POST, "/api/chat", &[("content-type", "application/json")], body.to_owned()).await
}

/// The data of each event.
fn data(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

fn said(text: &str) -> String {
    let texts = data(text).into_iter().filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    texts.filter_map(|piece| Some(piece["text"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn an_answer_comes_in_pieces_as_the_article_s_route_sends_it_from_both_kinds_of_provider() {
    for kind in [Kind::Anthropic, Kind::OpenAi] {
        let provider = Provider::new(kind, Does::Answer).await;
        let server = server_with(&provider, |assistant| assistant.system_prompt = "Speak of tides.".into()).await;
        let mut answer = ask(&server, QUESTION).await;
        assert_eq!((answer.status(), answer.header("content-type")), (StatusCode::OK, "text/event-stream"));
        let text = answer.text().await;
        assert_eq!(said(&text), ANSWER, "{kind:?}: split in the middle of characters");
        assert_eq!(data(&text).last().map(String::as_str), Some("[DONE]"));
        assert!(!text.contains("hidden thought"), "{text}");

        let seen = provider.requests();
        assert_eq!(seen.len(), 1);
        let messages = seen[0]["messages"].as_array().expect("messages");
        assert_eq!(messages.last().expect("one")["content"], "Good morning?");
        assert_eq!(messages.last().expect("one")["role"], "user");
        let system = if kind == Kind::Anthropic { &seen[0]["system"] } else { &messages[0]["content"] };
        assert_eq!(system, "Speak of tides.");
    }
}

#[tokio::test]
async fn a_provider_that_is_busy_is_asked_again_before_the_first_piece_and_never_after() {
    for kind in [Kind::Anthropic, Kind::OpenAi] {
        let provider = Provider::new(kind, Does::BusyTwice).await;
        let text = ask(&server(&provider).await, QUESTION).await.text().await;
        assert_eq!((said(&text).as_str(), provider.requests().len()), (ANSWER, 3));

        let provider = Provider::new(kind, Does::Busy).await;
        let mut answer = ask(&server(&provider).await, QUESTION).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
        assert!(answer.text().await.contains("model-busy"));
        assert_eq!(provider.requests().len(), 3);

        let provider = Provider::new(kind, Does::BreakInTheMiddle).await;
        let text = ask(&server(&provider).await, QUESTION).await.text().await;
        let pieces = data(&text);
        assert!(said(&text).starts_with("Guten"), "what came stays: {text}");
        assert!(pieces[pieces.len() - 2].contains("\"error\""), "{text}");
        assert_eq!((pieces.last().map(String::as_str), provider.requests().len()), (Some("[DONE]"), 1));
    }
}

#[tokio::test]
async fn what_a_provider_does_wrong_has_a_status_and_words_and_no_secret() {
    for (does, status, code) in [
        (Does::Refuse, StatusCode::BAD_GATEWAY, "model-refused"),
        (Does::KeyIsWrong, StatusCode::BAD_GATEWAY, "model-refused"),
        (Does::SayNothing, StatusCode::GATEWAY_TIMEOUT, "model-silent"),
        (Does::Garbage, StatusCode::BAD_GATEWAY, "model-broken"),
        (Does::EndAtOnce, StatusCode::BAD_GATEWAY, "model-broken"),
    ] {
        for kind in [Kind::Anthropic, Kind::OpenAi] {
            let provider = Provider::new(kind, does).await;
            let mut answer = ask(&server(&provider).await, QUESTION).await;
            let text = answer.text().await;
            assert_eq!(answer.status(), status, "{kind:?} {does:?}: {text}");
            assert!(text.contains(code) && !text.contains("sk-secret"), "{text}");
        }
    }
    let nobody = Provider::new(Kind::Anthropic, Does::Answer).await;
    let server = server(&nobody).await;
    nobody.stop();
    assert_eq!(ask(&server, QUESTION).await.status(), StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_provider_falls_silent_in_the_middle_and_one_is_told() {
    let provider = Provider::new(Kind::Anthropic, Does::FallSilent).await;
    let text = ask(&server(&provider).await, QUESTION).await.text().await;
    assert!(said(&text).starts_with("Guten") && text.contains("model-silent"), "{text}");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_stopped_at_the_provider_and_gives_its_place_back() {
    let provider = Provider::new(Kind::Anthropic, Does::Endless).await;
    let server = server(&provider).await;
    for _ in 0..10 {
        let mut answer = ask(&server, QUESTION).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.read_until("on ").await;
        drop(answer);
        provider.all_are_gone().await;
    }
    // What they have cost is a guess, but not nothing.
    server.state.chats.close().await;
    let day = tidemark::server::store::now_ms() / (24 * 60 * 60 * 1_000);
    let [own, all] = server.state.store.model_usage(day, ["address 192.0.2.1", "all"]).await.expect("usage");
    assert!(own.input >= 10 && own.output >= 10 && own == all, "{own:?} {all:?}");
}

#[tokio::test]
async fn conversations_that_are_none_are_refused_in_words() {
    let provider = Provider::new(Kind::Anthropic, Does::Answer).await;
    let server = server(&provider).await;
    for body in [
        "",
        "[]",
        r#"{"messages":[]}"#,
        r#"{"messages":[{"role":"user","content":" "}]}"#,
        r#"{"messages":[{"role":"root","content":"x"}]}"#,
        r#"{"messages":[{"role":"user","content":7}]}"#,
        r#"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}"#,
    ] {
        assert_eq!(ask(&server, body).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(ask(&server, &"x".repeat(600_000)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn without_a_key_the_guide_answers_from_the_documentation_and_says_that_it_is_no_model() {
    let server = Server::new().await;
    // The conversation that the document shows.
    let document = include_str!("../docs/protocol.md");
    let body = document.split("```json conversation\n").nth(1).and_then(|rest| rest.split("```").next()).expect("one");
    let text = said(&ask(&server, body).await.text().await);
    assert!(text.contains("docs/protocol.md") && text.contains("Last-Event-ID"), "{text}");
    assert!(
        text.contains("This is search, not a model") && text.contains("TIDEMARK_ASSISTANT__ANTHROPIC_KEY"),
        "{text}"
    );
}
