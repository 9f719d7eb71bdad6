//! The summary of a digest, which a language model writes where there is one: with it, without it, and who pays for it.

use std::sync::Arc;

use axum::http::Method;
use serde_json::Value;
use tidemark::server::{
    config::Config,
    features::{messages, rooms},
    model::ModelError,
};

use crate::{assistant_cases::script::Script, http::server::Server, id, newest_person, start, until, visit};

const DIGEST: &str = r#"{"kind":"digest","input":{"room":"lobby"}}"#;

/// A server with a model, a lobby in which something was said, and who said it.
async fn lobby(change: impl FnOnce(&mut Config)) -> (Server, Arc<Script>, String, String) {
    let script = Arc::<Script>::default();
    let server = Server::with_model(change, script.clone()).await;
    rooms::found(&server.state.store).await.expect("the lobby");
    let cookie = visit(&server).await;
    let author = newest_person(&server).await;
    for (client, text) in [("c1", "High water at noon"), ("c2", "a secret")] {
        let posted = messages::post(&server.state.store, &author, "lobby", client, text).await.expect("posted");
        if text == "a secret" {
            messages::delete(&server.state.store, &author.id, "lobby", posted.message).await.expect("deleted");
        }
    }
    (server, script, cookie, author.name)
}

async fn digest(server: &Server, cookie: &str, job: &Value) -> Value {
    until(server, cookie, id(job), "completed").await;
    let text = server.get(&format!("/api/jobs/{}/result", id(job)), &[("cookie", cookie)]).await.text().await;
    serde_json::from_str(&text).expect("a digest")
}

#[tokio::test]
async fn a_model_sums_up_what_was_said_and_its_words_are_text() {
    let (server, script, cookie, name) = lobby(|_| {}).await;
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, DIGEST).await;
    let (prompt, pen) = script.next().await;
    let asked = prompt.turns[0].text();
    assert!(asked.contains(&format!("{name}: High water at noon")) && asked.contains("\"Lobby\""), "{asked}");
    assert!(!asked.contains("a secret") && prompt.system.contains("sum up") && prompt.tools.is_empty());
    pen.write("Noon was said to be <b>high</b>");
    pen.write(" water.");
    pen.end();
    let digest = digest(&server, &cookie, &job).await;
    assert_eq!(
        (&digest["summary"], &digest["messages"]),
        (&"Noon was said to be <b>high</b> water.".into(), &2.into())
    );
    let page =
        server.get(&format!("/jobs/{}/digest", id(&job)), &[crate::HTML, ("cookie", &cookie)]).await.text().await;
    assert!(page.contains("said to be &lt;b&gt;high") && !page.contains("<b>high"), "{page}");
}

#[tokio::test]
async fn a_digest_whose_model_fails_is_complete_without_a_summary() {
    let (server, script, cookie, _) = lobby(|_| {}).await;
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, DIGEST).await;
    let (_, pen) = script.next().await;
    pen.write("They sa");
    pen.fail(ModelError::Broken);
    let digest = digest(&server, &cookie, &job).await;
    assert_eq!((digest.get("summary"), &digest["messages"]), (None, &2.into()));
}

#[tokio::test]
async fn people_who_have_not_signed_in_share_what_may_be_summed_up() {
    let (server, script, cookie, _) = lobby(|config| config.assistant.requests_a_minute_per_address = 1).await;
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, DIGEST).await;
    let (_, pen) = script.next().await;
    pen.write("So.");
    pen.end();
    assert_eq!(digest(&server, &cookie, &job).await["summary"], "So.");
    let other = visit(&server).await;
    let job = start(&server, &other, DIGEST).await;
    assert_eq!(digest(&server, &other, &job).await.get("summary"), None);
    assert_eq!(script.times_asked(), 1);
}

#[tokio::test]
async fn cancelling_a_digest_stops_the_model() {
    let (server, script, cookie, _) = lobby(|_| {}).await;
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, DIGEST).await;
    let (_, pen) = script.next().await;
    let path = format!("/api/jobs/{}/cancel", id(&job));
    assert!(server.send(Method::POST, &path, &[("cookie", &cookie)], "").await.status().is_success());
    pen.is_let_go().await;
    until(&server, &cookie, id(&job), "cancelled").await;
}
