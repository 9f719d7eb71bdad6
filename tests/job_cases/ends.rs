//! How jobs end otherwise than well: cancelled, failed, stuck, their process gone.

use axum::http::Method;
use serde_json::json;
use tidemark::server::{
    features::{notifications, rooms},
    jobs::{Kind, queue},
    store::{StoreError, jobs::JobRow},
};

use super::kinds::{Counted, Does};
use crate::{http::server::Server, id, newest_person, start, status, until, visit};

async fn server(kinds: Vec<&'static dyn Kind>) -> (Server, String) {
    let server = Server::with_kinds(|_| {}, kinds.leak()).await;
    rooms::found(&server.state.store).await.expect("the lobby");
    let cookie = visit(&server).await;
    (server, cookie)
}

/// Changes a job's row behind everybody's back: time passes.
async fn meanwhile(server: &Server, job: &str, change: impl FnOnce(&mut JobRow) + Send + 'static) {
    let job = job.to_owned();
    let written = server.state.store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let mut row = tx.job(&job).await?.expect("the job");
            change(&mut row);
            tx.save_job(&row).await
        })
    });
    written.await.expect("written");
    server.state.jobs.wake();
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once_and_one_that_runs_is_really_stopped() {
    static WAIT: Counted = Counted::new("wait", Does::Wait);
    let (server, cookie) = server(vec![&WAIT]).await;
    let waiting = start(&server, &cookie, r#"{"kind":"wait"}"#).await;
    let cancel = async |job: &str| {
        let path = format!("/api/jobs/{job}/cancel");
        server.send(Method::POST, &path, &[("cookie", &cookie)], "").await.text().await
    };
    assert!(cancel(id(&waiting)).await.contains(r#""status":"cancelled""#));
    let _running = server.begin_jobs();
    let running = start(&server, &cookie, r#"{"kind":"wait"}"#).await;
    until(&server, &cookie, id(&running), "running").await;
    cancel(id(&running)).await;
    until(&server, &cookie, id(&running), "cancelled").await;
    assert_eq!(WAIT.begun(), 1, "the one that waited never began");
    cancel(id(&running)).await;
    assert_eq!(status(&server, &cookie, id(&running)).await["status"], "cancelled", "twice is once");
    // The new run is another: what is still known of the old one does not stop it.
    let old = server.state.store.job(id(&running)).await.expect("a look").expect("the job").0;
    let retry = format!("/api/jobs/{}/retry", id(&running));
    server.send(Method::POST, &retry, &[("cookie", &cookie)], "").await;
    until(&server, &cookie, id(&running), "running").await;
    server.state.jobs.stop(&old);
    until(&server, &cookie, id(&running), "running").await;
    let person = newest_person(&server).await;
    let (told, ..) = notifications::newest(&server.state.store, &person.id, 10).await.expect("notifications");
    assert!(told.is_empty(), "who cancels knows");
}

#[tokio::test]
async fn a_job_that_another_process_is_asked_to_stop_stops() {
    static WAIT: Counted = Counted::new("wait", Does::Wait);
    let (server, cookie) = server(vec![&WAIT]).await;
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, r#"{"kind":"wait"}"#).await;
    until(&server, &cookie, id(&job), "running").await;
    meanwhile(&server, id(&job), |row| row.stopping = true).await;
    until(&server, &cookie, id(&job), "cancelled").await;
}

#[tokio::test]
async fn a_job_that_fails_is_begun_again_after_a_pause_and_not_for_ever() {
    static FAIL: Counted = Counted::new("fail", Does::Fail);
    let (server, cookie) = server(vec![&FAIL]).await;
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, r#"{"kind":"fail"}"#).await;
    for attempt in 1..queue::ATTEMPTS {
        let waits = async {
            while FAIL.begun() < attempt || status(&server, &cookie, id(&job)).await["status"] != "queued" {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), waits).await.expect("queued again");
        let seen = status(&server, &cookie, id(&job)).await;
        assert!(seen["doing"].as_str().expect("words").starts_with("Waiting"), "{seen}");
        meanwhile(&server, id(&job), |row| row.due_ms = 0).await;
    }
    let failed = until(&server, &cookie, id(&job), "failed").await;
    assert_eq!((FAIL.begun(), &failed["error"]), (queue::ATTEMPTS, &json!("The file could not be written.")));
    let person = newest_person(&server).await;
    let (told, ..) = notifications::newest(&server.state.store, &person.id, 10).await.expect("notifications");
    assert_eq!(told.iter().map(|one| &*one.kind).collect::<Vec<_>>(), ["JobFailed"], "once, at the end");
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again_and_a_panic_takes_nothing_with_it() {
    static GOOD: Counted = Counted::new("for-good", Does::FailForGood);
    static PANIC: Counted = Counted::new("panic", Does::Panic);
    static DAWDLE: Counted = Counted::new("dawdle", Does::Dawdle);
    static WRITE: Counted = Counted::new("write", Does::Write);
    let (server, cookie) = server(vec![&GOOD, &PANIC, &DAWDLE, &WRITE]).await;
    let _running = server.begin_jobs();
    let job = start(&server, &cookie, r#"{"kind":"for-good"}"#).await;
    let failed = until(&server, &cookie, id(&job), "failed").await;
    assert_eq!((&failed["error"], GOOD.begun()), (&json!("It cannot be done"), 1));
    for (kind, words) in [("panic", "Something went wrong"), ("dawdle", "too long")] {
        let job = start(&server, &cookie, &format!(r#"{{"kind":"{kind}"}}"#)).await;
        let tried = async {
            while status(&server, &cookie, id(&job)).await["error"].is_null() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), tried).await.expect("it fails");
        let seen = status(&server, &cookie, id(&job)).await;
        assert!(seen["error"].as_str().expect("words").contains(words), "{seen}");
    }
    let job = start(&server, &cookie, r#"{"kind":"write"}"#).await;
    let done = until(&server, &cookie, id(&job), "completed").await;
    let file = server.get(done["result"].as_str().expect("a result"), &[("cookie", &cookie)]).await;
    let named = "attachment; filename=\"made----.txt\"; filename*=UTF-8''made%20%22%C3%A9%22%2Etxt";
    assert_eq!(file.header("content-disposition"), named, "a quotation mark would end the name early");
}

#[tokio::test]
async fn a_job_whose_process_died_is_begun_again_and_the_dead_one_changes_nothing() {
    static WAIT: Counted = Counted::new("wait", Does::Wait);
    let (server, cookie) = server(vec![&WAIT]).await;
    let job = start(&server, &cookie, r#"{"kind":"wait"}"#).await;
    let claim = async |runner: &'static str| {
        let claimed = server.state.store.write::<_, StoreError, _>(move |tx| Box::pin(queue::claim(tx, runner)));
        claimed.await.expect("a look")
    };
    let first = claim("a").await.expect("the job");
    assert!(claim("b").await.is_none(), "it has a living process");
    meanwhile(&server, id(&job), |row| row.lease_ms = 0).await;
    let second = claim("b").await.expect("the job again");
    assert_eq!((second.attempts, second.run.as_deref()), (2, Some("b")));
    let of = id(&job).to_owned();
    let late = server.state.store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let end = queue::End::Failed { why: "late".into(), is_final: true };
            queue::finish(tx, &of, first.run.as_deref().expect("a run"), end).await
        })
    });
    assert_eq!(late.await.expect("a look"), None, "whoever lost it ends nothing");
    assert_eq!(status(&server, &cookie, id(&job)).await["status"], "running");
    for run in ["c", "d", "e"] {
        meanwhile(&server, id(&job), |row| row.lease_ms = 0).await;
        claim(run).await.expect("the job again");
    }
    assert_eq!(queue::ATTEMPTS, 5);
    meanwhile(&server, id(&job), |row| row.lease_ms = 0).await;
    let _running = server.begin_jobs();
    let failed = until(&server, &cookie, id(&job), "failed").await;
    assert!(failed["error"].as_str().expect("words").contains("time and again"), "{failed}");
}

#[tokio::test]
async fn a_server_that_stops_gives_its_jobs_back_and_the_next_goes_on() {
    static WAIT: Counted = Counted::new("wait", Does::Wait);
    let (server, cookie) = server(vec![&WAIT]).await;
    let running = server.begin_jobs();
    let job = start(&server, &cookie, r#"{"kind":"wait"}"#).await;
    until(&server, &cookie, id(&job), "running").await;
    drop(running);
    let back = until(&server, &cookie, id(&job), "queued").await;
    assert_eq!(back["doing"], "Waiting for the server to restart");
    let _again = server.begin_jobs();
    until(&server, &cookie, id(&job), "running").await;
    assert_eq!(WAIT.begun(), 2);
}

#[tokio::test]
async fn nobody_waits_behind_another_s_pile() {
    static WAIT: Counted = Counted::new("wait", Does::Wait);
    let (server, eager) = server(vec![&WAIT]).await;
    for _ in 0..5 {
        start(&server, &eager, r#"{"kind":"wait"}"#).await;
    }
    let other = visit(&server).await;
    let theirs = start(&server, &other, r#"{"kind":"wait"}"#).await;
    let _running = server.begin_jobs();
    until(&server, &other, id(&theirs), "running").await;
}

#[tokio::test]
async fn a_job_about_a_room_that_one_was_removed_from_meanwhile_does_not_begin() {
    static WRITE: Counted = Counted::new("write", Does::Write);
    let (server, owner) = server(vec![&WRITE]).await;
    let owning = newest_person(&server).await;
    let member = visit(&server).await;
    let joining = newest_person(&server).await;
    let (store, door) = (&server.state.store, &server.state.door);
    let room = rooms::create(store, &owning, "Plans", true).await.expect("a room");
    let token = rooms::invite(store, &owning.id, &room).await.expect("an invitation");
    rooms::accept(store, &joining, &token).await.expect("joined");
    let body = format!(r#"{{"kind":"write","input":{{"room":"{room}"}}}}"#);
    let (kept, lost) = (start(&server, &owner, &body).await, start(&server, &member, &body).await);
    rooms::remove(store, door, &owning.id, &room, &joining.id).await.expect("removed");
    let _running = server.begin_jobs();
    until(&server, &owner, id(&kept), "completed").await;
    let failed = until(&server, &member, id(&lost), "failed").await;
    assert_eq!((failed["error"].as_str(), WRITE.begun()), (Some("What it is about may not be read any more."), 1));
}
