//! What is asked or answered anew stands beside what was there: nothing is lost.

use super::stage::{ID, Stage};

#[tokio::test]
async fn an_answer_that_is_written_again_is_another_version_and_the_first_can_be_shown_again() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("First");
    pen.end();
    let first = stage.ended(&ada).await;
    assistant.again(&ada, ID, first.id, None).await.expect("again");
    let (prompt, pen) = stage.script.next().await;
    assert_eq!(prompt.turns.len(), 1, "without the answer there was");
    pen.write("Second");
    pen.end();
    let second = stage.ended(&ada).await;
    assert_eq!((second.text.as_str(), second.version, second.versions), ("Second", 2, 2));
    assert_eq!((second.previous, second.next), (Some(first.id), None));
    assistant.choose(&ada, ID, first.id).await.expect("chosen");
    let shown = stage.newest(&ada).await;
    assert_eq!((shown.text.as_str(), shown.version, shown.next), ("First", 1, Some(second.id)));
}

#[tokio::test]
async fn a_question_asked_anew_keeps_the_path_that_followed_the_old_one() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    for (client, question) in [("q1", "One?"), ("q2", "Two?")] {
        stage.ask(&ada, client, question).await.expect("asked");
        let (_, pen) = stage.script.next().await;
        pen.write(question);
        pen.end();
        stage.ended(&ada).await;
    }
    let before = stage.view(&ada).await;
    stage.ask_instead(&ada, "q3", "Other?", Some(before.messages[0].id)).await.expect("asked");
    let (prompt, pen) = stage.script.next().await;
    assert_eq!(prompt.turns.len(), 1);
    pen.end();
    stage.ended(&ada).await;
    let after = stage.view(&ada).await;
    assert_eq!((after.messages.len(), after.messages[0].text.as_str()), (2, "Other?"));
    assert_eq!((after.messages[0].version, after.messages[0].versions), (2, 2));
    assistant.choose(&ada, ID, before.messages[0].id).await.expect("chosen");
    let shown: Vec<_> = stage.view(&ada).await.messages.into_iter().map(|message| message.id).collect();
    assert_eq!(shown, before.messages.iter().map(|message| message.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_answer_in_the_middle_that_goes_on_hides_nothing_of_what_followed_it() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Half");
    pen.fail(tidemark::server::model::ModelError::Broken);
    let half = stage.ended(&ada).await;
    stage.ask(&ada, "q2", "Two?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.end();
    stage.ended(&ada).await;
    let ids = async || stage.view(&ada).await.messages.into_iter().map(|message| message.id).collect::<Vec<_>>();
    let before = ids().await;
    assistant.go_on(&ada, ID, half.id).await.expect("it goes on");
    let (_, pen) = stage.script.next().await;
    assert_eq!(ids().await, before);
    pen.end();
}
