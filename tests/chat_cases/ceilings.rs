//! What one person, one address and all together may have of a model: each ceiling, what is said, and when to come back.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidemark::server::{
    features::{
        chat::{Payer, Used},
        keys,
    },
    model::{Call, CallResult, Part, Role, Turn},
};

use crate::{
    QUESTION, ask,
    http::server::{Answer, Server},
    provider::{Does, Kind, Provider},
    server_with,
};

/// Somebody with a ceiling of their own.
async fn somebody(server: &Server) -> String {
    let key = keys::create(&server.state.store, "test", "publish:conversation/*", None).await.expect("a key");
    format!("Bearer {key}")
}

async fn ask_as(server: &Server, who: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", who)];
    server.send(Method::POST, "/api/chat", &headers, QUESTION.to_owned()).await
}

/// The status, the code, when to come back (in seconds), and what is said.
async fn refused(mut answer: Answer) -> (StatusCode, String, Option<u32>, String) {
    let (status, wait) = (answer.status(), answer.header("retry-after").parse().ok());
    let text = answer.text().await;
    let error: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: no error: {text}"));
    let said = |field: &str| error["error"][field].as_str().expect(field).to_owned();
    (status, said("code"), wait, said("message"))
}

#[tokio::test]
async fn a_message_and_a_conversation_may_be_so_long() {
    let provider = Provider::new(Kind::Anthropic, Does::Answer).await;
    let server = server_with(&provider, |assistant| {
        (assistant.message_chars, assistant.conversation_chars, assistant.conversation_messages) = (10, 25, 5);
    })
    .await;
    let conversation = |lengths: &[usize]| {
        let role = |at: usize| if (lengths.len() - at) % 2 == 1 { "user" } else { "assistant" };
        let message = |(at, chars): (usize, &usize)| json!({ "role": role(at), "content": "ä".repeat(*chars) });
        json!({ "messages": lengths.iter().enumerate().map(message).collect::<Vec<_>>() }).to_string()
    };
    for (lengths, words) in [
        (&[11][..], "a message has at most 10 characters; shorten it, or send it in parts"),
        (&[8, 8, 10], "a conversation has at most 25 characters; begin a new one"),
        (&[1, 1, 1, 1, 1, 1], "a conversation has at most 5 messages; begin a new one"),
    ] {
        let (status, code, _, message) = refused(ask(&server, &conversation(lengths)).await).await;
        assert_eq!((status, code.as_str(), message.as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large", words));
    }
    for fits in [&[10][..], &[5, 10, 10], &[1, 1, 1, 1, 1]] {
        assert_eq!(ask(&server, &conversation(fits)).await.status(), StatusCode::OK, "{fits:?}");
    }
}

#[tokio::test]
async fn what_tools_said_makes_no_conversation_too_long() {
    let provider = Provider::new(Kind::Anthropic, Does::Answer).await;
    let server = server_with(&provider, |assistant| {
        (assistant.message_chars, assistant.conversation_chars, assistant.conversation_messages) = (10, 25, 3);
    })
    .await;
    let call = Call { id: "a".into(), name: "search_messages".into(), input: json!({ "words": "x".repeat(100) }) };
    let result = CallResult { call: "a".into(), output: "long ".repeat(10_000), failed: false };
    let turns = [
        Turn::user("What?"),
        Turn { role: Role::Assistant, parts: vec![Part::Text("So:".into()), Part::Call(call)] },
        Turn { role: Role::User, parts: vec![Part::Result(result)] },
        Turn::assistant("That."),
        Turn::user("And this?"),
    ];
    let payer = Payer::new(None, "198.51.100.1");
    server.state.chats.admit(&payer, None, &turns).await.expect("three messages of 22 characters");
    let longer = [&turns[..4], &[Turn::assistant("Well"), Turn::user("And this?")]].concat();
    assert!(server.state.chats.admit(&payer, None, &longer).await.is_err(), "of four");
}

#[tokio::test]
async fn so_many_answers_are_written_at_once_for_one_for_an_address_and_in_all() {
    let provider = Provider::new(Kind::Anthropic, Does::Endless).await;
    let server = server_with(&provider, |assistant| {
        (assistant.answers_at_once_per_person, assistant.answers_at_once_per_address) = (1, 2);
        assistant.answers_at_once = 3;
    })
    .await;
    let (ada, grace) = (somebody(&server).await, somebody(&server).await);
    let first = ask_as(&server, &ada).await;
    assert_eq!(first.status(), StatusCode::OK);
    let (status, code, wait, message) = refused(ask_as(&server, &ada).await).await;
    assert_eq!((status, code.as_str(), wait), (StatusCode::TOO_MANY_REQUESTS, "too-many", Some(5)));
    assert_eq!(message, "an answer is being written for you already; wait for its end, or stop it");
    let second = ask_as(&server, &grace).await;
    assert_eq!(second.status(), StatusCode::OK);
    let (status, _, _, message) = refused(ask(&server, QUESTION).await).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(message.contains("2 answers are being written for your network address"), "{message}");

    // From elsewhere there is one more place, and then none.
    let elsewhere = Payer::new(None, "198.51.100.1");
    let turns = [Turn::user("Good morning?")];
    let admission = server.state.chats.admit(&elsewhere, None, &turns).await.expect("admitted");
    drop(first);
    let third = ask_as(&server, &ada).await;
    assert_eq!(third.status(), StatusCode::OK, "its place was free again");
    let other = Payer::new(None, "198.51.100.2");
    assert_eq!(
        server.state.chats.admit(&other, None, &turns).await.expect_err("full").to_string(),
        "as many answers are being written as the server writes at once; try again in a moment"
    );
    // Whoever stopped and those who are left: their places are theirs until the last answer is dropped.
    let written = admission.ask(turns.to_vec(), Vec::new());
    drop(admission);
    assert!(server.state.chats.admit(&other, None, &turns).await.is_err());
    drop(written);
    assert!(server.state.chats.admit(&other, None, &turns).await.is_ok());
    let (status, code, wait, _) = {
        let _taken = server.state.chats.admit(&other, None, &turns).await.expect("admitted");
        refused(ask(&server, QUESTION).await).await
    };
    assert_eq!((status, code.as_str(), wait), (StatusCode::SERVICE_UNAVAILABLE, "full", Some(5)));
}

#[tokio::test]
async fn so_many_questions_a_minute_are_taken_of_one_of_an_address_and_in_all() {
    let provider = Provider::new(Kind::Anthropic, Does::Answer).await;
    // A quarter at once.
    let server = server_with(&provider, |assistant| {
        (assistant.requests_a_minute_per_person, assistant.requests_a_minute_per_address) = (4, 12);
        assistant.requests_a_minute = 16;
    })
    .await;
    let (ada, grace) = (somebody(&server).await, somebody(&server).await);
    assert_eq!(ask_as(&server, &ada).await.status(), StatusCode::OK);
    let (status, code, wait, message) = refused(ask_as(&server, &ada).await).await;
    assert_eq!((status, code.as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-fast"));
    assert!(matches!(wait, Some(1..=15)), "{wait:?}");
    assert!(message.starts_with("you have asked more than 4 times a minute; try again in"), "{message}");
    // What is refused to one costs the address nothing.
    assert_eq!(ask_as(&server, &grace).await.status(), StatusCode::OK);
    assert_eq!(ask(&server, QUESTION).await.status(), StatusCode::OK);
    let (status, code, wait, message) = refused(ask(&server, QUESTION).await).await;
    assert_eq!((status, code.as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-fast"));
    assert!(matches!(wait, Some(1..=5)) && message.contains("people at your network address"), "{wait:?} {message}");
    let turns = [Turn::user("Good morning?")];
    let elsewhere = |n: u8| Payer::new(None, &format!("198.51.100.{n}"));
    assert!(server.state.chats.admit(&elsewhere(1), None, &turns).await.is_ok());
    let crowded = server.state.chats.admit(&elsewhere(2), None, &turns).await.expect_err("crowded").to_string();
    assert!(crowded.starts_with("the server is asked more often than it answers; try again in"), "{crowded}");
}

#[tokio::test]
async fn so_many_tokens_a_day_are_for_one_for_an_address_and_for_all() {
    // The provider counts 9 in and 12 out.
    for (whose, most, words) in [
        (0, 40, "you have used all tokens of the day; there are new ones at midnight (UTC), in "),
        (1, 40, "people at your network address have used all tokens of the day; there are new ones at midnight"),
        (2, 40, "all tokens of the day are used; there are new ones at midnight (UTC), in "),
    ] {
        let provider = Provider::new(Kind::Anthropic, Does::Answer).await;
        let server = server_with(&provider, |assistant| match whose {
            0 => assistant.tokens_a_day_per_person = most,
            1 => assistant.tokens_a_day_per_address = most,
            _ => assistant.tokens_a_day = most,
        })
        .await;
        let ada = somebody(&server).await;
        for _ in 0..2 {
            ask_as(&server, &ada).await.text().await;
            // What was used is noted.
            server.state.chats.close().await;
        }
        let (status, code, wait, message) = refused(ask_as(&server, &ada).await).await;
        assert_eq!((status, code.as_str()), (StatusCode::TOO_MANY_REQUESTS, "spent"));
        assert!(matches!(wait, Some(1..=86_400)) && message.starts_with(words), "{wait:?} {message}");
        assert_eq!(provider.requests().len(), 2, "nobody was asked");
        // Others at the address are held up by its ceiling, not by somebody's own.
        let other = if whose == 0 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(ask(&server, QUESTION).await.status(), other);
    }
}

#[tokio::test]
async fn what_somebody_used_today_is_told_and_counted_once_for_all() {
    let provider = Provider::new(Kind::Anthropic, Does::Answer).await;
    let server = server_with(&provider, |_| {}).await;
    let ada = somebody(&server).await;
    ask_as(&server, &ada).await.text().await;
    ask(&server, QUESTION).await.text().await;
    server.state.chats.close().await;
    let used = async |payer| server.state.chats.used_today(&payer).await.expect("used");
    let address = used(Payer::new(None, "192.0.2.1")).await;
    assert_eq!(address, Used { input_tokens: 18, output_tokens: 24, ceiling: Some(300_000) });
    let nobody = used(Payer::new(Some("person 7".into()), "192.0.2.1")).await;
    assert_eq!(nobody, Used { input_tokens: 0, output_tokens: 0, ceiling: Some(100_000) });
    let day = tidemark::server::store::now_ms() / (24 * 60 * 60 * 1_000);
    let [all] = server.state.store.model_usage(day, ["all"]).await.expect("usage");
    assert_eq!((all.input, all.output), (18, 24));

    let free = Server::new().await;
    let used = free.state.chats.used_today(&Payer::new(None, "192.0.2.1")).await.expect("used");
    assert_eq!(used.ceiling, None);
}

#[tokio::test]
async fn a_conversation_that_is_longer_than_a_model_reads_is_sent_without_its_beginning() {
    let provider = Provider::new(Kind::OpenAi, Does::Answer).await;
    let server = server_with(&provider, |assistant| {
        (assistant.context_tokens, assistant.output_tokens) = (1_024, 24);
    })
    .await;
    let long = "word ".repeat(300);
    let turns =
        [Turn::user(&long), Turn::assistant(&long), Turn::user("And?"), Turn::assistant("So."), Turn::user("Why?")];
    let admission =
        server.state.chats.admit(&Payer::new(None, "192.0.2.1"), Some("small"), &turns).await.expect("admitted");
    let written = admission.ask(turns.to_vec(), Vec::new());
    assert_eq!(written.left_out(), 2);
    futures::StreamExt::collect::<Vec<_>>(written).await;
    let messages = provider.requests()[0]["messages"].clone();
    assert_eq!(messages[1], json!({ "role": "user", "content": "And?" }), "after the system's: {messages}");
    assert_eq!(messages.as_array().map(Vec::len), Some(4));

    let unknown = server.state.chats.admit(&Payer::new(None, "192.0.2.1"), Some("large"), &turns).await;
    assert_eq!(unknown.expect_err("none").to_string(), "there is no such model here; there are: small, offline guide");
}
