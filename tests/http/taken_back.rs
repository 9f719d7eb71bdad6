//! What is taken back is taken back everywhere: rights by another process, texts out of the events that told of them.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use tidemark::server::{
    boot,
    door::Door,
    features::{messages, rooms},
    store::{Store, StoreError, now_ms, people::Person},
};

use crate::{
    EVENTS,
    http::server::{Server, connection_in},
    person, visit,
};

pub async fn somebody(server: &Server, cookie: &str) -> Person {
    let id = person(server, cookie).await;
    let found = server.state.store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.person(&id).await }));
    found.await.expect("a look").expect("a person")
}

#[tokio::test]
async fn a_deleted_message_s_text_is_in_no_event_any_more_in_memory_or_stored() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let author = somebody(&server, &cookie).await;
    let store = &server.state.store;
    rooms::found(store).await.expect("the lobby");
    // One room is in memory while it happens, the other is not.
    let cold = rooms::create(store, &author, "Cold", false).await.expect("a room");
    let mut live = server.get("/api/stream?topic=room/lobby", &[EVENTS, ("cookie", &cookie)]).await;
    for room in ["lobby", &cold] {
        let posted = messages::post(store, &author, room, room, "a secret").await.expect("posted").message;
        messages::edit(store, &author.id, room, posted, "the same secret, edited").await.expect("edited");
        messages::post(store, &author, room, &format!("{room}-2"), "something else").await.expect("posted");
        messages::delete(store, &author.id, room, posted).await.expect("deleted");
    }
    live.read_until("MessageDeleted").await;

    for room in ["lobby", &cold] {
        let stored = store.after(&rooms::topic(room).expect("a topic"), 0, 100).await.expect("events");
        let texts: Vec<_> = stored.iter().map(|event| String::from_utf8_lossy(&event.payload)).collect();
        assert!(texts.iter().all(|text| !text.contains("secret")), "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("something else")), "nothing else is lost");
        let offsets: Vec<_> = stored.iter().map(|event| event.offset).collect();
        assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>(), "and no event is missing");

        let snapshot =
            server.get(&format!("/api/snapshot?topic=room/{room}"), &[("cookie", &cookie)]).await.text().await;
        assert!(snapshot.contains("something else") && !snapshot.contains("secret"), "{snapshot}");
    }
}

#[tokio::test]
async fn a_member_whom_another_process_removes_receives_nothing_more() {
    let server = Server::new().await;
    let (owner, member) = (visit(&server).await, visit(&server).await);
    let (owning, joining) = (somebody(&server, &owner).await, somebody(&server, &member).await);
    let store = &server.state.store;
    let room = rooms::create(store, &owning, "Plans", true).await.expect("a room");
    let token = rooms::invite(store, &owning.id, &room).await.expect("an invitation");
    rooms::accept(store, &joining, &token).await.expect("joined");
    let mut stream = server.get(&format!("/api/stream?topic=room/{room}"), &[EVENTS, ("cookie", &member)]).await;
    stream.read_until("event: connected").await;

    let since = now_ms();
    let other = Store::open(server.folder.path(), Arc::new(|_| {})).await.expect("the same database");
    rooms::remove(&other, &Arc::<Door>::default(), &owning.id, &room, &joining.id).await.expect("removed");
    boot::reconcile(&server.state, since).await.expect("a look");
    stream.read_until("event: lost").await;

    // Who comes back is not thrown out again by the same look.
    rooms::accept(store, &joining, &token).await.expect("joined again");
    let mut stream = server.get(&format!("/api/stream?topic=room/{room}"), &[EVENTS, ("cookie", &member)]).await;
    stream.read_until("event: connected").await;
    boot::reconcile(&server.state, since).await.expect("a look");
    messages::post(store, &owning, &room, "c1", "welcome back").await.expect("posted");
    assert!(!stream.read_until("welcome back").await.contains("event: lost"));
    other.close().await;
}

#[tokio::test]
async fn whoever_comes_back_to_what_they_lost_meanwhile_reads_on_in_the_rest() {
    let server = Server::new().await;
    let (owner, member) = (visit(&server).await, visit(&server).await);
    let (owning, joining) = (somebody(&server, &owner).await, somebody(&server, &member).await);
    let (store, door) = (&server.state.store, &server.state.door);
    let room = rooms::create(store, &owning, "Plans", true).await.expect("a room");
    let token = rooms::invite(store, &owning.id, &room).await.expect("an invitation");
    rooms::accept(store, &joining, &token).await.expect("joined");
    let mark = format!("room/{room}@{}", server.state.topics.head(&rooms::topic(&room).expect("a topic")));
    rooms::remove(store, door, &owning.id, &room, &joining.id).await.expect("removed while away");
    messages::post(store, &owning, &room, "c1", "without you").await.expect("posted");

    let both = format!("/api/stream?topic={mark}&topic=feed");
    let mut stream = server.get(&both, &[EVENTS, ("cookie", &member)]).await;
    server.publish_sample(1);
    let text = stream.read_until(r#""interval_ms""#).await;
    let (connected, lost) = (text.find("event: connected"), text.find("event: lost"));
    assert!(connected.is_some() && connected < lost, "{text}");
    assert_eq!(text.matches(&room).count(), 1, "that it is lost, and no more, is said of the room: {text}");

    // A browser that comes back by the id, in which the topic no longer is, asks for it by its page's URL all the same.
    let id = format!("feed@{}", server.state.topics.head(&"feed".parse().expect("a topic")));
    let url = format!("/api/stream?topic=room/{room}&topic=feed");
    let mut stream = server.get(&url, &[EVENTS, ("cookie", &member), ("last-event-id", &id)]).await;
    server.publish_sample(2);
    let text = stream.read_until(r#""interval_ms""#).await;
    assert!(text.contains("event: lost") && !text.contains("without you"), "{text}");

    // To a stream that is open it is not added, and the others are.
    let mut stream = server.get("/api/stream?topic=feed", &[EVENTS, ("cookie", &member)]).await;
    let greeting = stream.read_until("\n\n").await;
    let id = connection_in(&greeting);
    let change = async |subscribe: &str| {
        let (path, body) = (format!("/api/stream/{id}"), format!(r#"{{"subscribe":[{subscribe}]}}"#));
        server.send(Method::POST, &path, &[("content-type", "application/json"), ("cookie", &member)], body).await
    };
    let mut changed = change(&format!(r#""{mark}","channel/a/b""#)).await;
    assert_eq!(changed.text().await, r#"{"topics":["feed","channel/a/b"]}"#);
    stream.read_until("event: lost").await;
    assert_eq!(change(&format!(r#""{mark}""#)).await.status(), StatusCode::OK);
    assert_eq!(change(&vec![format!(r#""{mark}""#); 17].join(",")).await.status(), StatusCode::BAD_REQUEST);

    // Asked for the first time it is refused, together with what is asked with it.
    let first = format!("/api/stream?topic=room/{room}&topic=feed");
    let mut stream = server.get(&first, &[EVENTS, ("cookie", &member)]).await;
    stream.read_until(r#""code":"unknown-topic""#).await;

    // What is another person's alone says that the page is of a session that has ended.
    let theirs = format!("/api/stream?topic=user/{}@9f3ac04e51d27b86:1&topic=feed", owning.id);
    let mut stream = server.get(&theirs, &[EVENTS, ("cookie", &member)]).await;
    stream.read_until(r#""code":"signed-out""#).await;
    assert_eq!(server.get(&theirs, &[("cookie", &member)]).await.status(), StatusCode::UNAUTHORIZED);
}
