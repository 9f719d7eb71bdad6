//! What a look at a conversation may cost.

use serde_json::json;

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
