//! Signing in with a link: once, in time, as whoever it leads to, and without a word about who has an account.

mod http {
    pub mod server;
}

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use http::server::{Answer, Server};
use tidemark::server::{
    features::sign_in::{self, Post, SignInError},
    store::{Store, StoreError, links::Target, people::Person},
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

const HTML: (&str, &str) = ("accept", "text/html");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A visitor who has come back once, so that there is a row.
async fn visitor(server: &Server) -> (String, Person) {
    let cookie = cookie_of(&server.get("/", &[HTML]).await).expect("a cookie");
    server.get("/api/head?topic=feed", &[("cookie", &cookie)]).await;
    let mut read = server.state.store.read().await.expect("a read");
    let id: String =
        sqlx::query_scalar("SELECT id FROM person ORDER BY rowid DESC").fetch_one(&mut *read).await.expect("a person");
    drop(read);
    (cookie, find(&server.state.store, &id).await)
}

async fn find(store: &Store, id: &str) -> Person {
    let id = id.to_owned();
    let found = store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.person(&id).await }));
    found.await.expect("a look").expect("a person")
}

fn cookie_of(answer: &Answer) -> Option<String> {
    let set = answer.header("set-cookie").split(';').next().unwrap_or_default();
    set.starts_with("tidemark_session=").then(|| set.to_owned())
}

async fn submit(server: &Server, function: &str, cookie: &str, body: String) -> Answer {
    server.send(Method::POST, &format!("/api/fn/{function}"), &[HTML, FORM, ("cookie", cookie)], body).await
}

fn token(link: &str) -> &str {
    link.split("token=").nth(1).expect("a token")
}

/// Who the page is for.
async fn name_on_page(server: &Server, cookie: &str) -> String {
    let html = server.get("/account", &[HTML, ("cookie", cookie)]).await.text().await;
    let value = html.split(r#"name="name""#).nth(1).and_then(|rest| rest.split("value=\"").nth(1));
    value.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_link_brings_a_phone_in_once_and_ends_the_session_it_had() {
    let server = Server::new().await;
    let (_, owner) = visitor(&server).await;
    let (phone, stranger) = visitor(&server).await;
    let link = sign_in::device_link(&server.state.store, "http://here", &owner).await.expect("a link");
    for _ in 0..2 {
        let page =
            server.get(&format!("/sign-in?token={}", token(&link)), &[HTML, ("cookie", &phone)]).await.text().await;
        assert!(page.contains("The link is good"), "looking at it uses nothing up: {page}");
    }
    let signed_in = submit(&server, "sign-in", &phone, format!("token={}", token(&link))).await;
    assert_eq!((signed_in.status(), signed_in.header("location")), (StatusCode::FOUND, "/account"));
    let now = cookie_of(&signed_in).expect("another session");
    assert_ne!(now, phone);
    assert_eq!(name_on_page(&server, &now).await, owner.name);
    assert_ne!(name_on_page(&server, &phone).await, stranger.name, "the old cookie is worth nothing");

    let (other, _) = visitor(&server).await;
    let again = submit(&server, "sign-in", &other, format!("token={}", token(&link))).await;
    assert_eq!(cookie_of(&again), None, "a link works once");
    let page = server.get(&format!("/sign-in?token={}", token(&link)), &[HTML]).await.text().await;
    assert!(page.contains("used already, or has expired"));
}

#[tokio::test]
async fn links_that_expired_or_never_were_are_worth_nothing() {
    let server = Server::new().await;
    let (cookie, person) = visitor(&server).await;
    let target = Target { person: person.id.clone(), email: None };
    let token = "0".repeat(64);
    let hash: String = <sha2::Sha256 as sha2::Digest>::digest(&token).iter().map(|b| format!("{b:02x}")).collect();
    let expired = server
        .state
        .store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.add_link(&hash, &target, -1).await }));
    expired.await.expect("written");
    for token in [token.as_str(), "", "nonsense", &"x".repeat(10_000)] {
        let answer = submit(&server, "sign-in", &cookie, format!("token={token}")).await;
        assert_eq!(cookie_of(&answer), None);
    }
}

#[tokio::test]
async fn an_address_keeps_a_person_over_devices() {
    let server = Server::new().await;
    let (store, post, door) = (&server.state.store, &server.state.post, &server.state.door);
    let (_, first) = visitor(&server).await;
    let (_, second) = visitor(&server).await;
    let mail = |person: Person| async move {
        sign_in::mail_link(store, post, "http://here", &person, "here", " Ada@Example.com ")
            .await
            .expect("sent")
            .expect("shown")
    };
    let link = mail(first.clone()).await;
    sign_in::use_link(store, door, "a", token(&link)).await.expect("the address is new: it is theirs now");
    assert_eq!(find(store, &first.id).await.email.as_deref(), Some("ada@example.com"));
    let link = mail(second.clone()).await;
    let session = sign_in::use_link(store, door, "b", token(&link)).await.expect("signed in");
    let tidemark::server::store::people::Found::Person { person: found, .. } =
        store.session(&session).await.expect("a look")
    else {
        panic!("nobody")
    };
    assert_eq!(found.id, first.id);
    assert_eq!(find(store, &second.id).await.email, None);
}

#[tokio::test]
async fn nobody_learns_from_the_answer_who_has_an_account() {
    let server = Server::new().await;
    let (cookie, person) = visitor(&server).await;
    let id = person.id.clone();
    let known = server
        .state
        .store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.set_email(&id, "known@example.com").await }));
    known.await.expect("written");
    let mut answers = Vec::new();
    for email in ["known%40example.com", "unknown%40example.com"] {
        let answer = submit(&server, "mail-sign-in-link", &cookie, format!("email={email}")).await;
        answers.push((answer.status(), answer.header("location").to_owned(), answer.header("set-cookie").len()));
    }
    assert_eq!(answers[0], answers[1]);
    let nonsense = submit(&server, "mail-sign-in-link", &cookie, "email=nonsense".to_owned()).await;
    assert_ne!(nonsense.header("set-cookie").len(), answers[0].2, "what is no address is said to be none");
}

#[tokio::test]
async fn links_are_not_to_be_had_without_end() {
    let server = Server::new().await;
    let (store, post) = (&server.state.store, &server.state.post);
    let (_, person) = visitor(&server).await;
    for number in 0..5 {
        let email = format!("{number}@example.com");
        assert!(sign_in::mail_link(store, post, "", &person, "here", &email).await.is_ok());
    }
    let more = sign_in::mail_link(store, post, "", &person, "here", "more@example.com").await;
    assert!(matches!(more, Err(SignInError::TooMany(_))));
}

#[tokio::test]
async fn a_mail_is_sent_where_mail_is_configured_and_the_link_stays_in_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let received = tokio::spawn(receive(listener));
    let server = Server::new().await;
    let (_, person) = visitor(&server).await;
    let post = Post::new(&format!("smtp://{address}"), "Tidemark <us@example.com>").expect("a post");
    let shown =
        sign_in::mail_link(&server.state.store, &post, "https://here.test", &person, "here", "ada@example.com").await;
    assert_eq!(shown.expect("sent"), None);
    let mail = received.await.expect("a mail");
    assert!(mail.contains("To: ada@example.com") && mail.contains("From: "), "{mail}");
    // Long lines are folded with "=" at their end.
    let unfolded = mail.replace("=\r\n", "");
    assert!(unfolded.contains("https://here.test/sign-in?token"), "{mail}");

    let nowhere: Arc<Post> = Post::new("smtp://127.0.0.1:1", "us@example.com").expect("a post");
    let failed = sign_in::mail_link(&server.state.store, &nowhere, "", &person, "here", "ada@example.com").await;
    assert!(matches!(failed, Err(SignInError::Mail)));
}

/// The least of a mail server: takes one mail and returns it.
async fn receive(listener: tokio::net::TcpListener) -> String {
    let (socket, _) = listener.accept().await.expect("a client");
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 here\r\n").await.expect("greeted");
    let (mut mail, mut inside) = (String::new(), false);
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: &[u8] = match (inside, line.as_str()) {
            (true, ".") => {
                write.write_all(b"250 ok\r\n").await.expect("taken");
                return mail;
            }
            (true, _) => {
                mail.push_str(&line);
                mail.push_str("\r\n");
                continue;
            }
            (false, "DATA") => {
                inside = true;
                b"354 go on\r\n"
            }
            (false, _) => b"250 ok\r\n",
        };
        write.write_all(answer).await.expect("answered");
    }
    mail
}

#[tokio::test]
async fn whoever_opens_another_s_link_gives_nothing_of_their_own_away() {
    let server = Server::new().await;
    let (store, post) = (&server.state.store, &server.state.post);
    let (_, attacker) = visitor(&server).await;
    let (cookie, victim) = visitor(&server).await;
    let link = sign_in::mail_link(store, post, "", &attacker, "here", "attacker@example.com").await;
    let link = link.expect("sent").expect("shown");
    let page = server.get(&format!("/sign-in?token={}", token(&link)), &[HTML, ("cookie", &cookie)]).await.text().await;
    assert!(page.contains(&attacker.name) && page.contains("attacker@example.com"), "one sees whose link it is");
    submit(&server, "sign-in", &cookie, format!("token={}", token(&link))).await;
    assert_eq!(find(store, &victim.id).await.email, None);
    assert_eq!(find(store, &attacker.id).await.email.as_deref(), Some("attacker@example.com"));
}

#[tokio::test]
async fn one_person_cannot_use_up_the_mails_of_another_s_address() {
    let server = Server::new().await;
    let (store, post) = (&server.state.store, &server.state.post);
    let (_, attacker) = visitor(&server).await;
    let (_, owner) = visitor(&server).await;
    while sign_in::mail_link(store, post, "", &attacker, "there", "owner@example.com").await.is_ok() {}
    assert!(sign_in::mail_link(store, post, "", &owner, "here", "owner@example.com").await.is_ok());
}
