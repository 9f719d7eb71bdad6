//! `@assistant` in rooms: who is answered, what the model is shown, who sees it, and how it ends.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;
use tidemark::{
    server::{
        features::{keys, messages, rooms},
        model::{ModelError, Piece, Role, Stop},
        store::{StoreError, now_ms, people::Person},
    },
    wire::{
        room::{History, Message},
        topic::Mark,
    },
};

use super::stage::Stage;

pub const EVENTS: (&str, &str) = ("accept", "text/event-stream");

/// Somebody with a page.
pub struct Visitor {
    pub cookie: String,
    pub person: Person,
}

pub async fn visit(stage: &Stage) -> Visitor {
    let server = &stage.server;
    let page = server.get("/", &[("accept", "text/html")]).await;
    let cookie = page.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    server.get("/api/head?topic=feed", &[("cookie", &cookie)]).await;
    let mut read = server.state.store.read().await.expect("a read");
    let id: String = sqlx::query_scalar("SELECT id FROM person ORDER BY rowid DESC LIMIT 1")
        .fetch_one(&mut *read)
        .await
        .expect("one");
    drop(read);
    let found =
        server.state.store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.person(&id).await })).await;
    Visitor { cookie, person: found.expect("a look").expect("a person") }
}

/// A stage with a lobby, and somebody in it.
pub async fn lobby() -> (Stage, Visitor) {
    let stage = Stage::new().await;
    rooms::found(&stage.server.state.store).await.expect("the lobby");
    let ada = visit(&stage).await;
    (stage, ada)
}

pub async fn say(stage: &Stage, by: &Visitor, room: &str, client: &str, text: &str) {
    let command = json!({ "type": "post", "room": room, "id": client, "client": client, "text": text });
    let headers = [("cookie", by.cookie.as_str()), ("content-type", "application/json")];
    let mut answer = stage.server.send(Method::POST, "/api/command", &headers, command.to_string()).await;
    let text = answer.text().await;
    assert_eq!(answer.status(), StatusCode::OK, "{text}");
}

pub async fn said(stage: &Stage, by: &Visitor, room: &str) -> Vec<Message> {
    let path = format!("/api/rooms/{room}/messages");
    let text = stage.server.get(&path, &[("cookie", &by.cookie)]).await.text().await;
    serde_json::from_str::<History>(&text).unwrap_or_else(|_| panic!("no history: {text}")).messages
}

pub async fn newest(stage: &Stage, by: &Visitor, room: &str) -> Message {
    said(stage, by, room).await.pop().expect("a message")
}

/// The newest message, once it is whole.
pub async fn whole(stage: &Stage, by: &Visitor, room: &str) -> Message {
    let ended = async {
        loop {
            let newest = newest(stage, by, room).await;
            if newest.run.is_none() {
                return newest;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends")
}

pub fn stream_of(message: &Message) -> String {
    format!("/api/stream?topic={}", message.run.as_ref().expect("it is being written"))
}

#[tokio::test]
async fn who_mentions_it_is_answered_in_the_room_and_everybody_sees_it_grow() {
    let (stage, ada) = lobby().await;
    let bob = visit(&stage).await;
    say(&stage, &bob, "lobby", "b1", "High water is at noon.").await;
    let lobby = stage.server.get("/api/head?topic=room/lobby", &[]).await.text().await;
    let lobby: serde_json::Value = serde_json::from_str(&lobby).expect("a head");
    say(&stage, &ada, "lobby", "a1", "@Assistant: what is a tide?").await;

    let (prompt, pen) = stage.script.next().await;
    assert!(prompt.system.contains("\"Lobby\"") && prompt.system.contains("Markdown"), "{}", prompt.system);
    let roles: Vec<_> = prompt.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
    assert!(prompt.turns[0].text().contains(&format!("{}: High water is at noon.", bob.person.name)));
    assert_eq!(prompt.turns[2].text(), "what is a tide?");
    let tools: Vec<_> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["read_guide"], "nothing that only the asker may read");

    let messages = said(&stage, &bob, "lobby").await;
    let [.., question, answer] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(question.mentions, ["Assistant"]);
    assert_eq!((answer.author.name.as_str(), answer.author.bot, answer.text.as_str()), ("Assistant", true, ""));
    pen.write("*It* ");
    let mut early = stage.server.get(&stream_of(answer), &[EVENTS, ("cookie", &bob.cookie)]).await;
    early.read_until("*It* ").await;
    pen.write("rises.");
    early.read_until("rises.").await;
    // Whoever comes later, and is nobody, is told all of it.
    let mut late = stage.server.get(&stream_of(answer), &[EVENTS]).await;
    let told = late.read_until("rises.").await;
    assert!(told.contains("*It* ") && told.contains("<p><em>It</em>"), "{told}");
    pen.end();
    late.read_until("RunEnded").await;
    let answer = whole(&stage, &ada, "lobby").await;
    assert_eq!((answer.text.as_str(), answer.edited, answer.deleted), ("*It* rises.", false, false));
    assert_eq!(answer.html, ["<p><em>It</em> rises.</p>"]);

    let after = lobby["position"].as_str().expect("a position");
    let mut events = stage.server.get(&format!("/api/stream?topic=room/lobby@{after}"), &[EVENTS]).await;
    let events = events.read_until("*It* rises.").await;
    assert!(
        events.contains("MessageEdited") && events.contains("\"run\""),
        "begun with a run, ended without: {events}"
    );
}

#[tokio::test]
async fn what_is_written_in_a_private_room_is_its_members_for_as_long_as_they_are() {
    let (stage, ada) = lobby().await;
    let (bob, eve) = (visit(&stage).await, visit(&stage).await);
    let (store, door) = (&stage.server.state.store, &stage.server.state.door);
    let room = rooms::create(store, &ada.person, "Plans", true).await.expect("a room");
    let token = rooms::invite(store, &ada.person.id, &room).await.expect("an invitation");
    rooms::accept(store, &bob.person, &token).await.expect("joined");
    say(&stage, &ada, &room, "a1", "@assistant hello").await;
    let (_, pen) = stage.script.next().await;
    let answer = newest(&stage, &ada, &room).await;
    let run = answer.run.as_ref().and_then(|mark| mark.split('@').next()).expect("it is being written");

    let grant = async |grants: &str, person: Option<&str>| {
        format!("Bearer {}", keys::create(store, "test", grants, person).await.expect("a key"))
    };
    let reads = format!("read:room/{room}");
    for ((name, value), may) in [
        (("cookie", ada.cookie.clone()), true),
        (("cookie", bob.cookie.clone()), true),
        (("cookie", eve.cookie.clone()), false),
        (("x-nobody", String::new()), false),
        (("authorization", grant(&reads, None).await), true),
        (("authorization", grant(&reads, Some(&eve.person.id)).await), false),
        (("authorization", grant("read:room/lobby", None).await), false),
    ] {
        for way in ["stream", "snapshot", "head"].map(|way| format!("/api/{way}?topic={run}")) {
            let status = stage.server.get(&way, &[(name, value.as_str())]).await.status();
            assert_eq!(status, if may { StatusCode::OK } else { StatusCode::NOT_FOUND }, "{name} {value} {way}");
        }
        if !may {
            // Whoever claims to have read it before is told that it is lost, and where it stands is not said.
            let mut stream = stage.server.get(&stream_of(&answer), &[EVENTS, (name, value.as_str())]).await;
            let text = stream.read_until("event: lost").await;
            assert!(text.contains(r#""topics":[]"#), "{name} {value} {text}");
        }
    }

    let mut stream = stage.server.get(&stream_of(&answer), &[EVENTS, ("cookie", &bob.cookie)]).await;
    pen.write("seen");
    stream.read_until("seen").await;
    rooms::remove(store, door, &ada.person.id, &room, &bob.person.id).await.expect("removed");
    stream.read_until("event: lost").await;
    pen.write(" unseen");
    pen.end();
    assert_eq!(whole(&stage, &ada, &room).await.text, "seen unseen");
    let status = stage.server.get(&format!("/api/head?topic={run}"), &[("cookie", &eve.cookie)]).await.status();
    assert_eq!(status, StatusCode::NOT_FOUND, "nor afterwards");
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_words() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant hello").await;
    let (_, pen) = stage.script.next().await;
    pen.write("Well");
    pen.fail(ModelError::Broken);
    assert_eq!(whole(&stage, &ada, "lobby").await.text, "Well\n(The answer broke off.)");
    for (piece, words) in [(Stop::Refused, "does not want to"), (Stop::Done, "no answer")] {
        say(&stage, &ada, "lobby", &format!("a-{words}").replace(' ', "-"), "@assistant hello").await;
        let (_, pen) = stage.script.next().await;
        pen.piece(Piece::Stopped(piece));
        let text = whole(&stage, &ada, "lobby").await.text;
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn whoever_has_reached_a_ceiling_is_told_so_in_the_room() {
    let stage = Stage::with(|config| config.assistant.requests_a_minute_per_address = 1).await;
    rooms::found(&stage.server.state.store).await.expect("the lobby");
    let ada = visit(&stage).await;
    say(&stage, &ada, "lobby", "a1", "@assistant hello").await;
    let (_, pen) = stage.script.next().await;
    pen.end();
    whole(&stage, &ada, "lobby").await;
    say(&stage, &ada, "lobby", "a2", "@assistant hello?").await;
    let told = newest(&stage, &ada, "lobby").await;
    assert!(told.author.bot && told.text.starts_with(&ada.person.name), "{told:?}");
    assert!(told.text.contains("more than once a minute; try again in"), "{}", told.text);
    assert_eq!(stage.script.times_asked(), 1);
}

#[tokio::test]
async fn only_what_people_post_is_answered_and_once() {
    let (stage, ada) = lobby().await;
    let store = &stage.server.state.store;
    let key = keys::create(store, "a program", "publish:room/lobby", None).await.expect("a key");
    let body = r#"{"type":"MessagePosted","data":{"text":"@assistant hello"}}"#;
    let headers = [("authorization", &*format!("Bearer {key}"))];
    let posted = stage.server.send(Method::POST, "/api/topics/room/lobby/events", &headers, body).await;
    assert_eq!(posted.status(), StatusCode::CREATED);
    assert_eq!(newest(&stage, &ada, "lobby").await.author.name, "a program", "programs are not answered");
    say(&stage, &ada, "lobby", "a1", "hello, assistant").await;
    let own = newest(&stage, &ada, "lobby").await;
    messages::edit(store, &ada.person.id, "lobby", own.id, "hello, @assistant").await.expect("edited");
    let edited = newest(&stage, &ada, "lobby").await;
    assert_eq!((edited.id, edited.mentions), (own.id, vec!["assistant".to_owned()]), "nor is an edit");

    say(&stage, &ada, "lobby", "a2", "@assistant hello").await;
    let (_, pen) = stage.script.next().await;
    pen.write("Thank you, @assistant!");
    pen.end();
    whole(&stage, &ada, "lobby").await;
    // The same message once more, after a cut.
    say(&stage, &ada, "lobby", "a2", "@assistant hello").await;
    assert_eq!(newest(&stage, &ada, "lobby").await.text, "Thank you, @assistant!", "nor does it answer itself");
    assert_eq!(stage.script.times_asked(), 1);
    assert!(keys::create(store, "Assistant", "publish:room/lobby", Some(&ada.person.id)).await.is_err());
}

#[tokio::test]
async fn a_form_without_a_script_is_answered_too() {
    let (stage, ada) = lobby().await;
    let headers = [
        ("accept", "text/html"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://localhost"),
        ("host", "localhost"),
        ("referer", "http://localhost/rooms/lobby"),
        ("cookie", &*ada.cookie),
    ];
    let body = "room=lobby&client=f1&text=%40assistant+hello";
    stage.server.send(Method::POST, "/api/fn/post-message", &headers, body).await;
    let (_, pen) = stage.script.next().await;
    pen.write("Hello.");
    pen.end();
    assert_eq!(whole(&stage, &ada, "lobby").await.text, "Hello.");
    let page = stage.server.get("/rooms/lobby", &[("accept", "text/html"), ("cookie", &ada.cookie)]).await.text().await;
    assert!(page.contains("Hello.") && page.contains("ask @assistant"));
}

#[tokio::test]
async fn an_answer_that_fills_a_message_stops_the_model() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant tell me everything").await;
    let (_, pen) = stage.script.next().await;
    pen.write(&"ä".repeat(4_100));
    pen.is_let_go().await;
    let text = whole(&stage, &ada, "lobby").await.text;
    assert_eq!((text.chars().count(), text.ends_with(" …")), (4_000, true));
}

#[tokio::test]
async fn an_answer_whose_process_has_died_ends_with_what_was_stored() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant tell me").await;
    let (_, pen) = stage.script.next().await;
    pen.write("Once upon");
    let state = &stage.server.state;
    let saved = async {
        while newest(&stage, &ada, "lobby").await.text.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), saved).await.expect("it is saved once a second");
    state.assistant.end_abandoned().await.expect("the store");
    let answer = newest(&stage, &ada, "lobby").await;
    assert_eq!((answer.text.as_str(), answer.run.is_some()), ("Once upon", true), "its process is alive");

    let run: Mark = answer.run.expect("it is being written").parse().expect("a mark");
    let lapse = state.store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move { tx.begin_message(answer.id, &run, now_ms() - 1).await })
    });
    lapse.await.expect("the store");
    state.assistant.end_abandoned().await.expect("the store");
    assert!(newest(&stage, &ada, "lobby").await.run.is_some(), "it is being written here, whatever the clock says");
    stage.other_process().end_abandoned().await.expect("the store");
    let answer = newest(&stage, &ada, "lobby").await;
    assert_eq!((answer.text.as_str(), answer.run), ("Once upon … (interrupted)", None));
    // The run that was taken for dead finds out, and changes nothing any more.
    pen.write(" a time");
    pen.is_let_go().await;
    assert_eq!(newest(&stage, &ada, "lobby").await.text, "Once upon … (interrupted)");
}

#[tokio::test]
async fn whoever_takes_their_question_back_stops_its_answer() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant tell me").await;
    let (_, pen) = stage.script.next().await;
    let messages = said(&stage, &ada, "lobby").await;
    let [.., question, answer] = messages.as_slice() else { panic!("{messages:?}") };
    let mut stream = stage.server.get(&stream_of(answer), &[EVENTS]).await;
    pen.write("Once upon");
    stream.read_until("Once upon").await;
    let store = &stage.server.state.store;
    messages::delete(store, &ada.person.id, "lobby", question.id).await.expect("deleted");
    let stopped = newest(&stage, &ada, "lobby").await;
    assert_eq!((stopped.id, stopped.run.as_deref(), stopped.deleted), (answer.id, None, false));
    assert!(stopped.text.ends_with('…'), "{}", stopped.text);
    pen.is_let_go().await;
    stream.read_until("RunEnded").await;
    assert_eq!(newest(&stage, &ada, "lobby").await.text, stopped.text);
}

#[tokio::test]
async fn a_shutdown_keeps_what_there_is() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant tell me").await;
    let (_, pen) = stage.script.next().await;
    pen.write("Once upon");
    let answer = newest(&stage, &ada, "lobby").await;
    let mut stream = stage.server.get(&stream_of(&answer), &[EVENTS]).await;
    stream.read_until("Once upon").await;
    stage.server.state.runs.close(Duration::from_millis(10)).await;
    assert_eq!(newest(&stage, &ada, "lobby").await.text, "Once upon … (interrupted)");
}
