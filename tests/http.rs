//! The HTTP interface, against the real router: what is asked for, refused, allowed and answered. Streams are read as
//! bytes here; clients of other people's making read them in `end2end/`.

mod http {
    pub mod server;
}

use std::{sync::atomic::Ordering, time::Duration};

use axum::http::{Method, StatusCode};
use http::server::{Answer, Server, connection_in};
use tidemark::wire::Topic;

const HTML: (&str, &str) = ("accept", "text/html");
const EVENTS: (&str, &str) = ("accept", "text/event-stream");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
const SET_INTERVAL: &str = "/api/fn/set-sampling-interval";

#[tokio::test]
async fn the_article_s_stream_begins_with_connected_and_carries_plain_samples() {
    let server = Server::new().await;
    server.publish_sample(1);
    let mut stream = server.get("/api/stream", &[EVENTS]).await;
    assert_eq!(stream.header("content-type"), "text/event-stream");
    assert_eq!(stream.header("cache-control"), "no-cache, no-transform");
    assert_eq!(stream.header("x-accel-buffering"), "no");
    let greeting = stream.read_until("data: connected\n\n").await;
    assert!(greeting.starts_with("retry: ") && greeting.contains("\nid: feed@"), "{greeting}");
    server.publish_sample(2);
    let event = stream.read_until("\n\n").await;
    let data = event.split_once("\ndata: ").expect("data after the id").1;
    assert!(data.starts_with(r#"{"time":2,"value":"#), "{event}");
}

#[tokio::test]
async fn a_stream_reads_on_after_the_position_asked_for() {
    let server = Server::new().await;
    let at = server.publish_sample(1);
    server.publish_sample(2);
    server.publish_sample(3);
    for (query, id) in
        [(format!("?topic=feed@{at}"), ""), ("?topic=feed".into(), "feed@{at}"), (String::new(), "feed@{at}")]
    {
        let id = id.replace("{at}", &at.to_string());
        let mut stream = server.get(&format!("/api/stream{query}"), &[EVENTS, ("last-event-id", &id)]).await;
        let text = stream.read_until(r#"data: {"time":3"#).await;
        assert!(text.contains(r#"{"time":2"#) && !text.contains(r#"{"time":1,"#), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_after_is_a_reset_with_its_snapshot() {
    let server = Server::new().await;
    let at = server.publish_sample(7);
    let foreign = format!("topic=feed@00000000000000aa:{}", at.offset);
    let ahead = format!("topic=feed@{}:{}", at.epoch, at.offset + 1);
    for (query, id, reason) in [
        (foreign.as_str(), "", "unknown-epoch"),
        (ahead.as_str(), "", "ahead-of-head"),
        ("topic=feed", "garbage", "unknown-epoch"),
    ] {
        let mut stream = server.get(&format!("/api/stream?{query}"), &[EVENTS, ("last-event-id", id)]).await;
        let text = stream.read_until("]}}\n\n").await;
        assert!(text.contains(&format!("event: reset\ndata: {{\"topic\":\"feed\",\"reason\":\"{reason}\"")), "{text}");
        assert!(text.contains(r#""data":{"time":7,"#), "{text}");
    }
}

#[tokio::test]
async fn refusals_suit_who_asks() {
    let server = Server::new().await;
    let many: String = (0..17).map(|n| format!("topic=channel/a/{n}&")).collect();
    for (query, code, status) in [
        ("topic=nonsense", "unknown-topic", StatusCode::NOT_FOUND),
        ("topic=channel/a/private-b", "unknown-topic", StatusCode::NOT_FOUND),
        ("topic=feed@1", "bad-position", StatusCode::BAD_REQUEST),
        (many.as_str(), "too-many-topics", StatusCode::BAD_REQUEST),
    ] {
        let path = format!("/api/stream?{query}");
        let mut curl = server.get(&path, &[]).await;
        assert_eq!(curl.status(), status, "{query}");
        assert!(curl.text().await.contains(code), "{query}");

        let mut source = server.get(&path, &[EVENTS]).await;
        assert_eq!(source.status(), StatusCode::OK);
        let text = source.text().await;
        assert!(text.contains("\nid: !refused\nevent: refused\n") && text.contains(code), "{text}");
        let again = server.get(&path, &[EVENTS, ("last-event-id", "!refused")]).await;
        assert_eq!(again.status(), StatusCode::NO_CONTENT, "which ends an EventSource for good");
    }
}

#[tokio::test]
async fn who_has_too_many_streams_is_told_to_come_back_and_may() {
    let server = Server::with(|config| config.limits.connections_per_address = 2).await;
    let first = server.get("/api/stream", &[EVENTS]).await;
    let _second = server.get("/api/stream", &[EVENTS]).await;
    let mut refused = server.get("/api/stream", &[EVENTS]).await;
    let text = refused.text().await;
    assert!(text.starts_with("retry: ") && text.contains("too-many-connections") && !text.contains("\nid:"), "{text}");
    let curl = server.get("/api/stream", &[]).await;
    assert_eq!(curl.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!curl.header("retry-after").is_empty());
    drop(first);
    let mut again = server.get("/api/stream", &[EVENTS]).await;
    again.read_until("connected").await;
}

#[tokio::test]
async fn close_to_the_open_file_limit_streams_are_refused_and_pages_are_not() {
    let server = Server::new().await;
    server.state.connections.sockets.store(server.state.connections.limits.sockets_for_streams + 1, Ordering::Relaxed);
    let refused = server.get("/api/stream", &[]).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.get("/", &[HTML]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_shutdown_says_goodbye_on_every_stream_and_opens_no_more() {
    let server = Server::new().await;
    let mut stream = server.get("/api/stream?topic=feed", &[EVENTS]).await;
    let greeting = stream.read_until("\n\n").await;
    let id = connection_in(&greeting);
    assert_eq!(server.get("/readyz", &[]).await.status(), StatusCode::OK);
    server.state.connections.drain();
    let rest = stream.text().await;
    assert!(rest.contains("\nevent: draining\ndata: {\"retry_ms\":") || rest.contains("event: draining"), "{rest}");
    assert!(rest.contains("retry: "), "{rest}");
    assert_eq!(server.get("/readyz", &[]).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.get("/healthz", &[]).await.status(), StatusCode::OK);
    assert_eq!(server.get("/api/stream", &[]).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let change = async |id: &str| {
        server.send(Method::POST, &format!("/api/stream/{id}"), &[JSON], r#"{"unsubscribe":["feed"]}"#).await
    };
    assert_eq!(change(id).await.text().await, r#"{"topics":[]}"#, "what crossed the goodbye is no mistake");
    assert_eq!(change("0123").await.status(), StatusCode::NOT_FOUND, "nor is it another process's stream");
}

#[tokio::test]
async fn a_live_stream_s_topics_are_changed_by_who_knows_its_id() {
    let server = Server::new().await;
    let mut stream = server.get("/api/stream?topic=feed", &[EVENTS]).await;
    let greeting = stream.read_until("\n\n").await;
    let id = connection_in(&greeting);
    let path = format!("/api/stream/{id}");
    let change = |body: &'static str| server.send(Method::POST, &path, &[JSON], body);

    assert_eq!(
        change(r#"{"subscribe":["inspector"],"unsubscribe":["feed"]}"#).await.text().await,
        r#"{"topics":["inspector"]}"#
    );
    let joined = stream.read_until("\n\n").await;
    assert!(joined.contains("event: subscribed") && joined.contains("inspector@"), "{joined}");

    for bad in ["", "{", "7", r#"{"subscribe":[1]}"#, r#"{"subscribe":["feed@1"]}"#, r#"{"sub":[]}"#] {
        assert_eq!(change(bad).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    assert_eq!(change(r#"{"subscribe":["channel/a/private-b"]}"#).await.status(), StatusCode::NOT_FOUND);
    let unknown = server.send(Method::POST, "/api/stream/0123", &[JSON], r#"{"subscribe":["feed"]}"#).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = Server::new().await;
    let huge = format!(r#"{{"subscribe":["{}"]}}"#, "x".repeat(100_000));
    let answer = server.send(Method::POST, "/api/stream/0123", &[JSON], huge).await;
    assert!([StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status()));
    let form = server.send(Method::POST, SET_INTERVAL, &[FORM], format!("interval_ms={}", "1".repeat(100_000))).await;
    assert!(form.status().is_client_error() || form.status().is_server_error());
    assert_eq!(server.state.feed.interval_ms(), 1_000);
}

#[tokio::test]
async fn snapshots_and_heads_are_true_at_their_position() {
    let server = Server::new().await;
    let at = (1..60).fold(server.publish_sample(60), |_, time| server.publish_sample(time));
    let text = server.get("/api/snapshot?topic=feed", &[]).await.text().await;
    let snapshot: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(snapshot["position"], at.to_string());
    let offsets: Vec<_> = snapshot["events"].as_array().expect("events").iter().map(|e| e["offset"].clone()).collect();
    assert_eq!((offsets.len(), &offsets[0], &offsets[49]), (50, &11.into(), &60.into()));
    let head = server.get("/api/head?topic=feed", &[]).await.text().await;
    assert_eq!(head, format!(r#"{{"topic":"feed","position":"{at}"}}"#));
    for path in ["/api/snapshot", "/api/snapshot?topic=", "/api/head?topic=channel/a/private-b", "/api/nothing"] {
        let mut answer = server.get(path, &[HTML]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().await.starts_with(r#"{"error":"#), "{path}");
    }
}

#[tokio::test]
async fn pages_are_complete_before_any_script_runs() {
    let server = Server::new().await;
    for time in 1..=60 {
        server.publish_sample(time);
    }
    let html = server.get("/", &[HTML]).await.text().await;
    assert_eq!(html.matches("data-offset=").count(), 50);
    assert!(html.contains(r#"data-offset="60""#) && !html.contains(r#"data-offset="10""#));
    let mut missing = server.get("/nothing", &[HTML]).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let html = missing.text().await;
    assert!(html.contains("There is nothing here"), "{html}");
}

#[tokio::test]
async fn files_outside_the_site_are_not_served() {
    let server = Server::new().await;
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/..%2fCargo.toml", "/pkg/../../Cargo.toml", "/%00", "/pkg/"] {
        let answer = server.get(path, &[]).await;
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
}

#[tokio::test]
async fn the_inspector_is_there_only_where_it_is_switched_on() {
    let on = Server::new().await;
    assert_eq!(on.get("/inspector", &[HTML]).await.status(), StatusCode::OK);
    let off = Server::with(|config| config.inspector = tidemark::server::config::Switch::Off).await;
    assert_eq!(off.get("/inspector", &[HTML]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(off.get("/api/snapshot?topic=inspector", &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(off.get("/api/stream?topic=inspector", &[]).await.status(), StatusCode::NOT_FOUND);
    assert!(!off.get("/", &[HTML]).await.text().await.contains("Inspector"));
}

#[tokio::test]
async fn the_interval_is_changed_by_a_form_or_a_call() {
    let server = Server::new().await;
    let form = [FORM, HTML, ("referer", "http://localhost//page?q=1")];
    let answer = server.send(Method::POST, SET_INTERVAL, &form, "interval_ms=250").await;
    assert_eq!((answer.status(), answer.header("location")), (StatusCode::FOUND, "/page?q=1"));
    assert_eq!((server.state.feed.interval_ms(), answer.header("set-cookie")), (250, ""));
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let answer = server.send(Method::POST, SET_INTERVAL, &[FORM], "interval_ms=500").await;
    assert_eq!((answer.status(), server.state.feed.interval_ms()), (StatusCode::OK, 500));
}

#[tokio::test]
async fn a_form_that_fails_without_javascript_says_so_once_on_the_page_it_comes_back_to() {
    let server = Server::new().await;
    let form = [FORM, HTML, ("referer", "http://localhost//page?q=1")];
    let failed = server.send(Method::POST, SET_INTERVAL, &form, "interval_ms=7").await;
    assert_eq!((failed.status(), failed.header("location")), (StatusCode::FOUND, "/page?q=1"));
    let cookie = failed.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let mut page = server.get("/", &[HTML, ("cookie", &cookie)]).await;
    assert!(page.header("set-cookie").starts_with("tidemark_flash=; "), "shown once: {}", page.header("set-cookie"));
    assert!(page.text().await.contains("7 ms is not one of the intervals"));

    let mut called = server.send(Method::POST, SET_INTERVAL, &[FORM], "interval_ms=7").await;
    assert!(called.status().is_client_error() && called.text().await.contains("not one of the intervals"));
    let nonsense = server.send(Method::POST, SET_INTERVAL, &[FORM], "interval_ms=soon").await;
    assert!(!nonsense.status().is_success());
    let nonsense = server.send(Method::POST, SET_INTERVAL, &form, "interval_ms=soon").await;
    assert_eq!(nonsense.header("location"), "/page?q=1", "the error is not in the address");
    assert_eq!(server.state.feed.interval_ms(), 1_000);
}

#[tokio::test]
async fn pages_of_other_sites_read_where_allowed_and_change_nothing() {
    let server = Server::with(|config| config.allowed_origins = vec!["http://friend.test:8080".into()]).await;
    let friend = ("origin", "http://friend.test:8080");
    let stranger = ("origin", "http://stranger.test");
    let acao = |answer: &Answer| answer.header("access-control-allow-origin").to_owned();
    assert_eq!(acao(&server.get("/api/stream", &[EVENTS, friend]).await), "http://friend.test:8080");
    assert_eq!(acao(&server.get("/api/snapshot?topic=feed", &[stranger]).await), "");

    let cross = [FORM, stranger, ("host", "localhost"), ("sec-fetch-site", "cross-site")];
    let answer = server.send(Method::POST, SET_INTERVAL, &cross, "interval_ms=250").await;
    assert_eq!((answer.status(), server.state.feed.interval_ms()), (StatusCode::FORBIDDEN, 1_000));
}

#[tokio::test]
async fn channels_whose_name_says_so_are_private() {
    let server = Server::new().await;
    let topic: Topic = "channel/a/private-b".parse().expect("a topic");
    server.state.topics.publish(&topic, &"secret").expect("published");
    assert_eq!(server.get("/api/snapshot?topic=channel/a/private-b", &[]).await.status(), StatusCode::NOT_FOUND);
    let id = format!("feed@00000000000000aa:1,channel/a/private-b@{}", server.state.topics.head(&topic));
    let mut stream = server.get("/api/stream", &[("last-event-id", &id)]).await;
    let text = stream.read_until("event: lost").await;
    assert!(!text.contains("secret"), "{text}");
    server.state.topics.publish(&topic, &"another secret").expect("published");
    server.publish_sample(1);
    let text = stream.read_until(r#""interval_ms""#).await;
    assert!(!text.contains("secret"), "{text}");
}
