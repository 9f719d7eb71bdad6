//! Questions in a room that come while another is answered, or whose process dies: they wait, in order, and not for ever.

use std::{sync::Arc, time::Duration};

use sqlx::AssertSqlSafe;
use tidemark::{
    server::{
        boot::reconcile,
        features::{chat::Chats, chat::Payer, conversations::Assistant, messages, rooms, runs::Runs},
        model::Models,
        session::Asking,
        store::StoreError,
        tools::{Context, Toolbox},
    },
    wire::room::Message,
};

use super::{
    rooms::{Visitor, lobby, newest, said, say, visit, whole},
    script::{Pen, Script},
    stage::Stage,
};

/// What asks, waits and is asked next: the question as the model is shown it.
async fn next(stage: &Stage) -> (String, Pen) {
    let (prompt, pen) = stage.script.next().await;
    (prompt.turns.last().expect("a question").text(), pen)
}

async fn end(stage: &Stage, by: &Visitor, pen: Pen, text: &str) -> Message {
    pen.write(text);
    let id = {
        let all = said(stage, by, "lobby").await;
        all.iter().find(|message| message.run.is_some()).expect("one is being written").id
    };
    pen.end();
    let ended = async {
        loop {
            let all = said(stage, by, "lobby").await;
            match all.into_iter().find(|message| message.id == id && message.run.is_none()) {
                Some(message) => return message,
                None => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends")
}

/// Changes what waits, as time or another process would.
async fn sql(stage: &Stage, statement: &str) {
    let statement = statement.to_owned();
    let written = stage.server.state.store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut tx.connection).await?;
            Ok(())
        })
    });
    written.await.expect("written");
}

async fn waiting(stage: &Stage) -> i64 {
    let mut read = stage.server.state.store.read().await.expect("a read");
    sqlx::query_scalar("SELECT COUNT(*) FROM room_question").fetch_one(&mut *read).await.expect("a number")
}

/// A post whose process dies before it looks whether it can be answered.
async fn ask_and_die(stage: &Stage, by: &Visitor, client: &str, text: &str) -> u64 {
    let payer = Some(Payer::new(None, "192.0.2.1"));
    let posted = messages::ask(&stage.server.state.store, &by.person, "lobby", client, text, payer).await;
    posted.expect("posted").message
}

const LAPSE: &str = "UPDATE room_question SET lease_ms = 0";

#[tokio::test]
async fn what_is_asked_meanwhile_waits_and_is_answered_in_order() {
    let (stage, ada) = lobby().await;
    let bob = visit(&stage).await;
    say(&stage, &ada, "lobby", "a1", "@assistant one").await;
    let (_, first) = next(&stage).await;
    say(&stage, &bob, "lobby", "b1", "@assistant two").await;
    let two = newest(&stage, &ada, "lobby").await;
    say(&stage, &ada, "lobby", "a2", "@assistant three").await;
    let room = rooms::create(&stage.server.state.store, &ada.person, "Another", false).await.expect("a room");
    say(&stage, &ada, &room, "a3", "@assistant elsewhere").await;
    let (text, other) = next(&stage).await;
    assert_eq!((text.as_str(), stage.script.times_asked()), ("elsewhere", 2), "other rooms do not wait");
    other.write("There.");
    other.end();
    whole(&stage, &ada, &room).await;

    assert_eq!(end(&stage, &ada, first, "One.").await.text, "One.");
    let (prompt, second) = stage.script.next().await;
    assert_eq!(prompt.turns[2].text(), "two");
    let before = prompt.turns[0].text();
    assert!(before.contains("@assistant one") && before.contains("Assistant: One."), "{before}");
    assert!(!before.contains("@assistant t"), "what waits has its own turn: {before}");
    let second = end(&stage, &ada, second, "Two.").await;
    let link = format!("<p><a href=\"/rooms/lobby#m{}\">@{}</a></p>", two.id, bob.person.name);
    assert_eq!(second.html, [link, "<p>Two.</p>".to_owned()]);
    assert!(second.text.starts_with(&format!("[@{}](", bob.person.name)), "{}", second.text);

    let (text, third) = next(&stage).await;
    assert_eq!(text, "three");
    assert!(end(&stage, &ada, third, "Three.").await.text.ends_with("\n\nThree."));
    assert_eq!((stage.script.times_asked(), waiting(&stage).await), (4, 0));
}

#[tokio::test]
async fn ceilings_are_looked_at_when_it_is_a_questions_turn() {
    let stage = Stage::with(|config| {
        config.assistant.answers_at_once_per_address = 1;
        // A quarter of them at once.
        config.assistant.requests_a_minute_per_address = 8;
    });
    let stage = stage.await;
    rooms::found(&stage.server.state.store).await.expect("the lobby");
    let ada = visit(&stage).await;
    for text in ["one", "two", "three"] {
        say(&stage, &ada, "lobby", text, &format!("@assistant {text}")).await;
    }
    for question in ["one", "two"] {
        let (text, pen) = next(&stage).await;
        assert_eq!(text, question, "the one before has given its place back");
        end(&stage, &ada, pen, "Yes.").await;
    }
    let told = async {
        loop {
            let newest = newest(&stage, &ada, "lobby").await;
            if newest.run.is_none() && newest.text.contains(" a minute; try again") {
                return newest;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(5), told).await.expect("it is said");
    assert!(told.text.starts_with(&ada.person.name), "{told:?}");
    assert_eq!(stage.script.times_asked(), 2);
}

#[tokio::test]
async fn only_so_many_wait() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a0", "@assistant now").await;
    let (_, pen) = next(&stage).await;
    for number in 1..=5 {
        say(&stage, &ada, "lobby", &format!("a{number}"), &format!("@assistant {number}")).await;
        assert!(!newest(&stage, &ada, "lobby").await.author.bot);
    }
    say(&stage, &ada, "lobby", "a6", "@assistant 6").await;
    let told = newest(&stage, &ada, "lobby").await;
    assert!(told.author.bot && told.text.contains("Five questions are waiting"), "{told:?}");
    // Once more, after a cut.
    say(&stage, &ada, "lobby", "a6", "@assistant 6").await;
    assert_eq!((newest(&stage, &ada, "lobby").await.id, waiting(&stage).await), (told.id, 5));
    end(&stage, &ada, pen, "Yes.").await;
    let (text, _pen) = next(&stage).await;
    assert_eq!(text, "1");
    say(&stage, &ada, "lobby", "a7", "@assistant 7").await;
    assert_eq!(waiting(&stage).await, 5, "there is a place again");
}

#[tokio::test]
async fn a_question_that_is_none_any_more_is_not_answered() {
    let (stage, ada) = lobby().await;
    let store = &stage.server.state.store;
    say(&stage, &ada, "lobby", "a0", "@assistant now").await;
    let (_, pen) = next(&stage).await;
    let mut ids = Vec::new();
    for text in ["deleted", "changed", "put right"] {
        say(&stage, &ada, "lobby", &text.replace(' ', "-"), &format!("@assistant {text}")).await;
        ids.push(newest(&stage, &ada, "lobby").await.id);
    }
    messages::delete(store, &ada.person.id, "lobby", ids[0]).await.expect("deleted");
    messages::edit(store, &ada.person.id, "lobby", ids[1], "never mind").await.expect("edited");
    messages::edit(store, &ada.person.id, "lobby", ids[2], "@assistant really").await.expect("edited");
    assert_eq!(waiting(&stage).await, 2);
    end(&stage, &ada, pen, "Yes.").await;
    let (text, pen) = next(&stage).await;
    assert_eq!(text, "really");
    end(&stage, &ada, pen, "Really.").await;
    assert_eq!((stage.script.times_asked(), waiting(&stage).await), (2, 0));
}

#[tokio::test]
async fn a_question_whose_process_died_is_answered_by_another_and_once() {
    let (stage, ada) = lobby().await;
    let state = &stage.server.state;
    let asked = ask_and_die(&stage, &ada, "a1", "@assistant hello").await;
    reconcile(state, 0).await.expect("a look");
    assert_eq!(stage.script.times_asked(), 0, "it is left to whoever took it for a while");
    sql(&stage, LAPSE).await;

    // Two other processes find it at once.
    let script = Arc::<Script>::default();
    let chats = Chats::new(
        Models::of(vec![script.clone()]),
        String::new(),
        state.config.assistant.ceilings(),
        state.store.clone(),
    );
    let runs = Runs::new(state.topics.clone());
    let other = Assistant::new(state.store.clone(), chats, runs, state.door.clone());
    let tools = Toolbox::only(&[], Context { state: state.clone(), asking: Asking::default() });
    let (one, two) = tokio::join!(other.answer_waiting("lobby", &tools), reconcile(state, 0));
    one.expect("a look");
    two.expect("a look");
    let begun = newest(&stage, &ada, "lobby").await;
    assert_eq!((begun.client, begun.run.is_some()), (format!("answer-{asked}"), true));
    tokio::task::yield_now().await;
    let (_, pen) = tokio::select! {
        asked = stage.script.next() => asked,
        asked = script.next() => asked,
    };
    end(&stage, &ada, pen, "Hello.").await;
    reconcile(state, 0).await.expect("a look");
    assert_eq!((stage.script.times_asked() + script.times_asked(), waiting(&stage).await), (1, 0));
}

#[tokio::test]
async fn what_waits_behind_an_answer_whose_process_died_has_its_turn() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant one").await;
    let (_, pen) = next(&stage).await;
    say(&stage, &ada, "lobby", "a2", "@assistant two").await;
    sql(&stage, LAPSE).await;
    reconcile(&stage.server.state, 0).await.expect("a look");
    assert_eq!(stage.script.times_asked(), 1, "while one is written nobody else is answered");
    sql(&stage, "UPDATE message SET run_lease_ms = 0 WHERE run_lease_ms IS NOT NULL").await;
    // One's own process knows that it is alive; another ends what it takes for dead.
    stage.other_process().end_abandoned().await.expect("a look");
    reconcile(&stage.server.state, 0).await.expect("a look");
    let (text, second) = next(&stage).await;
    assert_eq!(text, "two");
    let texts: Vec<_> = said(&stage, &ada, "lobby").await.into_iter().map(|message| message.text).collect();
    assert!(texts.iter().any(|text| text.contains("(interrupted)")), "{texts:?}");
    end(&stage, &ada, second, "Two.").await;
    drop(pen);
}

#[tokio::test]
async fn an_answer_that_would_come_too_late_is_not_given_and_that_is_said() {
    let (stage, ada) = lobby().await;
    ask_and_die(&stage, &ada, "a1", "@assistant hello").await;
    sql(&stage, "UPDATE room_question SET lease_ms = 0, asked_ms = asked_ms - 11 * 60 * 1000").await;
    reconcile(&stage.server.state, 0).await.expect("a look");
    let told = newest(&stage, &ada, "lobby").await;
    assert!(told.text.starts_with(&format!("{}, I did not come to", ada.person.name)), "{told:?}");
    assert_eq!((stage.script.times_asked(), waiting(&stage).await), (0, 0));
}

#[tokio::test]
async fn nothing_is_begun_while_the_server_stops_and_what_waits_goes_on_waiting() {
    let (stage, ada) = lobby().await;
    say(&stage, &ada, "lobby", "a1", "@assistant one").await;
    let (_, pen) = next(&stage).await;
    pen.write("Once upon");
    say(&stage, &ada, "lobby", "a2", "@assistant two").await;
    stage.server.state.runs.close(Duration::from_millis(10)).await;
    say(&stage, &ada, "lobby", "a3", "@assistant three").await;
    assert_eq!((stage.script.times_asked(), waiting(&stage).await), (1, 2));
}

#[tokio::test]
async fn a_room_that_was_archived_answers_nothing_more() {
    let (stage, ada) = lobby().await;
    let store = &stage.server.state.store;
    let room = rooms::create(store, &ada.person, "Plans", false).await.expect("a room");
    say(&stage, &ada, &room, "a1", "@assistant one").await;
    let (_, pen) = next(&stage).await;
    say(&stage, &ada, &room, "a2", "@assistant two").await;
    rooms::archive(store, &ada.person.id, &room).await.expect("archived");
    pen.write("One.");
    pen.end();
    let gone = async {
        while waiting(&stage).await > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("it is dropped");
    assert_eq!(stage.script.times_asked(), 1);
}
