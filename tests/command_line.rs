//! The commands of the binary, as somebody types them: what they print, what they leave behind, how they fail.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use tidemark::server::{
    features::{housekeeping, notifications},
    store::{StoreError, people::Person},
};

#[path = "durable/node.rs"]
#[allow(dead_code)]
mod node;

fn tidemark(data: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidemark"))
        .args(words)
        .env("TIDEMARK_DATA_DIR", data)
        .env("LEPTOS_SITE_ADDR", "127.0.0.1:0")
        .output()
        .expect("the binary runs")
}

/// What it printed; it must have succeeded.
fn said(data: &Path, words: &[&str]) -> String {
    let output = tidemark(data, words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What it complained of; it must have failed.
fn complained(data: &Path, words: &[&str]) -> String {
    let output = tidemark(data, words);
    assert!(!output.status.success(), "{words:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn keys_are_made_once_shown_listed_and_revoked() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    let key = said(data, &["keys", "create", "deployments", "publish:channel/shop/*", "read:user/*"]);
    assert!(key.starts_with("tmk_") && key.trim().len() == 52, "{key}");
    let list = said(data, &["keys", "list"]);
    assert!(list.contains("deployments") && list.contains("publish:channel/shop/* read:user/*"), "{list}");
    assert!(list.contains("alive") && !list.contains(key.trim()), "{list}");
    let id = list.split(' ').next().expect("an id");
    said(data, &["keys", "revoke", id]);
    assert!(said(data, &["keys", "list"]).contains("revoked"));
    assert!(complained(data, &["keys", "revoke", id]).contains("there is no such key"));
    assert!(complained(data, &["keys", "create", "x", "write:everything"]).contains("a grant is written as"));
}

#[test]
fn seeding_twice_is_seeding_once_and_what_is_seeded_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    assert!(said(data.path(), &["seed"]).starts_with("3 demo people"));
    assert!(said(data.path(), &["seed"]).starts_with("0 demo people"));
    assert!(said(data.path(), &["seed", "--messages", "1500"]).contains("1500 demo messages"));
    assert!(said(data.path(), &["seed", "--messages", "2000"]).contains("500 demo messages"));
    assert!(said(data.path(), &["seed", "--messages", "2000"]).contains("0 demo messages"));
}

#[test]
fn a_check_says_what_is_wrong_and_a_backup_never_overwrites() {
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path();
    said(data, &["migrate"]);
    assert!(said(data, &["check"]).contains("sound and up to date"));
    let mode = std::fs::metadata(data.join("session.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "who can read the key can be anybody");
    let copy = data.join("copy.sqlite");
    said(data, &["backup", copy.to_str().expect("UTF-8")]);
    assert!(complained(data, &["backup", copy.to_str().expect("UTF-8")]).contains("never overwrites"));
    std::fs::write(data.join("session.key"), "nonsense").expect("written");
    assert!(complained(data, &["check"]).contains("damaged"));
    assert!(complained(data, &["dance"]).contains("unrecognized subcommand"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_while_others_write() {
    let data = tempfile::tempdir().expect("a folder");
    let node = node::Node::open(data.path()).await;
    let (store, path) = (node.store.clone(), data.path().to_owned());
    let writing = tokio::spawn(async move {
        for number in 0..2_000 {
            let write = store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    // Two topics in one write: a copy has both or neither.
                    tx.publish(&node::user(0), &node::event(number)).await?;
                    tx.publish(&node::user(1), &node::event(number)).await
                })
            });
            write.await.expect("written");
        }
    });
    let copies = tempfile::tempdir().expect("a folder");
    for number in 0..3 {
        let folder = copies.path().join(number.to_string());
        std::fs::create_dir(&folder).expect("a folder");
        let to = folder.join(tidemark::server::store::FILE);
        let words = ["backup".to_owned(), to.to_str().expect("UTF-8").to_owned()];
        let path = path.clone();
        let copied = tokio::task::spawn_blocking(move || said(&path, &words.each_ref().map(String::as_str)));
        copied.await.expect("copied");
        let copy = node::Node::open(&folder).await;
        let (one, other) = (copy.head(0).await.offset, copy.head(1).await.offset);
        assert_eq!(one, other);
        assert_eq!(copy.store.after(&node::user(0), 0, 10_000).await.expect("events").len() as u64, one);
        copy.close().await;
    }
    writing.abort();
    node.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_tidied_away_but_for_the_newest() {
    let data = tempfile::tempdir().expect("a folder");
    let node = node::Node::open(data.path()).await;
    node.publish(0, 1..=10).await;
    node.publish(1, 1..=2).await;
    let old = node.store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            sqlx::query("UPDATE event SET published_ms = 0 WHERE \"offset\" <= 6").execute(&mut tx.connection).await?;
            Ok(())
        })
    });
    old.await.expect("made old");
    housekeeping::tidy(&node.store).await.expect("tidied");
    let offsets = async |topic| {
        let events = node.store.after(&node::user(topic), 0, 100).await.expect("events");
        events.iter().map(|event| event.offset).collect::<Vec<_>>()
    };
    assert_eq!(offsets(0).await, [7, 8, 9, 10]);
    assert_eq!(offsets(1).await, [2], "the newest stays, however old");
    node.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_cannot_come_back_are_forgotten_with_what_they_were_told() {
    let data = tempfile::tempdir().expect("a folder");
    let node = node::Node::open(data.path()).await;
    let prepared = node.store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            for (id, email) in [("gone", None), ("here", None), ("mailed", Some("a@example.org"))] {
                let person = Person { id: id.into(), name: id.into(), hue: 1, email: email.map(str::to_owned) };
                tx.add_person(&person, id).await?;
                tx.add_session(&format!("session of {id}"), id).await?;
                notifications::notify(tx, id, "Told", "a word", None).await?;
                notifications::notify(tx, id, "Told", "another", None).await?;
            }
            for old in [
                "UPDATE session SET seen_ms = 0 WHERE person_id <> 'here'",
                "UPDATE person SET created_ms = 0 WHERE id <> 'here'",
                "UPDATE notification SET created_ms = 0 WHERE text = 'a word'",
            ] {
                sqlx::query(old).execute(&mut tx.connection).await?;
            }
            Ok(())
        })
    });
    prepared.await.expect("prepared");
    housekeeping::tidy(&node.store).await.expect("tidied");
    let mut read = node.store.read().await.expect("a read");
    let mut all =
        async |query: &'static str| sqlx::query_scalar::<_, String>(query).fetch_all(&mut *read).await.expect("rows");
    assert_eq!(all("SELECT id FROM person ORDER BY id").await, ["here", "mailed"], "who has an address can come back");
    assert_eq!(all("SELECT id FROM session").await, ["session of here"]);
    assert_eq!(all("SELECT text FROM notification").await, ["another", "another"]);
    assert_eq!(all("SELECT name FROM topic ORDER BY name").await, ["user/here", "user/mailed"]);
    drop(read);
    node.close().await;
}
