//! Providers that mean no good, or are broken in ways that none is meant to be: what they do ends, and tells them nothing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::{StreamExt, stream};
use tidemark::server::config::AssistantConfig;

use crate::{QUESTION, ask, http::server::Server};

const PING: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
const WORD: &str =
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"on \"}}\n\n";

/// Something that answers questions over Anthropic's wire like this; its address, and how often it was asked.
async fn provider(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Arc::<AtomicUsize>::default();
    let count = asked.clone();
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let response = answer();
        async { response }
    };
    let router = Router::new().route("/v1/messages", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

async fn server(url: &str, change: impl FnOnce(&mut AssistantConfig)) -> Server {
    Server::with(|config| {
        let assistant = &mut config.assistant;
        (assistant.anthropic_key, assistant.anthropic_base_url) = ("sk-secret".into(), url.to_owned());
        change(assistant);
    })
    .await
}

/// These bytes again and again, as fast as they are read.
fn endless(bytes: &'static str) -> Body {
    Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(bytes)))
}

fn events(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

#[tokio::test]
async fn an_address_that_redirects_is_not_followed_with_the_key() {
    let (elsewhere, asked) = provider(|| events(endless(WORD))).await;
    let to = format!("{elsewhere}/v1/messages");
    let (url, _) =
        provider(move || (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.clone())]).into_response()).await;
    let mut answer = ask(&server(&url, |_| {}).await, QUESTION).await;
    assert_eq!((answer.status(), asked.load(Ordering::SeqCst)), (StatusCode::BAD_GATEWAY, 0));
    assert!(answer.text().await.contains("model-refused"));
}

#[tokio::test]
async fn a_refusal_without_an_end_is_read_no_further_than_it_helps() {
    let (url, asked) = provider(|| (StatusCode::INTERNAL_SERVER_ERROR, endless("no ")).into_response()).await;
    let answer = ask(&server(&url, |_| {}).await, QUESTION).await;
    assert_eq!((answer.status(), asked.load(Ordering::SeqCst)), (StatusCode::SERVICE_UNAVAILABLE, 3));
}

#[tokio::test]
async fn a_sign_of_life_is_no_first_word() {
    let pings = || {
        let beat = tokio::time::interval(std::time::Duration::from_millis(100));
        let pings = stream::unfold(beat, |mut beat| async move {
            beat.tick().await;
            Some((Ok::<_, std::io::Error>(PING), beat))
        });
        events(Body::from_stream(pings))
    };
    let (url, _) = provider(pings).await;
    let mut answer = ask(&server(&url, |_| {}).await, QUESTION).await;
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT, "{}", answer.text().await);
}

#[tokio::test]
async fn a_count_of_what_was_asked_is_no_first_word_either() {
    const STARTED: &str =
        "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n";
    let started = || {
        let begun = stream::once(async { Ok::<_, std::io::Error>(STARTED) });
        events(Body::from_stream(begun.chain(stream::pending())))
    };
    let (url, _) = provider(started).await;
    let mut answer = ask(&server(&url, |_| {}).await, QUESTION).await;
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT, "{}", answer.text().await);
}

#[tokio::test]
async fn an_answer_that_keeps_to_no_limit_is_ended_as_too_long() {
    let (url, _) = provider(|| events(endless(WORD))).await;
    let server = server(&url, |assistant| assistant.output_tokens = 16).await;
    let text = ask(&server, QUESTION).await.text().await;
    assert!(text.ends_with("data: {\"stopped\":\"too-long\"}\n\ndata: [DONE]\n\n"), "{}", &text[text.len() - 99..]);
}

#[tokio::test]
async fn a_provider_is_read_no_faster_than_whoever_asks_reads() {
    let given = Arc::<AtomicUsize>::default();
    let count = given.clone();
    let (url, _) = provider(move || {
        let count = count.clone();
        let words = stream::repeat_with(move || {
            count.fetch_add(WORD.len(), Ordering::SeqCst);
            Ok::<_, std::io::Error>(WORD)
        });
        events(Body::from_stream(words))
    })
    .await;
    let mut answer = ask(&server(&url, |assistant| assistant.output_tokens = 200_000).await, QUESTION).await;
    answer.read_until("on ").await;
    // What the sockets hold is given yet; then it waits.
    let stands_still = async {
        let mut before = 0;
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let now = given.load(Ordering::SeqCst);
            if now == before {
                return now;
            }
            before = now;
        }
    };
    let given = tokio::time::timeout(std::time::Duration::from_secs(20), stands_still).await.expect("it waits");
    assert!(given < 64 << 20, "{given} bytes were read for somebody who reads nothing");
}

#[tokio::test]
async fn a_provider_s_word_of_when_to_come_back_is_kept() {
    let cases: [(u16, &str, &str, usize, StatusCode); 4] = [
        (429, "retry-after", "60", 1, StatusCode::SERVICE_UNAVAILABLE),
        (529, "retry-after", "0", 3, StatusCode::SERVICE_UNAVAILABLE),
        (500, "x-should-retry", "false", 1, StatusCode::SERVICE_UNAVAILABLE),
        (400, "x-should-retry", "true", 3, StatusCode::BAD_GATEWAY),
    ];
    for (status, header, value, times, told) in cases {
        let refusal = move || {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [(header, value)], "{}").into_response()
        };
        let (url, asked) = provider(refusal).await;
        let answer = ask(&server(&url, |_| {}).await, QUESTION).await;
        let wait = if value == "60" { "60" } else { answer.header("retry-after") };
        assert_eq!(
            (answer.status(), asked.load(Ordering::SeqCst), answer.header("retry-after")),
            (told, times, wait),
            "{status} {header}: {value}"
        );
    }
}

#[tokio::test]
async fn what_a_provider_says_of_its_customer_is_not_for_whoever_asks() {
    let refusal = || {
        let body = r#"{"error":{"message":"Your credit balance is too low, Jane Doe"}}"#;
        (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    let (url, _) = provider(refusal).await;
    let mut answer = ask(&server(&url, |_| {}).await, QUESTION).await;
    let text = answer.text().await;
    assert!(text.contains("does not take this conversation") && !text.contains("credit"), "{text}");
}
