//! Ends of answers that are not the answer's own: stopped, failed, interrupted; and how they go on.

use std::{sync::Arc, time::Duration};

use tidemark::{
    server::{
        features::conversations::Question,
        model::{Guide, ModelError, Piece, Role, Stop, Usage},
    },
    wire::assistant::Status,
};

use super::{
    script::Script,
    stage::{ID, Stage},
};

#[tokio::test]
async fn stopping_an_answer_stops_the_model_and_keeps_what_there_is() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Once upon");
    let mut follower = stage.follow(&stage.newest(&ada).await);
    follower.until("upon").await;
    let answer = stage.newest(&ada).await;
    stage.server.state.assistant.stop(&ada, ID, answer.id).await.expect("stopped");
    pen.is_let_go().await;
    follower.until_the_end().await;
    assert_eq!(follower.end, Some(Status::Stopped));
    let answer = stage.ended(&ada).await;
    assert_eq!((answer.status, answer.text.as_str()), (Status::Stopped, "Once upon"));
}

#[tokio::test]
async fn the_guide_goes_on_where_it_was_stopped_and_costs_nothing() {
    let stage = Stage::beside(Arc::new(Guide::embedded())).await;
    let (ada, assistant) = (stage.person("Ada").await, &stage.server.state.assistant);
    let question = Question {
        conversation: ID.into(),
        text: "Which pattern should I use for a chat?".into(),
        client: "q1".into(),
        model: Some("offline guide".into()),
        instead_of: None,
    };
    assistant.ask(&ada, question).await.expect("asked");
    let mut follower = stage.follow(&stage.newest(&ada).await);
    follower.until("WebSocket").await;
    let answer = stage.newest(&ada).await;
    assistant.stop(&ada, ID, answer.id).await.expect("stopped");
    let part = stage.ended(&ada).await;
    assert_eq!(part.cost.map(|cost| (cost.input_tokens, cost.output_tokens)), Some((0, 0)));
    assistant.go_on(&ada, ID, answer.id).await.expect("it goes on");
    let whole = stage.ended(&ada).await;
    assistant.again(&ada, ID, answer.id, Some("offline guide".into())).await.expect("once more");
    let again = stage.ended(&ada).await;
    assert!(whole.text.len() > part.text.len());
    assert_eq!((whole.status, whole.text), (Status::Complete, again.text));
}

#[tokio::test]
async fn whoever_goes_back_to_a_form_and_asks_something_else_is_answered() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    for question in ["One?", "Another?"] {
        stage.ask(&ada, "q1", question).await.expect("asked");
        let (_, pen) = stage.script.next().await;
        pen.end();
        stage.ended(&ada).await;
        stage.ask(&ada, "q1", "One?").await.expect("it was asked before");
    }
    let asked: Vec<_> = stage.view(&ada).await.messages.into_iter().filter(|message| !message.answer).collect();
    assert_eq!(asked.iter().map(|message| &*message.text).collect::<Vec<_>>(), ["One?", "Another?"]);
}

#[tokio::test]
async fn an_answer_that_broke_off_goes_on_where_it_ended_and_the_last_word_is_a_person_s() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Once upon ");
    pen.fail(ModelError::Broken);
    let answer = stage.ended(&ada).await;
    assert_eq!((answer.status, answer.text.as_str()), (Status::Failed, "Once upon "));
    assert_eq!(answer.error.as_deref(), Some("The answer broke off."));

    stage.server.state.assistant.go_on(&ada, ID, answer.id).await.expect("it goes on");
    let (prompt, pen) = stage.script.next().await;
    let roles: Vec<_> = prompt.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
    assert_eq!(prompt.turns[1].text(), "Once upon ");
    pen.write("a time");
    pen.piece(Piece::Stopped(Stop::TooLong));
    let again = stage.ended(&ada).await;
    assert_eq!((again.id, again.status, again.text.as_str()), (answer.id, Status::TooLong, "Once upon a time"));
    assert_eq!(again.error, None);
    stage.server.state.assistant.go_on(&ada, ID, answer.id).await.expect("it goes on");
    let (_, pen) = stage.script.next().await;
    pen.write(".");
    pen.end();
    assert_eq!(stage.ended(&ada).await.text, "Once upon a time.");
    assert!(stage.server.state.assistant.go_on(&ada, ID, answer.id).await.is_err(), "it is whole");
}

#[tokio::test]
async fn an_answer_whose_process_has_died_is_put_together_from_what_was_stored() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Once upon ");
    let turn = stage.newest(&ada).await.id;
    // Another process sees it as it is stored: until a save, nothing; then what was saved.
    let other = stage.other_process();
    let saved = async {
        loop {
            let shown = other.view(ID, Some("p-Ada")).await.expect("the store").expect("a conversation");
            let answer = shown.messages.last().cloned().expect("an answer");
            assert_eq!((answer.status, answer.run.is_none()), (Status::Running, true));
            if answer.text == "Once upon " {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), saved).await.expect("it is saved");
    other.end_abandoned().await.expect("the store");
    assert_eq!(stage.newest(&ada).await.status, Status::Running, "its process is alive");

    stage.lapse(turn).await;
    other.end_abandoned().await.expect("the store");
    let answer = other.view(ID, Some("p-Ada")).await.expect("the store").expect("a conversation").messages.pop();
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.text.as_str()), (Status::Interrupted, "Once upon "));
    // The run that was taken for dead finds out, and changes nothing any more.
    pen.write("nothing");
    pen.is_let_go().await;
    assert_eq!(stage.newest(&ada).await.text, "Once upon ");
}

#[tokio::test]
async fn an_answer_that_is_being_written_here_is_not_taken_for_dead_whatever_the_clock_says() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    stage.lapse(stage.newest(&ada).await.id).await;
    assistant.end_abandoned().await.expect("the store");
    pen.write("Once upon a time");
    pen.end();
    let answer = stage.ended(&ada).await;
    assert_eq!((answer.status, answer.text.as_str()), (Status::Complete, "Once upon a time"));
}

#[tokio::test]
async fn what_goes_on_after_a_crash_is_asked_of_the_model_that_was_chosen() {
    let chosen = Script::called("chosen");
    let stage = Stage::beside(chosen.clone()).await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    let question = Question {
        conversation: ID.into(),
        text: "Tell me".into(),
        client: "q1".into(),
        model: Some("chosen".into()),
        instead_of: None,
    };
    assistant.ask(&ada, question).await.expect("asked");
    let (_, pen) = chosen.next().await;
    assert_eq!(stage.newest(&ada).await.cost, None, "not before it has ended");
    let turn = stage.newest(&ada).await.id;
    stage.lapse(turn).await;
    stage.other_process().end_abandoned().await.expect("the store");
    pen.write("nothing");
    pen.is_let_go().await;
    let broken = stage.newest(&ada).await;
    assert_eq!((broken.id, broken.status), (turn, Status::Interrupted));
    assert_eq!(broken.cost.map(|cost| cost.model).as_deref(), Some("chosen"));
    assistant.go_on(&ada, ID, turn).await.expect("it goes on");
    chosen.next().await.1.end();
    assert_eq!(stage.ended(&ada).await.status, Status::Complete);
    assert_eq!(stage.script.times_asked(), 0);
}

#[tokio::test]
async fn what_an_answer_took_is_all_of_it_however_often_it_went_on() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    for (input_tokens, output_tokens) in [(7, 9), (20, 30), (100, 200)] {
        let (_, pen) = stage.script.next().await;
        pen.write("more ");
        pen.piece(Piece::Usage(Usage { input_tokens, output_tokens }));
        pen.piece(Piece::Stopped(Stop::TooLong));
        let answer = stage.ended(&ada).await;
        if input_tokens < 100 {
            stage.server.state.assistant.go_on(&ada, ID, answer.id).await.expect("it goes on");
        }
    }
    let cost = stage.newest(&ada).await.cost.expect("counted");
    assert_eq!((cost.model.as_str(), cost.input_tokens, cost.output_tokens), ("script", 127, 239));
    assert!(cost.first_ms > 0 && cost.total_ms >= cost.first_ms, "{cost:?}");
}

#[tokio::test]
async fn a_shutdown_waits_for_a_while_and_then_keeps_what_there_is() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Once upon");
    stage.follow(&stage.newest(&ada).await).until("upon").await;
    stage.server.state.runs.close(Duration::from_millis(10)).await;
    let answer = stage.newest(&ada).await;
    assert_eq!((answer.status, answer.text.as_str()), (Status::Interrupted, "Once upon"));
    pen.is_let_go().await;
}

#[tokio::test]
async fn deleting_a_conversation_stops_what_is_written_in_it() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Tell me").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    stage.server.state.assistant.delete(&ada, ID).await.expect("deleted");
    pen.is_let_go().await;
    assert!(stage.seen_by(&ada).await.is_none());
}
