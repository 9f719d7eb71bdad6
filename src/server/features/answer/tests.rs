//! What an answer promises: what is told is what is shown, what is stored in pieces is the whole, and a model sees what it
//! wrote with what came of it.

use super::{Answer, Kept, from_json, shown, to_json, turns};
use crate::{
    server::{
        markdown::{self, Effort},
        model::{CallResult, Part as Said, Role},
    },
    wire::{
        assistant::{ToolState, ToolUse},
        markdown::Patch,
    },
};

fn tool(state: ToolState) -> ToolUse {
    ToolUse {
        id: "c1".into(),
        name: "search-messages".into(),
        title: "Search".into(),
        input: r#"{"words":"tide"}"#.into(),
        output: "three".into(),
        state,
    }
}

fn an_answer() -> Answer {
    let mut answer = Answer::default();
    answer.add_thinking("Hm");
    answer.add_thinking(".");
    answer.sign_thinking("s".into());
    answer.add_text("Let me ");
    answer.add_text("look.");
    answer.set_tool(tool(ToolState::Running));
    answer.set_tool(tool(ToolState::Done));
    answer.add_text("There are\n\nthree.");
    answer
}

#[test]
fn what_is_told_and_what_is_shown_are_the_same_however_often_it_is_told() {
    let mut answer = Answer::default();
    let mut seen: Vec<Vec<String>> = Vec::new();
    let mut follow = |answer: &mut Answer| {
        for event in answer.tell() {
            seen.resize(seen.len().max(event.part as usize + 1), Vec::new());
            event.patches.into_iter().for_each(|patch: Patch| patch.apply(&mut seen[event.part as usize]));
        }
    };
    answer.add_text("# One\n\nTwo **th");
    follow(&mut answer);
    answer.add_text("ree**\n\n```rust\nfn main() {}\n");
    answer.set_tool(tool(ToolState::Running));
    answer.add_text("after");
    follow(&mut answer);
    answer.close();
    follow(&mut answer);
    let shown: Vec<_> = shown(answer.parts(), &mut Effort::default()).into_iter().map(|part| part.blocks).collect();
    assert_eq!(seen, shown);
    assert!(answer.is_told());
}

#[test]
fn what_goes_on_is_shown_as_it_was_and_each_thought_keeps_its_own_mark() {
    let mut answer = Answer::default();
    answer.add_text("```rust\nfn main() {}\n```");
    answer.set_tool(tool(ToolState::Waiting));
    answer.close();
    let before = shown(answer.parts(), &mut Effort::default());
    assert!(before[0].blocks[0].contains("hl-"), "{:?}", before[0].blocks);
    let mut answer = Answer::begun(answer.parts().to_vec());
    assert_eq!(answer.view(), before);
    answer.add_thinking("Hm.");
    answer.sign_thinking("one".into());
    answer.sign_thinking("redacted two".into());
    answer.add_text("So");
    answer.sign_thinking("three".into());
    let marks = answer.parts().iter().map(|part| match part {
        Kept::Thinking { text, signature } => [text, " ", signature.as_deref().unwrap_or("none")].concat(),
        _ => "-".to_owned(),
    });
    assert_eq!(marks.collect::<Vec<_>>(), ["-", "-", "Hm. one", " redacted two", "-", " three"]);
}

#[test]
fn in_a_room_all_of_it_is_one_text_and_told_as_it_is_shown_in_the_end() {
    let (mut text, mut seen) = (String::new(), Vec::new());
    let mut answer = Answer::whole("> @Ada: why?\n\n");
    let mut follow = |answer: &mut Answer| {
        for event in answer.tell() {
            text.push_str(&event.text);
            event.patches.into_iter().for_each(|patch: Patch| patch.apply(&mut seen));
        }
    };
    follow(&mut answer);
    for piece in ["\n ", "\u{202e}Let **me", "** look.", "\n\n```\ncode\n"] {
        answer.add_text(piece);
        follow(&mut answer);
    }
    answer.add_thinking("Hm.");
    answer.set_tool(tool(ToolState::Running));
    answer.set_tool(tool(ToolState::Done));
    answer.add_text("```\n\n- three\n- of");
    follow(&mut answer);
    answer.add_text(" them");
    answer.close();
    follow(&mut answer);
    let whole = ["> @Ada: why?\n\n", &super::text(answer.parts())].concat();
    assert_eq!(text, whole);
    assert!(whole.contains("?\n\nLet **me** look.") && whole.contains("\n\n\n```"), "{whole:?}");
    assert_eq!(seen, markdown::render(&whole));
}

#[test]
fn what_is_stored_piece_by_piece_is_the_whole() {
    let mut answer = an_answer();
    let first = answer.take_unsaved().expect("something");
    assert_eq!(answer.take_unsaved(), None);
    answer.add_text(" More.");
    let chunks = [first, answer.take_unsaved().expect("more")];
    assert_eq!(from_json("[]", &chunks), answer.parts());
    assert_eq!(from_json(&to_json(answer.parts()), &[]), answer.parts());
}

#[test]
fn a_model_is_shown_what_it_wrote_and_each_call_with_its_result() {
    let turns = turns(an_answer().parts());
    let roles: Vec<_> = turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::Assistant, Role::User, Role::Assistant]);
    assert!(matches!(&turns[0].parts[..], [Said::Thinking { .. }, Said::Text(_), Said::Call(_)]), "{turns:?}");
    assert!(matches!(&turns[1].parts[..], [Said::Result(CallResult { failed: false, .. })]), "{turns:?}");
    for state in [ToolState::Waiting, ToolState::Declined] {
        let mut answer = Answer::default();
        answer.set_tool(tool(state));
        let turns = super::turns(answer.parts());
        assert!(matches!(&turns[1].parts[..], [Said::Result(CallResult { failed: true, .. })]), "{turns:?}");
    }
}
