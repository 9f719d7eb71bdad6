//! A run belongs to the server: nobody has to watch it, and whoever does misses nothing.

use std::task::Poll;

use tidemark::{
    server::{
        features::conversations::Question,
        model::{Piece, Role, Usage},
    },
    wire::{
        Topic,
        assistant::{PartKind, Status},
    },
};

use super::stage::Stage;

#[tokio::test]
async fn an_answer_that_nobody_watches_is_there_whole_with_what_it_cost() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Good *morning*?").await.expect("asked");
    let (prompt, pen) = stage.script.next().await;
    assert_eq!(prompt.turns.last().expect("one").text(), "Good *morning*?");
    pen.piece(Piece::Thinking("Hm.".into()));
    pen.write("Guten\n\n");
    pen.piece(Piece::Usage(Usage { input_tokens: 7, output_tokens: 9 }));
    pen.write("*Morgen*");
    pen.end();
    let answer = stage.ended(&ada).await;
    assert_eq!((answer.status, answer.text.as_str()), (Status::Complete, "Guten\n\n*Morgen*"));
    assert_eq!((answer.parts[0].kind, answer.parts[0].text.as_str()), (PartKind::Thinking, "Hm."));
    assert_eq!(answer.parts[1].blocks.len(), 2);
    let cost = answer.cost.expect("counted");
    assert_eq!((cost.model.as_str(), cost.input_tokens, cost.output_tokens), ("script", 7, 9));
    assert!(cost.first_ms > 0 && cost.total_ms >= cost.first_ms, "{cost:?}");
    let question = &stage.view(&ada).await.messages[0];
    assert_eq!((question.answer, question.text.as_str()), (false, "Good *morning*?"), "as it was typed");
}

#[tokio::test]
async fn whoever_looks_at_any_moment_goes_on_from_there_and_all_see_the_same() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    let mut followers = vec![stage.follow(&stage.newest(&ada).await)];
    for piece in [
        "# A ",
        "title\n\nand ",
        "**some",
        " words**, ",
        "世界\n\n```rust\nfn ",
        "main() {}\n```\n\n| a |\n|-",
        "--|\n",
    ] {
        pen.write(piece);
        followers[0].until(piece).await;
        followers.push(stage.follow(&stage.newest(&ada).await));
    }
    pen.end();
    let mut seen = Vec::new();
    for mut follower in followers {
        follower.until_the_end().await;
        assert_eq!(follower.end, Some(Status::Complete));
        seen.push((follower.text, follower.blocks));
    }
    let answer = stage.ended(&ada).await;
    for (at, (text, blocks)) in seen.into_iter().enumerate() {
        assert_eq!(text, answer.text, "reader {at}");
        assert_eq!(blocks.into_values().collect::<Vec<_>>(), [answer.parts[0].blocks.clone()], "reader {at}");
    }
}

#[tokio::test]
async fn the_next_question_is_asked_with_all_that_came_before() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Yes.");
    pen.end();
    stage.ended(&ada).await;
    stage.ask(&ada, "q2", "Two?").await.expect("asked");
    let (prompt, pen) = stage.script.next().await;
    let said: Vec<_> = prompt.turns.iter().map(|turn| (turn.role, turn.text())).collect();
    let expected = [(Role::User, "One?"), (Role::Assistant, "Yes."), (Role::User, "Two?")];
    assert_eq!(said, expected.map(|(role, text)| (role, text.to_owned())));
    pen.end();
    stage.ended(&ada).await;
    assert_eq!(stage.view(&ada).await.messages.len(), 4);
}

#[tokio::test]
async fn a_question_that_arrives_twice_is_asked_once() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    let both = tokio::join!(stage.ask(&ada, "q1", "One?"), stage.ask(&ada, "q1", "One?"));
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    assert!(stage.ask(&ada, "q1", "One?").await.is_ok());
    assert!(stage.ask(&ada, "q1", "Another?").await.is_err(), "that is another question");
    let (_, pen) = stage.script.next().await;
    assert!(stage.ask(&ada, "q2", "Two?").await.is_err(), "one answer at a time");
    pen.end();
    stage.ended(&ada).await;
    assert_eq!((stage.view(&ada).await.messages.len(), stage.script.times_asked()), (2, 1));
}

#[tokio::test]
async fn a_silence_of_minutes_loses_nobody_s_place() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    let page = stage.newest(&ada).await;
    for _ in 0..3 {
        stage.server.state.topics.remove_idle();
    }
    let mut follower = stage.follow(&page);
    pen.write("Once upon");
    follower.until("upon").await;
    pen.end();
    follower.until_the_end().await;
    drop(follower);
    stage.ended(&ada).await;
    stage.settled().await;
    for _ in 0..2 {
        stage.server.state.topics.remove_idle();
    }
    let left = stage.server.state.topics.view();
    assert!(left.iter().all(|view| !matches!(view.topic, Topic::Run { .. })), "afterwards nobody needs it: {left:?}");
}

#[tokio::test]
async fn what_was_asked_is_answered_though_whoever_asked_has_left() {
    let stage = Stage::with(|config| {
        config.assistant.answers_at_once_per_person = 100;
        config.assistant.answers_at_once_per_address = 100;
        config.assistant.requests_a_minute = 100_000;
        config.assistant.requests_a_minute_per_person = 100_000;
        config.assistant.requests_a_minute_per_address = 100_000;
    })
    .await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    // They leave at each moment at which they can: a server drops what it does for them then.
    for patience in 1.. {
        let id = format!("{patience:032x}");
        let (conversation, client) = (id.clone(), "q1".to_owned());
        let question = Question { conversation, text: "Tell me".into(), client, model: None, instead_of: None };
        let stayed = polled(patience, assistant.ask(&ada, question)).await.is_some();
        stage.settled().await;
        let stands = assistant.view(&id, Some("p-Ada")).await.expect("the store").is_some();
        if stands {
            stage.script.next().await.1.end();
        }
        if stayed {
            assert!(stands && patience > 3, "{patience}");
            return;
        }
    }
}

/// What comes of it if it is polled so often at most.
async fn polled<F: Future>(times: u32, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut left = times;
    std::future::poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn what_has_come_and_was_not_yet_told_is_neither_shown_twice_nor_missing() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    let words: Vec<_> = (1..=60).map(|number| format!("w{number} ")).collect();
    let mut followers = Vec::new();
    for word in &words {
        pen.write(word);
        // The run takes it, and tells of it a few words later.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        followers.push(stage.follow(&stage.newest(&ada).await));
    }
    pen.end();
    for mut follower in followers {
        follower.until_the_end().await;
        assert_eq!(follower.text, words.concat());
    }
}
