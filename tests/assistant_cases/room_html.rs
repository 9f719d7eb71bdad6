//! What the assistant writes in rooms as HTML: the same while it is written, in the event that ends it, in the history and on
//! the page; harmless, and of nobody but the assistant.

use tidemark::{
    server::{markdown, model::Piece},
    wire::{assistant::RunEvent, markdown::Patch, room::RoomEvent},
};

use super::rooms::{EVENTS, lobby, newest, said, say, stream_of, whole};

const HOSTILE: &str = "**Hi** <script>alert(1)</script><img src=x onerror=alert(1)>\n\n<b onclick=alert(1)>b</b> \
     [a](javascript:alert(1)) [b](https://example.org/)\n\n```rust\nfn main() {}\n```\n";

#[tokio::test]
async fn an_answer_is_the_same_html_wherever_it_is_read() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant **show** me <b>").await;
    let (_, pen) = stage.script.next().await;
    let begun = newest(&stage, &ada, "lobby").await;
    assert!(begun.html.is_empty());
    let mut run = stage.server.get(&stream_of(&begun), &[EVENTS]).await;
    let mut room = stage.server.get("/api/stream?topic=room/lobby", &[EVENTS]).await;
    room.read_until("event: connected").await;
    for piece in HOSTILE.split_inclusive(' ') {
        pen.write(piece);
    }
    pen.end();
    let events = run.read_until("RunEnded").await;
    let mut live: Vec<String> = Vec::new();
    for event in events.lines().filter_map(|line| serde_json::from_str::<RunEvent>(line.strip_prefix("data: ")?).ok()) {
        event.patches.into_iter().for_each(|patch: Patch| patch.apply(&mut live));
    }
    let ended = whole(&stage, &ada, "lobby").await;
    assert_eq!(ended.text, HOSTILE.trim());
    assert_eq!(ended.html, markdown::render(HOSTILE));
    assert_eq!(ended.html, live, "it does not change when it ends");
    let told = room.read_until("\n\n").await + &room.read_until("MessageEdited").await + &room.read_until("\n\n").await;
    let of_event = |line: &str| serde_json::from_str::<RoomEvent>(line.strip_prefix("data: ")?).ok()?.message;
    assert_eq!(told.lines().filter_map(of_event).next_back().expect("an end").html, live);

    let page = stage.server.get("/rooms/lobby", &[("accept", "text/html"), ("cookie", &ada.cookie)]).await.text().await;
    for block in &live {
        assert!(page.contains(&format!("<div class=\"block\">{block}</div>")), "{block} in {page}");
    }
    let html = live.concat();
    assert!(
        html.contains("<strong>Hi</strong>") && html.contains("hl-keyword") && html.contains("example.org"),
        "{html}"
    );
    for evil in ["<script", "<img", "<b>", "<b ", " onclick=alert(1)>b", "href=\"javascript"] {
        assert!(!html.contains(evil), "{evil} in {html}");
    }
}

#[tokio::test]
async fn what_people_write_stays_text() {
    let (stage, ada) = lobby().await;
    let posted = "**no** [a](https://example.org/) <b>";
    say(&stage, &ada, "lobby", "a1", posted).await;
    let message = newest(&stage, &ada, "lobby").await;
    assert_eq!((message.text.as_str(), message.html.len()), (posted, 0));
    let page = stage.server.get("/rooms/lobby", &[("accept", "text/html"), ("cookie", &ada.cookie)]).await.text().await;
    assert!(page.contains("**no** [a](") && page.contains("&lt;b&gt;") && !page.contains("<strong>no"));
    assert!(said(&stage, &ada, "lobby").await.iter().all(|message| message.html.is_empty()), "nor a greeting");
}

#[tokio::test]
async fn an_answer_that_breaks_off_in_the_midst_of_code_says_so_outside_of_it() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant code?").await;
    let (_, pen) = stage.script.next().await;
    pen.write("```rust\nfn main() {");
    pen.fail(tidemark::server::model::ModelError::Broken);
    let ended = whole(&stage, &ada, "lobby").await;
    assert_eq!(ended.text, "```rust\nfn main() {\n```\n\n(The answer broke off.)");
    assert_eq!(ended.html.last().map(String::as_str), Some("<p>(The answer broke off.)</p>"));
}

#[tokio::test]
async fn what_the_model_writes_that_nobody_could_is_left_out_while_it_is_written_too() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant hello").await;
    let (_, pen) = stage.script.next().await;
    let begun = newest(&stage, &ada, "lobby").await;
    let mut run = stage.server.get(&stream_of(&begun), &[EVENTS]).await;
    pen.piece(Piece::Text(" \n".into()));
    pen.piece(Piece::Text("a\u{202e}b\u{200b}c".into()));
    let told = run.read_until("abc").await;
    assert!(told.contains("<p>abc</p>") || run.read_until("<p>abc</p>").await.contains("abc"), "{told}");
    pen.end();
    assert_eq!(whole(&stage, &ada, "lobby").await.html, ["<p>abc</p>"]);
}
