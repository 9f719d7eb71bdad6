//! What is refused, with which status, and in which words.

use axum::http::{Method, StatusCode};
use serde_json::Value;
use tidemark::server::{
    features::{keys, messages, rooms},
    jobs::queue,
    store::StoreError,
};

use crate::{ask, http::server::Server, id, lobby, newest_person, start, until, visit};

const EXPORT: &str = r#"{"kind":"export","input":{"room":"lobby"}}"#;

#[tokio::test]
async fn what_is_wrong_with_a_job_is_said_with_the_field() {
    let (server, cookie) = lobby().await;
    let owner = newest_person(&server).await;
    let private = rooms::create(&server.state.store, &owner, "Plans", true).await.expect("a room");
    let stranger = visit(&server).await;
    for (body, field, words) in [
        ("", "", "a job is"),
        ("[]", "", "a job is"),
        (r#"{"kind":"export","inptu":{}}"#, "", "unknown field"),
        (r#"{"kind":"launch","input":{}}"#, "kind", "one of export, digest"),
        (r#"{"kind":"export"}"#, "input", "an object"),
        (r#"{"kind":"export","input":{"room":"nowhere"}}"#, "input.room", "that you may read"),
        (&format!(r#"{{"kind":"export","input":{{"room":"{private}"}}}}"#), "input.room", "that you may read"),
        (r#"{"kind":"export","input":{"room":"../x"}}"#, "input.room", "that you may read"),
        (r#"{"kind":"export","input":{"room":"lobby","format":"pdf"}}"#, "input.format", "markdown, json or csv"),
        (r#"{"kind":"digest","input":{"room":"lobby","format":"csv"}}"#, "input.format", "nothing but room"),
    ] {
        let mut answer = ask(&server, &[("cookie", &stranger)], body).await;
        let text = answer.text().await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let error: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(error["error"]["field"].as_str().unwrap_or_default(), field, "{body}: {text}");
        assert!(error["error"]["message"].as_str().expect("words").contains(words), "{body}: {text}");
    }
    let member = format!(r#"{{"kind":"export","input":{{"room":"{private}"}}}}"#);
    start(&server, &cookie, &member).await;
}

#[tokio::test]
async fn names_that_are_none_and_jobs_of_others_are_told_apart_from_nothing() {
    let (server, cookie) = lobby().await;
    let job = start(&server, &cookie, EXPORT).await;
    let stranger = visit(&server).await;
    let get = async |name: &str, cookie: &str| server.get(&format!("/api/jobs/{name}"), &[("cookie", cookie)]).await;
    for name in ["1", "0123456789ABCDEF", "0123456789abcdef.x"] {
        assert_eq!(get(name, &cookie).await.status(), StatusCode::BAD_REQUEST, "{name}");
    }
    let mut unknown = get("0123456789abcdef", &cookie).await;
    let mut foreign = get(id(&job), &stranger).await;
    assert_eq!((unknown.status(), foreign.status()), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(unknown.text().await, foreign.text().await, "the same answer");
    for what in ["cancel", "retry"] {
        let malformed = server.send(Method::POST, &format!("/api/jobs/x/{what}"), &[("cookie", &cookie)], "").await;
        assert_eq!(malformed.status(), StatusCode::BAD_REQUEST, "{what}");
        let path = format!("/api/jobs/{}/{what}", id(&job));
        let refused = server.send(Method::POST, &path, &[("cookie", &stranger)], "").await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{what}");
    }
    assert_eq!(ask(&server, &[], EXPORT).await.status(), StatusCode::UNAUTHORIZED);
    let early = get(&format!("{}/result", id(&job)), &cookie).await;
    assert_eq!(early.status(), StatusCode::NOT_FOUND, "there is no result yet");
    let publish = format!("/api/topics/job/{}/events", id(&job));
    let refused = server.send(Method::POST, &publish, &[("cookie", &cookie)], "{}").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_has_too_many_waiting_is_told_to_come_back_and_others_are_not_hindered() {
    let server = Server::with(|config| config.jobs.unfinished_per_person = 2).await;
    rooms::found(&server.state.store).await.expect("the lobby");
    let (cookie, other) = (visit(&server).await, visit(&server).await);
    let first = start(&server, &cookie, EXPORT).await;
    start(&server, &cookie, EXPORT).await;
    let refused = ask(&server, &[("cookie", &cookie)], EXPORT).await;
    assert_eq!((refused.status(), refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "5"));
    start(&server, &other, EXPORT).await;
    let cancel = format!("/api/jobs/{}/cancel", id(&first));
    server.send(Method::POST, &cancel, &[("cookie", &cookie)], "").await;
    start(&server, &cookie, EXPORT).await;
    let retry = format!("/api/jobs/{}/retry", id(&first));
    let refused = server.send(Method::POST, &retry, &[("cookie", &cookie)], "").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "trying again is one more");
}

#[tokio::test]
async fn a_result_that_has_expired_is_gone_and_says_so() {
    let (server, cookie) = lobby().await;
    let job = start(&server, &cookie, EXPORT).await;
    let running = server.begin_jobs();
    until(&server, &cookie, id(&job), "completed").await;
    drop(running);
    let of = id(&job).to_owned();
    let files = || std::fs::read_dir(server.folder.path().join("results")).expect("a folder").count();
    assert_eq!(files(), 1);
    let retry = server.send(Method::POST, &format!("/api/jobs/{of}/retry"), &[("cookie", &cookie)], "").await;
    assert_eq!(retry.status(), StatusCode::CONFLICT, "its result is there");
    let expired = server.state.store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let row = tx.job(&of).await?.expect("the job");
            queue::expire(tx, row).await
        })
    });
    expired.await.expect("expired");
    server.state.jobs.remove_stray_files().await.expect("tidied");
    assert_eq!(files(), 0, "the file goes with it");
    let gone = server.get(&format!("/api/jobs/{}/result", id(&job)), &[("cookie", &cookie)]).await;
    assert_eq!(gone.status(), StatusCode::GONE);
    let seen = crate::status(&server, &cookie, id(&job)).await;
    assert!(seen["result"].is_null() && seen["status"] == "completed", "{seen}");
    let retry = server.send(Method::POST, &format!("/api/jobs/{}/retry", id(&job)), &[("cookie", &cookie)], "").await;
    assert_eq!(retry.status(), StatusCode::ACCEPTED, "what is gone can be made again");
}

#[tokio::test]
async fn what_somebody_keeps_is_limited_and_the_oldest_gives_way() {
    let (server, cookie) = lobby().await;
    let author = newest_person(&server).await;
    let long = "tide ".repeat(790);
    for number in 0..110 {
        let said = messages::post(&server.state.store, &author, "lobby", &format!("c{number}"), &long).await;
        said.expect("posted");
    }
    let _running = server.begin_jobs();
    let mut jobs = Vec::new();
    for _ in 0..4 {
        let job = start(&server, &cookie, EXPORT).await;
        until(&server, &cookie, id(&job), "completed").await;
        jobs.push(id(&job).to_owned());
    }
    // Each is 440 kB, and one megabyte is kept.
    let kept = async |job: &str| {
        server.get(&format!("/api/jobs/{job}/result"), &[("cookie", &cookie)]).await.status() == StatusCode::OK
    };
    let tidied = async {
        while std::fs::read_dir(server.folder.path().join("results")).expect("a folder").count() > 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), tidied).await.expect("the files go too");
    let mut which = Vec::new();
    for job in &jobs {
        which.push(kept(job).await);
    }
    assert_eq!(which, [false, false, true, true]);
}

#[tokio::test]
async fn who_was_removed_from_a_room_gets_nothing_of_it_any_more_and_nobody_else_through_them() {
    let (server, _) = lobby().await;
    let owner = newest_person(&server).await;
    let member = visit(&server).await;
    let joining = newest_person(&server).await;
    let (store, door) = (&server.state.store, &server.state.door);
    let room = rooms::create(store, &owner, "Plans", true).await.expect("a room");
    let token = rooms::invite(store, &owner.id, &room).await.expect("an invitation");
    rooms::accept(store, &joining, &token).await.expect("joined");
    let job = start(&server, &member, &format!(r#"{{"kind":"export","input":{{"room":"{room}"}}}}"#)).await;
    let _running = server.begin_jobs();
    until(&server, &member, id(&job), "completed").await;
    let shared = format!("{}/result", job["shared"].as_str().expect("an address"));
    assert_eq!(server.get(&shared, &[]).await.status(), StatusCode::OK);
    rooms::remove(store, door, &owner.id, &room, &joining.id).await.expect("removed");
    for (path, cookie) in [(&*format!("/api/jobs/{}/result", id(&job)), &*member), (&shared, "")] {
        assert_eq!(server.get(path, &[("cookie", cookie)]).await.status(), StatusCode::GONE, "{path}");
    }
}

#[tokio::test]
async fn a_key_has_jobs_done_for_who_made_it_and_sees_no_others() {
    let (server, cookie) = lobby().await;
    let owner = newest_person(&server).await;
    let key = async |grants: &str, person: Option<&str>| {
        format!("Bearer {}", keys::create(&server.state.store, "test", grants, person).await.expect("a key"))
    };
    let (own, ours) = (key("publish:job/*", Some(&owner.id)).await, key("publish:job/* read:job/*", None).await);
    let (reading, other) = (key("read:job/*", None).await, key("read:room/lobby", None).await);
    let theirs: Value =
        serde_json::from_str(&ask(&server, &[("authorization", &own)], EXPORT).await.text().await).unwrap();
    let programs: Value =
        serde_json::from_str(&ask(&server, &[("authorization", &ours)], EXPORT).await.text().await).unwrap();
    for key in [&reading, &other] {
        assert_eq!(ask(&server, &[("authorization", key)], EXPORT).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(crate::status(&server, &cookie, id(&theirs)).await["id"], theirs["id"], "it is its maker's");
    let one = server.get("/api/jobs", &[("authorization", &reading)]).await;
    assert_eq!(one.status(), StatusCode::OK, "a key that reads lists its own, of which it has none");
    for (key, job, expected) in [
        (&own, &theirs, StatusCode::OK),
        (&own, &programs, StatusCode::NOT_FOUND),
        (&ours, &programs, StatusCode::OK),
        (&reading, &theirs, StatusCode::OK),
        (&other, &theirs, StatusCode::NOT_FOUND),
    ] {
        let answer = server.get(&format!("/api/jobs/{}", id(job)), &[("authorization", key)]).await;
        assert_eq!(answer.status(), expected, "{key}");
    }
}
