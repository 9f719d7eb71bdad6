//! What a look at a conversation sees, and what it may cost.

use std::time::Duration;

use serde_json::json;
use tidemark::wire::assistant::Status;

use super::stage::Stage;

#[tokio::test]
async fn the_newest_code_is_coloured_and_there_is_an_end_to_it_in_one_look() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    let mut answers = Vec::new();
    for number in 0..4 {
        stage.ask(&ada, &format!("q{number}"), "Code?").await.expect("asked");
        let (_, pen) = stage.script.next().await;
        pen.write("Here.");
        pen.end();
        answers.push(stage.ended(&ada).await.id);
    }
    // Nobody has looked at this yet.
    for answer in answers {
        let code = format!("```rust\nlet x{answer} = {};\n```\n", "a+".repeat(1_490));
        let parts = json!([{ "type": "text", "text": code }]).to_string();
        stage.change(answer, |row| row.parts = parts).await;
    }
    let look = async || {
        let answers = stage.view(&ada).await.messages.into_iter().filter(|message| message.answer);
        answers.map(|answer| answer.parts[0].blocks[0].contains("class=\"hl-")).collect::<Vec<_>>()
    };
    assert_eq!(look().await, [false, false, true, true]);
    assert_eq!(look().await, [true; 4], "what is remembered takes no time");
}

/// To a page, an answer that is running and that nobody writes is one that it cannot follow: it would take back that it has
/// ended, and tell of it twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_is_followed_until_it_has_ended_whenever_one_looks() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    for number in 0..12 {
        stage.ask(&ada, &format!("q{number}"), "And?").await.expect("asked");
        let (_, pen) = stage.script.next().await;
        pen.write("So.");
        let look = async || {
            let mut looks = 0;
            loop {
                let newest = stage.newest(&ada).await;
                looks += 1;
                if newest.status != Status::Running {
                    return looks;
                }
                assert!(newest.run.is_some(), "{number}: at look {looks}");
            }
        };
        let end = async {
            tokio::time::sleep(Duration::from_millis(3)).await;
            pen.end();
        };
        tokio::join!(look(), look(), look(), end);
    }
}
