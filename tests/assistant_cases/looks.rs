//! What a look at a conversation may cost.

use super::stage::Stage;

#[tokio::test]
async fn the_newest_code_is_coloured_and_there_is_an_end_to_it_in_one_look() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    for number in 0..4 {
        stage.ask(&ada, &format!("q{number}"), "Code?").await.expect("asked");
        let (_, pen) = stage.script.next().await;
        pen.write(&format!("```rust\nlet x = {};\n```\n", "a+".repeat(1_490)));
        pen.end();
        stage.ended(&ada).await;
    }
    let answers = stage.view(&ada).await.messages.into_iter().filter(|message| message.answer);
    let coloured: Vec<_> = answers.map(|answer| answer.parts[0].blocks[0].contains("class=\"hl-")).collect();
    assert_eq!(coloured, [false, false, true, true]);
}
