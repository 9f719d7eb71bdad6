//! Tools: those that read are used at once, those that change something ask first.

use serde_json::{Value, json};
use tidemark::{
    server::model::{Call, Part, Piece, Stop, Usage},
    wire::assistant::{Message, Status, ToolState, ToolUse},
};

use super::{
    script::Pen,
    stage::{ID, Stage},
};

fn wants(pen: Pen, name: &str, input: Value) {
    pen.piece(Piece::Call(Call { id: "c1".into(), name: name.into(), input }));
    pen.piece(Piece::Stopped(Stop::Tools));
}

fn tool(message: &Message) -> ToolUse {
    message.parts.iter().find_map(|part| part.tool.clone()).expect("a tool")
}

/// What the model is given back.
fn result(prompt: &tidemark::server::model::Prompt) -> (String, bool) {
    let last = prompt.turns.last().and_then(|turn| turn.parts.last()).expect("a turn");
    let Part::Result(result) = last else { panic!("{last:?}") };
    (result.output.clone(), result.failed)
}

#[tokio::test]
async fn a_tool_that_reads_is_used_at_once_and_the_answer_goes_on() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Who welcomed us?").await.expect("asked");
    let (prompt, pen) = stage.script.next().await;
    let names: Vec<_> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["search_messages", "read_guide", "start_job"]);
    pen.write("Let me look.");
    wants(pen, "read_guide", json!({ "question": "What does a reset mean?" }));
    let (prompt, pen) = stage.script.next().await;
    let (output, failed) = result(&prompt);
    assert!(!failed && output.contains("reset"), "{output}");
    pen.write("It means to look again.");
    pen.end();
    let answer = stage.ended(&ada).await;
    assert_eq!(answer.text, "Let me look.\n\nIt means to look again.");
    assert_eq!((answer.status, tool(&answer).state), (Status::Complete, ToolState::Done));
    assert_eq!(tool(&answer).title, "Look up “What does a reset mean?” in the documentation");
}

#[tokio::test]
async fn a_tool_that_changes_something_waits_for_a_yes_and_is_used_once() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    tidemark::server::features::rooms::found(&stage.server.state.store).await.expect("a lobby");
    let jobs = stage.server.begin_jobs();
    stage.ask(&ada, "q1", "Export the lobby").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    wants(pen, "start_job", json!({ "kind": "export", "room": "lobby" }));
    let waiting = stage.ended(&ada).await;
    assert_eq!((waiting.status, tool(&waiting).state), (Status::Waiting, ToolState::Waiting));
    assert_eq!(tool(&waiting).title, "Export the room “lobby”");
    assert!(assistant.decide(&ada, ID, waiting.id, "c2", true).await.is_err(), "there is no such call");
    let eve = stage.person("Eve").await;
    assert!(assistant.decide(&eve, ID, waiting.id, "c1", true).await.is_err(), "it is not hers to say");
    let both = tokio::join!(
        assistant.decide(&ada, ID, waiting.id, "c1", true),
        assistant.decide(&ada, ID, waiting.id, "c1", true)
    );
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    let (prompt, pen) = stage.script.next().await;
    let (output, failed) = result(&prompt);
    assert!(!failed && output.contains("/jobs/"), "{output}");
    pen.write("It is there.");
    pen.end();
    let answer = stage.ended(&ada).await;
    assert_eq!((answer.id, answer.status, tool(&answer).state), (waiting.id, Status::Complete, ToolState::Done));
    drop(jobs);
}

#[tokio::test]
async fn a_tool_that_takes_long_does_not_end_its_answer() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    tidemark::server::features::rooms::found(&stage.server.state.store).await.expect("a lobby");
    stage.ask(&ada, "q1", "Export the lobby").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    wants(pen, "start_job", json!({ "kind": "export", "room": "lobby" }));
    let turn = stage.ended(&ada).await.id;
    // Nobody does jobs here yet: it waits.
    assistant.decide(&ada, ID, turn, "c1", true).await.expect("decided");
    stage.lapse(turn).await;
    let renewed = async {
        while stage.stored(turn).await.lease_ms == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), renewed).await.expect("its process is heard of");
    assert_eq!(stage.newest(&ada).await.status, Status::Running);
    let jobs = stage.server.begin_jobs();
    let (prompt, pen) = stage.script.next().await;
    assert!(!result(&prompt).1, "{prompt:?}");
    pen.end();
    assert_eq!(stage.ended(&ada).await.status, Status::Complete);
    drop(jobs);
}

#[tokio::test]
async fn calls_that_some_server_gives_the_same_name_stay_apart() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "What is it?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    wants(pen, "read_guide", json!({ "question": "What does a reset mean?" }));
    let (_, pen) = stage.script.next().await;
    wants(pen, "no_such_tool", json!({}));
    let (prompt, pen) = stage.script.next().await;
    let results = prompt.turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| match part {
        Part::Result(result) => Some((result.call.as_str(), result.failed)),
        _ => None,
    });
    let results: Vec<_> = results.collect();
    assert!(matches!(results[..], [("c1", false), (other, true)] if other != "c1"), "{results:?}");
    pen.end();
    let answer = stage.ended(&ada).await;
    let titles: Vec<_> = answer.parts.iter().filter_map(|part| part.tool.as_ref()).map(|tool| &*tool.title).collect();
    assert_eq!(titles, ["Look up “What does a reset mean?” in the documentation", "Use no_such_tool"]);
    // Nor those of an answer and the next.
    stage.ask(&ada, "q2", "And this?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    wants(pen, "no_such_tool", json!({}));
    stage.script.next().await.1.end();
    assert_ne!(tool(&stage.ended(&ada).await).id, "c1");
}

#[tokio::test]
async fn a_no_is_told_to_the_model_and_nothing_is_done() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "Export the lobby").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    wants(pen, "start_job", json!({ "kind": "export", "room": "lobby" }));
    let waiting = stage.ended(&ada).await;
    assistant.decide(&ada, ID, waiting.id, "c1", false).await.expect("decided");
    let (prompt, pen) = stage.script.next().await;
    assert!(result(&prompt).1, "it failed, as far as the model is told");
    pen.end();
    assert_eq!(tool(&stage.ended(&ada).await).state, ToolState::Declined);
}

#[tokio::test]
async fn what_models_ask_for_wrongly_is_told_to_them_and_they_do_not_ask_for_ever() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Try").await.expect("asked");
    for (name, input) in [("no_such_tool", json!({})), ("read_guide", json!("text")), ("search_messages", json!(null))]
    {
        let (_, pen) = stage.script.next().await;
        pen.piece(Piece::Call(Call { id: format!("c-{name}"), name: name.into(), input }));
        pen.piece(Piece::Stopped(Stop::Tools));
    }
    let mut number = 0;
    let (prompt, mut pen) = stage.script.next().await;
    assert!(result(&prompt).1, "{prompt:?}");
    while stage.newest(&ada).await.status == Status::Running {
        number += 1;
        assert!(number < 20, "it does not end");
        pen.piece(Piece::Call(Call { id: format!("d{number}"), name: "no_such_tool".into(), input: json!({}) }));
        pen.piece(Piece::Stopped(Stop::Tools));
        if stage.script.times_asked() >= 8 {
            break;
        }
        pen = stage.script.next().await.1;
    }
    let answer = stage.ended(&ada).await;
    assert_eq!(answer.status, Status::Failed);
    assert!(answer.error.is_some_and(|error| error.contains("8 times")));
}

fn results(prompt: &tidemark::server::model::Prompt) -> Vec<(String, bool)> {
    let results = prompt.turns.last().expect("a turn").parts.iter().filter_map(|part| match part {
        Part::Result(result) => Some((result.output.clone(), result.failed)),
        _ => None,
    });
    results.collect()
}

#[tokio::test]
async fn so_many_calls_at_once_and_so_much_of_what_tools_say_and_the_model_is_told() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "Look everything up").await.expect("asked");
    let (mut said, mut enough) = (0, false);
    let (_, mut pen) = stage.script.next().await;
    for round in 0..7 {
        pen.write("Let me look. ");
        for number in 0..9 {
            let input = json!({ "question": "How does a stream resume after a position?" });
            pen.piece(Piece::Call(Call { id: format!("c{round}-{number}"), name: "read_guide".into(), input }));
        }
        pen.piece(Piece::Stopped(Stop::Tools));
        let (prompt, next) = stage.script.next().await;
        let results = results(&prompt);
        assert_eq!(results.len(), 9, "each has a result");
        assert!(results[8].1 && results[8].0.contains("too many tools were asked for at once"), "{:?}", results[8]);
        said += results.iter().filter(|(_, failed)| !failed).map(|(output, _)| output.len()).sum::<usize>();
        enough = results[7].1 && results[7].0.contains("as much as they may in one answer");
        if enough {
            next.write("That is all.");
            next.end();
            break;
        }
        pen = next;
    }
    assert!(enough && (60_000..82_000).contains(&said), "{said}");
    assert_eq!(stage.ended(&ada).await.status, Status::Complete);
}

#[tokio::test]
async fn tokens_that_are_spent_in_the_middle_end_the_answer_before_the_next_round() {
    let stage = Stage::with(|config| config.assistant.tokens_a_day_per_address = 100).await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "What does a reset mean?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.piece(Piece::Usage(Usage { input_tokens: 60, output_tokens: 60 }));
    wants(pen, "read_guide", json!({ "question": "What does a reset mean?" }));
    let answer = stage.ended(&ada).await;
    assert_eq!((answer.status, stage.script.times_asked()), (Status::Failed, 1));
    let error = answer.error.clone().expect("why");
    assert!(error.starts_with("People at your network address have used all tokens of the day"), "{error}");
    assert_eq!(tool(&answer).state, ToolState::Done, "what was found stays");
}

#[tokio::test]
async fn a_decision_that_cannot_be_followed_now_is_not_made() {
    let stage = Stage::with(|config| config.assistant.requests_a_minute_per_address = 4).await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "Export the lobby").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    wants(pen, "start_job", json!({ "kind": "export", "room": "lobby" }));
    let waiting = stage.ended(&ada).await;
    // The budget of a minute lets one in at once: another is too fast.
    assert!(assistant.decide(&ada, ID, waiting.id, "c1", true).await.is_err());
    let still = stage.newest(&ada).await;
    assert_eq!((still.status, tool(&still).state), (Status::Waiting, ToolState::Waiting), "it can be decided later");
}

#[tokio::test]
async fn a_tool_that_was_running_when_its_process_died_is_not_used_again_unasked() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "Export the lobby").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    wants(pen, "start_job", json!({ "kind": "export", "room": "lobby" }));
    let waiting = stage.ended(&ada).await.id;
    let died = |row: &mut tidemark::server::store::conversations::TurnRow| {
        row.parts = row.parts.replace("waiting", "running");
        (row.status, row.lease_ms) = ("running".into(), 0);
    };
    stage.change(waiting, died).await;
    assistant.end_abandoned().await.expect("the store");
    let broken = stage.newest(&ada).await;
    assert_eq!((broken.status, tool(&broken).state), (Status::Interrupted, ToolState::Failed));
    assistant.go_on(&ada, ID, broken.id).await.expect("it goes on");
    let (prompt, pen) = stage.script.next().await;
    assert!(result(&prompt).1, "{prompt:?}");
    pen.end();
    assert_eq!(tool(&stage.ended(&ada).await).state, ToolState::Failed);
}
