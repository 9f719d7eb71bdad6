//! The door: who may do what, over each way in; sessions, keys and what happens when they end.

mod http {
    mod forms;
    mod search;
    pub mod server;
    mod taken_back;
}

use axum::http::{Method, StatusCode};
use http::server::{Answer, Server};
use tidemark::server::{
    features::{
        keys, messages, notifications,
        people::{rename, sign_out_everywhere},
        rooms::{self, RoomError},
    },
    store::StoreError,
};

const HTML: (&str, &str) = ("accept", "text/html");
const EVENTS: (&str, &str) = ("accept", "text/event-stream");

/// A visitor's cookie, as after the first page.
async fn visit(server: &Server) -> String {
    let page = server.get("/", &[HTML]).await;
    let set = page.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"), "{set}");
    set.split(';').next().expect("a cookie").to_owned()
}

/// The ids of all people there are, the newest last.
async fn people(server: &Server) -> Vec<String> {
    let mut read = server.state.store.read().await.expect("a read");
    let ids = sqlx::query_scalar("SELECT id FROM person ORDER BY rowid").fetch_all(&mut *read).await;
    ids.expect("people")
}

/// Who a cookie belongs to, once written down.
async fn person(server: &Server, cookie: &str) -> String {
    server.get("/api/head?topic=feed", &[("cookie", cookie)]).await;
    people(server).await.pop().expect("a person")
}

#[tokio::test]
async fn a_page_introduces_a_visitor_once_and_nothing_else_does() {
    let server = Server::new().await;
    assert_eq!(server.get("/api/stream", &[EVENTS]).await.header("set-cookie"), "");
    assert_eq!(server.get("/api/snapshot?topic=feed", &[HTML]).await.header("set-cookie"), "");
    let cookie = visit(&server).await;
    assert_eq!(people(&server).await.len(), 0, "whoever never comes back leaves nothing behind");
    assert_eq!(server.get("/", &[HTML, ("cookie", &cookie)]).await.header("set-cookie"), "");
    assert_eq!(people(&server).await.len(), 1);
}

#[tokio::test]
async fn two_first_requests_at_once_are_one_person() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let cookies = [("cookie", cookie.as_str())];
    let requests = (0..8).map(|_| server.get("/api/head?topic=feed", &cookies));
    futures::future::join_all(requests).await;
    assert_eq!(people(&server).await.len(), 1);
}

#[tokio::test]
async fn forged_foreign_and_damaged_cookies_are_nobody_s() {
    let (server, other) = (Server::new().await, Server::new().await);
    let foreign = visit(&other).await;
    let own = visit(&server).await;
    let forged = format!("tidemark_session={}", "0".repeat(32));
    let damaged = format!("{}x", own);
    for cookie in [foreign.as_str(), &forged, &damaged, "tidemark_session=", "tidemark_session=%00"] {
        let page = server.get("/", &[HTML, ("cookie", cookie)]).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(page.header("set-cookie").starts_with("tidemark_session="), "{cookie}");
    }
    assert_eq!(people(&server).await.len(), 0);
}

#[tokio::test]
async fn notifications_are_for_their_person_on_every_way_in() {
    let server = Server::new().await;
    let (own, other) = (visit(&server).await, visit(&server).await);
    let id = person(&server, &own).await;
    person(&server, &other).await;
    let key = |grants: &'static str| keys::create(&server.state.store, "test", grants, None);
    let bearer = |key: String| format!("Bearer {key}");
    let reads_all = bearer(key("read:user/*").await.expect("a key"));
    let publishes = bearer(key("publish:user/*").await.expect("a key"));
    let ways = [
        format!("/api/stream?topic=user/{id}"),
        format!("/api/snapshot?topic=user/{id}"),
        format!("/api/head?topic=user/{id}"),
        format!("/api/topics/user/{id}/events"),
    ];
    for way in &ways {
        for (header, who, allowed) in [
            ("cookie", own.as_str(), true),
            ("cookie", other.as_str(), false),
            ("cookie", "", false),
            ("authorization", reads_all.as_str(), true),
            ("authorization", publishes.as_str(), false),
        ] {
            let answer = server.get(way, &[(header, who)]).await;
            let expected = if allowed { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(answer.status(), expected, "{way} for {who}");
        }
        let unknown = server.get(&way.replace(&id, "nobody"), &[("cookie", own.as_str())]).await;
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND, "what is foreign and what is not there look the same");
    }
}

#[tokio::test]
async fn signing_out_everywhere_ends_streams_at_once_and_the_cookie_for_good() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let id = person(&server, &cookie).await;
    let mut stream = server.get(&format!("/api/stream?topic=user/{id}"), &[EVENTS, ("cookie", &cookie)]).await;
    stream.read_until("event: connected").await;
    sign_out_everywhere(&server.state.store, &server.state.door, &id).await.expect("signed out");
    tell(&server, &id, "after the end").await;
    let rest = stream.text().await;
    assert!(rest.contains("event: refused") && rest.contains("signed-out"), "{rest}");
    assert!(!rest.contains("after the end"), "{rest}");
    let page = server.get("/", &[HTML, ("cookie", &cookie)]).await;
    assert!(page.header("set-cookie").starts_with("tidemark_session="), "somebody new");
    assert_eq!(
        server.get(&format!("/api/head?topic=user/{id}"), &[("cookie", &cookie)]).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn signing_out_everywhere_ends_keys_and_links_too() {
    let server = Server::new().await;
    let (own, other) = (visit(&server).await, visit(&server).await);
    let id = person(&server, &own).await;
    let stranger = person(&server, &other).await;
    let store = &server.state.store;
    let key = keys::create(store, "mine", &format!("read:user/{id}"), Some(&id)).await.expect("a key");
    let owner = tidemark::server::store::people::Person { id: id.clone(), name: String::new(), hue: 0, email: None };
    let link = tidemark::server::features::sign_in::device_link(store, "", &owner).await.expect("a link");
    sign_out_everywhere(store, &server.state.door, &id).await.expect("signed out");
    let authorization = format!("Bearer {key}");
    let answer = server.get(&format!("/api/head?topic=user/{id}"), &[("authorization", &authorization)]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let token = link.split("token=").nth(1).expect("a token");
    let used = tidemark::server::features::sign_in::use_link(store, &server.state.door, &stranger, token).await;
    assert!(used.is_err());
}

#[tokio::test]
async fn what_people_send_wrongly_is_their_fault_and_said_so() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
    for (function, body, status) in [
        ("set-name", "name=admin", StatusCode::UNPROCESSABLE_ENTITY),
        ("set-name", "", StatusCode::UNPROCESSABLE_ENTITY),
        ("mail-sign-in-link", "email=nonsense", StatusCode::UNPROCESSABLE_ENTITY),
        ("mark-notifications-read", "through=-1", StatusCode::UNPROCESSABLE_ENTITY),
        ("revoke-key", "id=nothing", StatusCode::NOT_FOUND),
        ("nonsense", "", StatusCode::NOT_FOUND),
    ] {
        let answer = server.send(Method::POST, &format!("/api/fn/{function}"), &form, body).await;
        assert_eq!(answer.status(), status, "{function} {body}");
    }
}

#[tokio::test]
async fn what_is_in_the_store_is_waited_for_even_by_those_who_do_not_wait() {
    let server = Server::new().await;
    let id = person(&server, &visit(&server).await).await;
    for _ in 0..80 {
        tell(&server, &id, "something").await;
    }
    let program = Program::new(&server, "read:user/*").await;
    let headers = [("authorization", program.authorization.as_str())];
    let path = format!("/api/topics/user/{id}/events");
    let position = field(&server.get(&path, &headers).await.text().await, "position");
    let epoch = position.split(':').next().expect("an epoch");
    let first = server.get(&format!("{path}?after={epoch}:1"), &headers).await.text().await;
    assert!(first.contains(r#""offset":2,"#), "{first}");
    let ahead = server.get(&format!("{path}?after={epoch}:9999"), &headers).await.text().await;
    assert!(ahead.contains("ahead-of-head"), "{ahead}");
}

/// Who may do what, over each way in.
#[tokio::test]
async fn the_table_of_who_may_do_what_holds_on_every_way_in() {
    let server = Server::new().await;
    let (own, other) = (visit(&server).await, visit(&server).await);
    let id = person(&server, &own).await;
    person(&server, &other).await;
    let key = async |grants: &str| {
        format!("Bearer {}", keys::create(&server.state.store, "test", grants, None).await.expect("a key"))
    };
    let reader = key("read:channel/* read:user/*").await;
    let publisher = key("publish:channel/* publish:user/*").await;
    let narrow = key("read:channel/a/* publish:channel/a/*").await;
    let who = [
        ("", ""),
        ("cookie", &own),
        ("cookie", &other),
        ("authorization", &reader),
        ("authorization", &publisher),
        ("authorization", &narrow),
    ];
    let user = format!("user/{id}");
    // For nobody, the owner, another, and the keys that read all, publish all, and do both in one place.
    for (topic, read, publish) in [
        ("feed", "yyyyyy", "------"),
        ("inspector", "yyyyyy", "------"),
        ("channel/a/b", "yyyyyy", "----yy"),
        ("channel/a/private-b", "---y-y", "----yy"),
        ("channel/c/private-d", "---y--", "----y-"),
        (&user, "-y-y--", "----y-"),
        ("user/nobody", "---y--", "------"),
        ("room/7", "------", "------"),
    ] {
        for (column, (header, value)) in who.iter().enumerate() {
            let headers: &[(&str, &str)] = if header.is_empty() { &[] } else { &[(*header, *value)] };
            let allowed = |row: &str| row.as_bytes()[column] == b'y';
            for way in ["stream?topic=TOPIC", "snapshot?topic=TOPIC", "head?topic=TOPIC", "topics/TOPIC/events"] {
                let answer = server.get(&format!("/api/{}", way.replace("TOPIC", topic)), headers).await;
                let expected = if allowed(read) { StatusCode::OK } else { StatusCode::NOT_FOUND };
                assert_eq!(answer.status(), expected, "{way} of {topic} for number {column}");
            }
            let path = format!("/api/topics/{topic}/events");
            let event = r#"{"type":"Told","data":{"text":"something"}}"#;
            let answer = server.send(Method::POST, &path, headers, event).await;
            assert_eq!(
                answer.status() == StatusCode::CREATED,
                allowed(publish),
                "publishing to {topic} for number {column}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_rendered_at_once_for_two_visitors_never_mix() {
    let server = Server::new().await;
    let mut visitors = Vec::new();
    for name in ["Ada", "Grace"] {
        let cookie = visit(&server).await;
        let id = person(&server, &cookie).await;
        rename(&server.state.store, &id, name).await.expect("renamed");
        tell(&server, &id, name).await;
        visitors.push((cookie, name));
    }
    let pages = (0..60).map(|number| {
        let (cookie, name) = &visitors[number % 2];
        let path = ["/", "/account", "/notifications"][number % 3];
        let server = &server;
        async move {
            let html = server.get(path, &[HTML, ("cookie", cookie)]).await.text().await;
            (*name, html)
        }
    });
    for (name, html) in futures::future::join_all(pages).await {
        let other = if name == "Ada" { "Grace" } else { "Ada" };
        assert!(html.contains(name) && !html.contains(other), "{name}'s page:\n{html}");
    }
}

async fn tell(server: &Server, person: &str, text: &'static str) {
    let person = person.to_owned();
    let done = server
        .state
        .store
        .write(move |tx| Box::pin(async move { notifications::notify(tx, &person, "Told", text, None).await }));
    done.await.expect("told");
}

struct Program<'a> {
    server: &'a Server,
    authorization: String,
}

impl<'a> Program<'a> {
    async fn new(server: &'a Server, grants: &str) -> Self {
        let key = keys::create(&server.state.store, "a program", grants, None).await.expect("a key");
        Self { server, authorization: format!("Bearer {key}") }
    }

    async fn publish(&self, topic: &str, body: &str, idempotency_key: Option<&str>) -> Answer {
        let mut headers = vec![("authorization", self.authorization.as_str())];
        headers.extend(idempotency_key.map(|key| ("idempotency-key", key)));
        self.server.send(Method::POST, &format!("/api/topics/{topic}/events"), &headers, body.to_owned()).await
    }
}

#[tokio::test]
async fn a_program_publishes_where_its_key_lets_it_and_readers_get_it() {
    let server = Server::new().await;
    let program = Program::new(&server, "publish:channel/shop/*").await;
    let mut stream = server.get("/api/stream?topic=channel/shop/orders", &[EVENTS]).await;
    stream.read_until("event: connected").await;
    let mut answer = program.publish("channel/shop/orders", r#"{"type":"Deployed","data":{"to":"prod"}}"#, None).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let said = answer.text().await;
    assert!(said.contains(r#""topic":"channel/shop/orders""#) && said.contains(r#""position":""#), "{said}");
    let event = stream.read_until(r#""type":"Deployed"}"#).await;
    assert!(event.contains(r#"data: {"data":{"to":"prod"}"#), "{event}");

    for (topic, status) in [
        ("channel/other/orders", StatusCode::NOT_FOUND),
        ("feed", StatusCode::NOT_FOUND),
        ("user/1", StatusCode::NOT_FOUND),
        ("nonsense", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(program.publish(topic, r#"{"type":"A"}"#, None).await.status(), status, "{topic}");
    }
    let path = "/api/topics/channel/shop/orders/events";
    let nobody = server.send(Method::POST, path, &[], r#"{"type":"A"}"#).await;
    assert_eq!((nobody.status(), nobody.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer"));
    let wrong = [("authorization", "Bearer tmk_wrong")];
    assert_eq!(server.send(Method::POST, path, &wrong, r#"{"type":"A"}"#).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn events_that_are_none_are_refused_in_words() {
    let server = Server::new().await;
    let program = Program::new(&server, "publish:channel/* publish:user/*").await;
    let big = format!(r#"{{"type":"A","data":"{}"}}"#, "x".repeat(40_000));
    for (body, status) in [
        ("", StatusCode::UNPROCESSABLE_ENTITY),
        ("hello", StatusCode::UNPROCESSABLE_ENTITY),
        ("[]", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"data":1}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"type":""}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"type":"two words"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"type":"A","more":1}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (&big, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let mut answer = program.publish("channel/a/b", body, None).await;
        assert_eq!(answer.status(), status, "{}", &body[..body.len().min(40)]);
        assert!(answer.text().await.contains("message"));
    }
    let deep = format!(r#"{{"type":"A","data":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(program.publish("channel/a/b", &deep, None).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let link = r#"{"type":"A","data":{"text":"x","link":"//evil.test"}}"#;
    assert_eq!(program.publish("user/1", link, None).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let nobody = r#"{"type":"A","data":{"text":"x"}}"#;
    assert_eq!(program.publish("user/1", nobody, None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_same_idempotency_key_publishes_once() {
    let server = Server::new().await;
    let id = person(&server, &visit(&server).await).await;
    let program = Program::new(&server, "publish:channel/* publish:user/*").await;
    for topic in ["channel/a/b".to_owned(), format!("user/{id}")] {
        let body = r#"{"type":"A","data":{"text":"once"}}"#;
        let (first, again) =
            tokio::join!(program.publish(&topic, body, Some(&topic)), program.publish(&topic, body, Some(&topic)),);
        let mut statuses = [first.status().as_u16(), again.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "{topic}");
        let (mut first, mut again) = (first, again);
        assert_eq!(first.text().await, again.text().await);
        let other = r#"{"type":"B","data":{"text":"other"}}"#;
        assert_eq!(program.publish(&topic, other, Some(&topic)).await.status(), StatusCode::CONFLICT);
        let topic = topic.parse().expect("a topic");
        server.state.topics.warm(&topic).await.expect("warm");
        assert_eq!(server.state.topics.head(&topic).offset, 1);
    }
    assert_eq!(
        program.publish("channel/a/b", r#"{"type":"A"}"#, Some("")).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn a_long_poll_answers_as_soon_as_there_is_something_and_with_what_was_missed() {
    let server = Server::new().await;
    let program = Program::new(&server, "publish:channel/*").await;
    let path = "/api/topics/channel/a/b/events";
    let mut nothing = server.get(path, &[]).await;
    let position = field(&nothing.text().await, "position");
    let patient = format!("{path}?after={position}&wait=30");
    let waiting = server.get(&patient, &[]);
    let publishing = async {
        tokio::task::yield_now().await;
        program.publish("channel/a/b", r#"{"type":"One"}"#, None).await
    };
    let (mut answer, _) = tokio::join!(waiting, publishing);
    let text = answer.text().await;
    assert!(text.contains(r#""offset":1"#) && text.contains("One"), "{text}");
    program.publish("channel/a/b", r#"{"type":"Two"}"#, None).await;
    let text = server.get(&format!("{path}?after={position}"), &[]).await.text().await;
    assert!(text.contains("One") && text.contains("Two"), "{text}");
    let foreign = server.get(&format!("{path}?after=00000000000000aa:1"), &[]).await.text().await;
    assert!(foreign.contains(r#""reset":{"reason":"unknown-epoch","snapshot":{"#), "{foreign}");
    assert_eq!(server.get(&format!("{path}?after=1"), &[]).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_ends_what_it_had_opened() {
    let server = Server::new().await;
    let program = Program::new(&server, "read:channel/* publish:channel/*").await;
    let authorization = ("authorization", program.authorization.as_str());
    let mut stream = server.get("/api/stream?topic=channel/a/private-x", &[EVENTS, authorization]).await;
    stream.read_until("event: connected").await;
    assert_eq!(server.get("/api/snapshot?topic=channel/a/private-x", &[]).await.status(), StatusCode::NOT_FOUND);
    let id = server.state.store.keys(None).await.expect("keys")[0].id.clone();
    keys::revoke(&server.state.store, &server.state.door, &id, None).await.expect("revoked");
    assert!(stream.text().await.contains("event: refused"));
    assert_eq!(program.publish("channel/a/b", r#"{"type":"A"}"#, None).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_writes_too_fast_is_told_when_to_come_back() {
    let server = Server::with(|config| config.limits.writes_per_minute = 8).await;
    let program = Program::new(&server, "publish:channel/*").await;
    for _ in 0..2 {
        assert_eq!(program.publish("channel/a/b", r#"{"type":"A"}"#, None).await.status(), StatusCode::CREATED);
    }
    let refused = program.publish("channel/a/b", r#"{"type":"A"}"#, None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=8).contains(&seconds));
}

#[tokio::test]
async fn pages_say_which_scripts_may_run() {
    let server = Server::new().await;
    let mut page = server.get("/", &[HTML]).await;
    let policy = page.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
    assert!(policy.contains("default-src 'self'") && policy.contains("object-src 'none'"), "{policy}");
    let html = page.text().await;
    let scripts = html.match_indices("<script").count();
    let data = html.matches(r#"<script type="application/json""#).count();
    assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), scripts - data, "every script that runs has it");
    assert_ne!(server.get("/", &[HTML]).await.header("content-security-policy"), policy);
}

fn field(json: &str, name: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(json).expect(json);
    json[name].as_str().expect(name).to_owned()
}

#[tokio::test]
async fn what_libraries_refuse_is_said_as_json_too() {
    let server = Server::new().await;
    let program = Program::new(&server, "publish:channel/*").await;
    let authorization = ("authorization", program.authorization.as_str());
    for (method, path, status, code) in [
        (Method::GET, "/api/topics/channel/a/b/events?wait=abc", StatusCode::BAD_REQUEST, "malformed"),
        (Method::GET, "/api/topics/%FF/events", StatusCode::BAD_REQUEST, "malformed"),
        (Method::DELETE, "/api/topics/channel/a/b/events", StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        (Method::PUT, "/api/stream", StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
    ] {
        let mut answer = server.send(method, path, &[authorization], "").await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        let error: serde_json::Value = serde_json::from_str(&answer.text().await).expect(path);
        assert_eq!(error["error"]["code"], code, "{path}");
        assert!(error["error"]["message"].as_str().is_some_and(|words| words.len() > 10), "{error}");
    }
    let foreign = [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")];
    let mut refused = server.send(Method::POST, "/api/fn/change_name", &foreign, "").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.contains("forbidden"));
}

#[tokio::test]
async fn a_stream_takes_topics_only_from_who_opened_it() {
    let server = Server::new().await;
    let program = Program::new(&server, "read:channel/*").await;
    let authorization = ("authorization", program.authorization.as_str());
    let mut stream = server.get("/api/stream?topic=feed", &[EVENTS]).await;
    let greeting = stream.read_until(r#""heartbeat_ms""#).await;
    let id = http::server::connection_in(&greeting).to_owned();
    let json = ("content-type", "application/json");
    let path = format!("/api/stream/{id}");
    let change = r#"{"subscribe":["channel/a/private-x"]}"#;
    let refused = server.send(Method::POST, &path, &[authorization, json], change).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND, "the key's end would not end what it reads there");
    let own = server.send(Method::POST, &path, &[json], r#"{"subscribe":["channel/a/open"]}"#).await;
    assert_eq!(own.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_was_forgotten_is_nobody_and_never_somebody_else() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let id = person(&server, &cookie).await;
    let forgotten = server.state.store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            sqlx::query("DELETE FROM session").execute(&mut tx.connection).await?;
            Ok(())
        })
    });
    forgotten.await.expect("forgotten");
    for _ in 0..100 {
        let answer = server.get(&format!("/api/head?topic=user/{id}"), &[("cookie", &cookie)]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn whoever_is_not_written_down_yet_is_told_so_when_they_change_something() {
    let server = Server::with(|config| config.limits.writes_per_minute = 8).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let mut answers = Vec::new();
    for _ in 0..4 {
        let cookie = visit(&server).await;
        server.get("/api/head?topic=feed", &[("cookie", &cookie)]).await;
        let mut answer = server.send(Method::POST, "/api/fn/set-name", &[form, ("cookie", &cookie)], "name=Ada").await;
        answers.push((answer.status().as_u16(), answer.text().await));
    }
    assert_eq!(answers[0].0, 200, "{answers:?}");
    assert!(answers[2..].iter().all(|(status, _)| *status == 429), "{answers:?}");
}

#[tokio::test]
async fn all_keys_of_a_person_share_one_budget() {
    let server = Server::with(|config| config.limits.writes_per_minute = 40).await;
    let id = person(&server, &visit(&server).await).await;
    let grants = format!("publish:channel/{id}/*");
    let mut done = 0;
    for name in ["one", "two"] {
        let key = keys::create(&server.state.store, name, &grants, Some(&id)).await.expect("a key");
        let program = Program { server: &server, authorization: format!("Bearer {key}") };
        for _ in 0..8 {
            let answer = program.publish(&format!("channel/{id}/a"), r#"{"type":"A"}"#, None).await;
            done += u32::from(answer.status() == StatusCode::CREATED);
        }
    }
    assert_eq!(done, 10, "a quarter of a minute's at once");
    assert!(keys::create(&server.state.store, "x", "publish:channel/other/*", Some(&id)).await.is_err());
}

#[tokio::test]
async fn whoever_goes_away_in_the_middle_has_published_once_when_they_come_back() {
    let server = Server::new().await;
    let program = Program::new(&server, "publish:channel/*").await;
    let publish = || program.publish("channel/a/b", r#"{"type":"A"}"#, Some("once"));
    for micros in [0, 50, 200, 1_000, 5_000] {
        let _ = tokio::time::timeout(std::time::Duration::from_micros(micros), publish()).await;
    }
    let mut answer = publish().await;
    assert!(answer.status().is_success());
    let position = field(&answer.text().await, "position");
    assert!(position.ends_with(":1"), "{position}");
    assert_eq!(server.state.topics.head(&"channel/a/b".parse().expect("a topic")).offset, 1);
}

#[tokio::test]
async fn a_private_room_is_its_members_on_every_way_in_and_removal_ends_delivery() {
    let server = Server::new().await;
    let (owner, member, stranger) = (visit(&server).await, visit(&server).await, visit(&server).await);
    let mut ids = Vec::new();
    for cookie in [&owner, &member, &stranger] {
        ids.push(person(&server, cookie).await);
    }
    let (store, door) = (&server.state.store, &server.state.door);
    let somebody = async |id: &str| {
        let id = id.to_owned();
        let found = store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.person(&id).await }));
        found.await.expect("a look").expect("a person")
    };
    let (owning, joining) = (somebody(&ids[0]).await, somebody(&ids[1]).await);
    let room = rooms::create(store, &owning, "Plans", true).await.expect("a room");
    let token = rooms::invite(store, &ids[0], &room).await.expect("an invitation");
    assert!(
        matches!(rooms::invite(store, &ids[2], &room).await, Err(RoomError::Unknown)),
        "it does not exist for others"
    );
    rooms::accept(store, &joining, &token).await.expect("joined");
    assert!(matches!(rooms::rename(store, &ids[1], &room, "Mine").await, Err(RoomError::NotOwner)));
    messages::post(store, &owning, &room, "c1", "only for us").await.expect("posted");

    let key = async |grants: &str, person: Option<&str>| {
        format!("Bearer {}", keys::create(store, "test", grants, person).await.expect("a key"))
    };
    let grants = format!("read:room/{room} read:presence/{room} read:typing/{room} publish:room/{room}");
    let askers = [
        (("cookie", owner.clone()), true),
        (("cookie", member.clone()), true),
        (("cookie", stranger.clone()), false),
        (("x-nobody", String::new()), false),
        (("authorization", key(&grants, None).await), true),
        (("authorization", key(&grants, Some(&ids[1])).await), true),
        (("authorization", key(&grants, Some(&ids[2])).await), false),
        (("authorization", key("read:room/lobby", None).await), false),
    ];
    let ways = [
        format!("/api/stream?topic=room/{room}"),
        format!("/api/stream?topic=presence/{room}"),
        format!("/api/snapshot?topic=typing/{room}"),
        format!("/api/head?topic=room/{room}"),
        format!("/api/topics/room/{room}/events"),
        format!("/api/rooms/{room}/messages"),
    ];
    for ((name, value), may) in &askers {
        for way in &ways {
            let answer = server.get(way, &[(name, value.as_str())]).await;
            let expected = if *may { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(answer.status(), expected, "{name} {value} {way}");
        }
    }
    for ((name, value), may) in askers.iter().filter(|((name, _), _)| *name == "authorization") {
        let body = r#"{"type":"MessagePosted","data":{"text":"from a program"}}"#;
        let answer =
            server.send(Method::POST, &format!("/api/topics/room/{room}/events"), &[(name, value)], body).await;
        assert_eq!(answer.status(), if *may { StatusCode::CREATED } else { StatusCode::NOT_FOUND }, "{value}");
    }

    let topics = format!("/api/stream?topic=room/{room}&topic=presence/{room}&topic=feed");
    let mut stream = server.get(&topics, &[EVENTS, ("cookie", &member)]).await;
    stream.read_until("event: connected").await;
    rooms::remove(store, door, &ids[0], &room, &ids[1]).await.expect("removed");
    messages::post(store, &owning, &room, "c2", "without you").await.expect("posted");
    server.publish_sample(1);
    let text = stream.read_until(r#""interval_ms""#).await;
    assert_eq!(text.matches("event: lost").count(), 2, "{text}");
    assert!(!text.contains("without you") && !text.contains("MemberRemoved"), "{text}");
    let after = server.get(&format!("/api/rooms/{room}/messages"), &[("cookie", &member)]).await;
    assert_eq!(after.status(), StatusCode::NOT_FOUND);
    assert!(matches!(messages::post(store, &joining, &room, "c3", "hello?").await, Err(RoomError::Unknown)));
    assert!(matches!(rooms::remove(store, door, &ids[0], &room, &ids[0]).await, Err(RoomError::OwnerStays)));
    rooms::archive(store, &ids[0], &room).await.expect("archived");
    assert!(matches!(messages::post(store, &owning, &room, "c4", "more").await, Err(RoomError::Archived)));
}

#[tokio::test]
async fn an_invitation_is_replaced_by_the_next_and_leads_nowhere_when_forged() {
    let server = Server::new().await;
    let (owner, guest) = (visit(&server).await, visit(&server).await);
    let (owner, guest) = (person(&server, &owner).await, person(&server, &guest).await);
    let store = &server.state.store;
    let somebody = async |id: String| {
        let found = store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.person(&id).await }));
        found.await.expect("a look").expect("a person")
    };
    let (owning, joining) = (somebody(owner.clone()).await, somebody(guest).await);
    let room = rooms::create(store, &owning, "Plans", true).await.expect("a room");
    let first = rooms::invite(store, &owner, &room).await.expect("an invitation");
    let second = rooms::invite(store, &owner, &room).await.expect("another");
    for token in [first.as_str(), "", "0123456789abcdef"] {
        assert!(matches!(rooms::accept(store, &joining, token).await, Err(RoomError::Invitation)));
    }
    for _ in 0..2 {
        assert_eq!(rooms::accept(store, &joining, &second).await.expect("joined"), room, "twice is once");
    }
    assert_eq!(store.members(&room, 10).await.expect("members").len(), 2);
}
