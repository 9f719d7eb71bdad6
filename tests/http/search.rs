//! Who finds what, by which words.

use tidemark::server::features::{messages, rooms, search::search};

use super::taken_back::somebody;
use crate::{HTML, http::server::Server, visit};

#[tokio::test]
async fn messages_are_found_by_their_words_in_rooms_that_one_may_read() {
    let server = Server::new().await;
    let store = &server.state.store;
    rooms::found(store).await.expect("the lobby");
    let (owner, stranger) = (visit(&server).await, visit(&server).await);
    let (owning, other) = (somebody(&server, &owner).await, somebody(&server, &stranger).await);
    let private = rooms::create(store, &owning, "Plans", true).await.expect("a room");
    let say = async |room: &str, client: &str, text: &str| {
        messages::post(store, &owning, room, client, text).await.expect("posted").message
    };
    say("lobby", "a", "The café opens at nine; NEAR(the harbour)").await;
    let edited = say("lobby", "b", "a misspelt wrod").await;
    let deleted = say("lobby", "c", "an embarrassing word").await;
    say(&private, "d", "the café is ours <script>alert(1)</script>").await;
    messages::edit(store, &owning.id, "lobby", edited, "a misspelt word").await.expect("edited");
    messages::delete(store, &owning.id, "lobby", deleted).await.expect("deleted");

    let found = async |text: &str, person: &str| {
        let found = search(store, text, person, None).await.expect("a search");
        found.hits.into_iter().map(|hit| hit.room).collect::<Vec<_>>()
    };
    let lobby = || vec!["lobby".to_owned()];
    assert_eq!(found("CAFE", &other.id).await, lobby(), "accents and case do not matter, others' rooms do");
    assert_eq!(found("café", &owning.id).await, [private.clone(), "lobby".into()], "the newest first");
    assert_eq!(found("harb", &other.id).await, lobby(), "the last word may be a beginning");
    assert_eq!(found("NEAR(the", &other.id).await, lobby(), "what would be an operator is a word");
    assert_eq!(found("wrod", &other.id).await, [""; 0]);
    assert_eq!(found("misspelt word", &other.id).await, lobby());
    for nothing in ["embarrassing", "", "\"", "( * ) :", "café AND -harbour", "text:café", "\u{0}\u{1}"] {
        assert_eq!(found(nothing, &other.id).await, [""; 0], "{nothing:?}");
    }
    let page = server.get("/search?q=caf%C3%A9", &[HTML, ("cookie", &owner)]).await.text().await;
    assert!(page.contains("<mark>café</mark>") && !page.contains("<script>alert"), "{page}");
    let page = server.get("/search?q=ours", &[HTML, ("cookie", &stranger)]).await.text().await;
    assert!(page.contains("No message of a room that you may read"), "{page}");
}

#[tokio::test]
async fn what_was_found_is_shown_page_by_page() {
    let server = Server::new().await;
    let store = &server.state.store;
    rooms::found(store).await.expect("the lobby");
    let cookie = visit(&server).await;
    let author = somebody(&server, &cookie).await;
    for number in 0..70 {
        messages::post(store, &author, "lobby", &format!("c{number}"), &format!("tide {number}"))
            .await
            .expect("posted");
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let found = search(store, "tide", &author.id, before).await.expect("a search");
        before = found.hits.last().map(|hit| hit.id);
        seen.extend(found.hits.into_iter().map(|hit| hit.id));
        if !found.more {
            break;
        }
    }
    assert_eq!(seen.len(), 70);
    assert!(seen.is_sorted_by(|a, b| a > b), "each once, the newest first");
}
