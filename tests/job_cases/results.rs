//! Jobs that are done: what they make, and how one learns of it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tidemark::{
    server::{
        features::{messages, notifications},
        jobs::queue,
        store::{StoreError, jobs::topic},
    },
    wire::room::Message,
};

use crate::{id, lobby, newest_person, start, status, until, visit};

const EXPORT: &str = r#"{"kind":"export","input":{"room":"lobby","format":"json"}}"#;

#[tokio::test]
async fn a_transcript_is_everything_that_was_said_and_can_be_fetched_in_parts() {
    let (server, cookie) = lobby().await;
    let author = newest_person(&server).await;
    for number in 0..120 {
        let text = format!("line {number} \"ä\"\n=2+3");
        messages::post(&server.state.store, &author, "lobby", &format!("c{number}"), &text).await.expect("posted");
    }
    let deleted = messages::post(&server.state.store, &author, "lobby", "gone", "a secret").await.expect("posted");
    messages::delete(&server.state.store, &author.id, "lobby", deleted.message).await.expect("deleted");

    let job = start(&server, &cookie, EXPORT).await;
    assert_eq!((&job["status"], &job["progress"]), (&json!("queued"), &json!(0)));
    assert_eq!(job["title"], "Transcript of Lobby as JSON");
    let _running = server.begin_jobs();
    let done = until(&server, &cookie, id(&job), "completed").await;
    let result = done["result"].as_str().expect("a result");
    assert_eq!((&done["progress"], result), (&json!(100), &*format!("/api/jobs/{}/result", id(&job))));

    let mut file = server.get(result, &[("cookie", &cookie)]).await;
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"lobby.json\"; filename*=UTF-8''lobby%2Ejson"
    );
    assert_eq!(file.header("content-type"), "application/json");
    let text = file.text().await;
    let transcript: Vec<Message> = serde_json::from_str(&text).expect("messages");
    assert_eq!(transcript.len(), 122, "the welcome, 120 lines and that one was deleted");
    assert_eq!(transcript[120].text, "line 119 \"ä\"\n=2+3");
    assert!(transcript[121].deleted && !text.contains("a secret"));
    let mut part = server.get(result, &[("cookie", &cookie), ("range", "bytes=2-9")]).await;
    assert_eq!((part.status(), &*part.text().await), (StatusCode::PARTIAL_CONTENT, &text[2..=9]));

    let (told, ..) = notifications::newest(&server.state.store, &author.id, 10).await.expect("notifications");
    let told: Vec<_> = told.iter().map(|one| (&*one.kind, &*one.text, one.link.as_deref())).collect();
    let link = format!("/jobs/{}", id(&job));
    assert_eq!(told, [("JobCompleted", "Done: Transcript of Lobby as JSON", Some(&*link))]);
}

#[tokio::test]
async fn a_digest_is_counted_and_shown_as_a_page_and_as_json() {
    let (server, cookie) = lobby().await;
    let author = newest_person(&server).await;
    for number in 0..3 {
        messages::post(&server.state.store, &author, "lobby", &format!("c{number}"), "hello").await.expect("posted");
    }
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, r#"{"kind":"digest","input":{"room":"lobby"}}"#).await;
    let done = until(&server, &cookie, id(&job), "completed").await;
    let page = done["result"].as_str().expect("a result");
    let html = server.get(page, &[crate::HTML, ("cookie", &cookie)]).await.text().await;
    assert!(html.contains("Digest of Lobby") && html.contains(&author.name) && html.contains("3 messages"), "{html}");
    let json = server.get(&format!("/api/jobs/{}/result", id(&job)), &[("cookie", &cookie)]).await.text().await;
    let digest: Value = serde_json::from_str(&json).expect("a digest");
    assert_eq!((&digest["messages"], &digest["people"]), (&json!(4), &json!(1)));
    assert_eq!(digest.get("summary"), None, "the guide sums nothing up");
    let stranger = visit(&server).await;
    let refused = server.get(page, &[crate::HTML, ("cookie", &stranger)]).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_polled_has_a_version_and_says_when_to_ask_again() {
    let (server, cookie) = lobby().await;
    let job = start(&server, &cookie, EXPORT).await;
    let path = format!("/api/jobs/{}", id(&job));
    let first = server.get(&path, &[("cookie", &cookie)]).await;
    let tag = first.header("etag").to_owned();
    let head = server.get(&format!("/api/head?topic=job/{}", id(&job)), &[("cookie", &cookie)]).await.text().await;
    assert!(head.contains(tag.trim_matches('"')), "the version is the topic's position: {tag} {head}");
    assert_eq!((first.header("retry-after"), first.header("poll-interval")), ("1", "1000"));
    assert_eq!(first.header("cache-control"), "private, no-cache");

    let held = [("cookie", cookie.as_str()), ("if-none-match", &*tag)];
    let mut same = server.get(&path, &held).await;
    assert_eq!((same.status(), &*same.text().await), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!((same.header("etag"), same.header("poll-interval")), (&*tag, "1000"));

    let list = server.get("/api/jobs", &[("cookie", &cookie)]).await.header("etag").to_owned();
    let same = server.get("/api/jobs", &[("cookie", cookie.as_str()), ("if-none-match", &*list)]).await;
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);

    let _running = server.begin_jobs();
    until(&server, &cookie, id(&job), "completed").await;
    let changed = server.get(&path, &held).await;
    assert_eq!((changed.status(), changed.header("poll-interval")), (StatusCode::OK, "0"));
    assert_eq!(changed.header("retry-after"), "", "there is nothing to come back for");
    let changed = server.get("/api/jobs", &[("cookie", cookie.as_str()), ("if-none-match", &*list)]).await;
    assert_eq!(changed.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_prefers_a_stream_gets_every_state_in_order() {
    let (server, cookie) = lobby().await;
    let job = start(&server, &cookie, EXPORT).await;
    let topic = format!("/api/stream?topic=job/{}", id(&job));
    let mut stream = server.get(&topic, &[("accept", "text/event-stream"), ("cookie", &cookie)]).await;
    stream.read_until("event: connected").await;
    let _running = server.begin_jobs();
    let text = stream.read_until(r#""status":"completed""#).await;
    assert!(text.contains(r#""status":"running""#), "{text}");
    let stranger = visit(&server).await;
    assert_eq!(server.get(&topic, &[("cookie", &stranger)]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_same_idempotency_key_is_one_job() {
    let (server, cookie) = lobby().await;
    let ask = async |body: &str| {
        let headers = [("cookie", cookie.as_str()), ("idempotency-key", "monday")];
        let mut answer = crate::ask(&server, &headers, body).await;
        (answer.status(), serde_json::from_str::<Value>(&answer.text().await).expect("JSON"))
    };
    let (first, again) = tokio::join!(ask(EXPORT), ask(EXPORT));
    assert_eq!((first.0, again.0), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!(first.1["id"], again.1["id"]);
    let (refused, _) = ask(r#"{"kind":"digest","input":{"room":"lobby"}}"#).await;
    assert_eq!(refused, StatusCode::CONFLICT);
    let stranger = visit(&server).await;
    let theirs =
        crate::ask(&server, &[("cookie", &stranger), ("idempotency-key", "monday")], EXPORT).await.text().await;
    assert!(!theirs.contains(id(&first.1)), "another's key is another key");
}

#[tokio::test]
async fn whoever_knows_the_capability_reads_this_job_and_changes_nothing() {
    let (server, cookie) = lobby().await;
    let job = start(&server, &cookie, EXPORT).await;
    let shared = job["shared"].as_str().expect("an address").to_owned();
    assert!(status(&server, &cookie, id(&job)).await["shared"].is_null(), "said once, to who asked");
    let _running = server.begin_jobs();
    until(&server, &cookie, id(&job), "completed").await;
    let seen: Value = serde_json::from_str(&server.get(&shared, &[]).await.text().await).expect("JSON");
    let result = seen["result"].as_str().expect("a result");
    assert_eq!(result, format!("{shared}/result"), "it leads on without a cookie");
    assert_eq!(server.get(result, &[]).await.status(), StatusCode::OK);

    let forged = format!("/api/jobs/{}.{}", id(&job), "0".repeat(32));
    for path in [forged, format!("/api/jobs/{}", id(&job))] {
        assert_eq!(server.get(&path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let name = shared.strip_prefix("/api/jobs/").expect("a name");
    let cancel = format!("/api/jobs/{name}/cancel");
    let stranger = visit(&server).await;
    let refused = server.send(axum::http::Method::POST, &cancel, &[("cookie", &stranger)], "").await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_job_is_read_with_the_position_of_the_same_moment() {
    let (server, cookie) = lobby().await;
    let job = start(&server, &cookie, EXPORT).await;
    let store = &server.state.store;
    let (row, first) = store.job(id(&job)).await.expect("a look").expect("the job");
    let writing = async {
        for progress in 1..=100 {
            let mut row = row.clone();
            let written = store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    row.progress = progress;
                    tx.save_job(&row).await?;
                    tx.publish(&topic(&row.id).expect("a topic"), &queue::view(&row)).await
                })
            });
            written.await.expect("written");
        }
    };
    let reading = async {
        loop {
            let (row, position) = store.job(id(&job)).await.expect("a look").expect("the job");
            assert_eq!(position.offset - first.offset, u64::from(row.progress));
            assert_eq!(position.epoch, first.epoch);
            if row.progress == 100 {
                break;
            }
        }
    };
    futures::join!(writing, reading);
}

#[tokio::test]
async fn a_job_without_an_event_stands_where_its_topic_begins() {
    let (server, cookie) = lobby().await;
    let job = start(&server, &cookie, EXPORT).await;
    let store = &server.state.store;
    let (mut row, _) = store.job(id(&job)).await.expect("a look").expect("the job");
    row.id = "0123456789abcdef".to_owned();
    let topic = topic(&row.id).expect("a topic");
    let added = row.clone();
    let written = store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.add_job(&added).await }));
    written.await.expect("written");
    let mut read = store.read().await.expect("a read");
    let begins = store.head(&mut read, &topic).await.expect("a head");
    assert_eq!(store.job(&row.id).await.expect("a look"), Some((row, begins)));
}
