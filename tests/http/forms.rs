//! Forms that are sent without JavaScript, and fail.

use axum::http::{Method, StatusCode};
use tidemark::server::features::rooms;

use crate::{
    http::server::{Answer, Server},
    visit,
};

async fn send(server: &Server, cookie: &str, form: &str, body: impl Into<axum::body::Body>) -> Answer {
    let headers = [
        ("accept", "text/html"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://localhost"),
        ("host", "localhost"),
        ("referer", "http://localhost/rooms"),
        ("cookie", cookie),
    ];
    server.send(Method::POST, form, &headers, body).await
}

/// The cookies of the answer beside the session's.
fn with_flash(cookie: &str, answer: &Answer) -> String {
    let flash = answer.header("set-cookie").split(';').next().unwrap_or_default();
    assert!(flash.starts_with("tidemark_flash="), "{flash}");
    format!("{cookie}; {flash}")
}

#[tokio::test]
async fn a_form_that_fails_is_shown_again_with_what_was_typed_once() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let long = "A very long title ".repeat(5);
    let body = format!("title={}&private=yes", long.replace(' ', "+"));
    let answer = send(&server, &cookie, "/api/fn/create-room", body).await;
    assert_eq!((answer.status(), answer.header("location")), (StatusCode::FOUND, "/rooms"));
    let cookies = with_flash(&cookie, &answer);
    let page = server.get("/rooms", &[("accept", "text/html"), ("cookie", &cookies)]).await.text().await;
    assert!(page.contains("A room&#x27;s title has") || page.contains("A room's title has"), "why it failed");
    assert!(page.contains(&format!("value=\"{long}\"")) && page.contains(" checked"), "what was typed");
    let again = server.get("/rooms", &[("accept", "text/html"), ("cookie", &cookie)]).await.text().await;
    assert!(!again.contains(&long), "once");
}

#[tokio::test]
async fn a_message_that_comes_too_fast_goes_back_to_its_page_and_is_not_lost() {
    let server = Server::with(|config| config.limits.writes_per_minute = 4).await;
    rooms::found(&server.state.store).await.expect("the lobby");
    let cookie = visit(&server).await;
    let text = |number: u32| format!("room=lobby&client=c{number}&text=a+%3Cb%3E+%26+{number}");
    assert_eq!(send(&server, &cookie, "/api/fn/post-message", text(1)).await.status(), StatusCode::FOUND);
    let answer = send(&server, &cookie, "/api/fn/post-message", text(2)).await;
    assert_eq!((answer.status(), answer.header("location")), (StatusCode::SEE_OTHER, "/rooms"));
    let cookies = with_flash(&cookie, &answer);
    let page = server.get("/rooms/lobby", &[("accept", "text/html"), ("cookie", &cookies)]).await.text().await;
    assert!(page.contains("That was too fast. Try again in"), "why it failed");
    assert!(page.contains(">a &lt;b> &amp; 2</textarea>"), "what was typed: {page}");
}

#[tokio::test]
async fn a_form_that_is_far_too_long_is_refused() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let answer = send(&server, &cookie, "/api/fn/post-message", format!("text={}", "x".repeat(70_000))).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_longest_question_fits_into_a_form_in_any_script_and_a_longer_one_is_told_why_not() {
    let server = Server::new().await;
    let cookie = visit(&server).await;
    let question = |number: usize, letter: &str, chars: usize| {
        let letter: String = letter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("conversation={number:032x}&client=q{number}&text={}", letter.repeat(chars))
    };
    const ASK: &str = "/api/fn/ask-assistant";
    for (number, letter) in ["世", "ш", "🌊"].into_iter().enumerate() {
        let answer = send(&server, &cookie, ASK, question(number, letter, 32_000)).await;
        let page = format!("/assistant/{number:032x}");
        assert_eq!((answer.status(), answer.header("location")), (StatusCode::FOUND, page.as_str()), "{letter}");
    }
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
    let answer = server.send(Method::POST, ASK, &headers, question(4, "世", 32_000)).await;
    assert_eq!(answer.status(), StatusCode::OK, "with a script");
    let mut answer = server.send(Method::POST, ASK, &headers, question(5, "世", 32_001)).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let words = "A message has at most 32000 characters";
    assert!(answer.text().await.contains(words));
    let answer = send(&server, &cookie, ASK, question(6, "世", 32_001)).await;
    let cookies = with_flash(&cookie, &answer);
    let page = server.get("/assistant", &[("accept", "text/html"), ("cookie", &cookies)]).await.text().await;
    assert!(page.contains(words), "without one too");
}

#[tokio::test]
async fn a_server_function_says_when_to_come_back_and_whose_fault_it_is_as_the_interface_does() {
    const DAY_S: i64 = 24 * 60 * 60;
    for (is_full, status) in [(false, StatusCode::TOO_MANY_REQUESTS), (true, StatusCode::SERVICE_UNAVAILABLE)] {
        let server = Server::with(|config| {
            config.assistant.anthropic_key = "never asked".into();
            match is_full {
                true => config.assistant.answers_at_once = 0,
                false => config.assistant.tokens_a_day_per_address = 0,
            }
        })
        .await;
        let cookie = visit(&server).await;
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
        let body = format!("conversation={:032x}&client=q&text=Well", 1);
        let answer = server.send(Method::POST, "/api/fn/ask-assistant", &headers, body).await;
        let midnight = DAY_S - (tidemark::server::store::now_ms() / 1_000) % DAY_S;
        let wait: i64 = answer.header("retry-after").parse().expect("seconds");
        let expected = if is_full { 5..=5 } else { midnight - 1..=midnight + 30 };
        assert_eq!(answer.status(), status);
        assert!(expected.contains(&wait), "{wait}, and it is {midnight} to midnight");
    }
}
