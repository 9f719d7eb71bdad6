//! Makes of a conversation one that providers take. They refuse a call without its result and a result without its call,
//! which is what is left where an answer was stopped in the middle; a conversation that speaks of tools where there are
//! none; and one that is longer than the model reads. Pure.

use std::collections::{HashMap, HashSet};

use super::{Call, CallResult, Part, Role, Turn};

/// What a call that nobody has answered is answered with.
const NOT_DONE: &str = "This was not done: the answer was stopped.";

/// Each call has a result, right after it, and each result its call.
pub fn paired(turns: Vec<Turn>) -> Vec<Turn> {
    let mut paired: Vec<Turn> = Vec::with_capacity(turns.len());
    // The calls of the turn before, which the next one answers.
    let mut open: Vec<String> = Vec::new();
    for mut turn in turns {
        let mut answered = HashSet::new();
        turn.parts.retain(|part| match part {
            Part::Result(result) => open.contains(&result.call) && answered.insert(result.call.clone()),
            Part::Call(_) => turn.role == Role::Assistant,
            _ => true,
        });
        let missing: Vec<_> = open.drain(..).filter(|call| !answered.contains(call)).map(not_done).collect();
        match turn.role {
            Role::User => drop(turn.parts.splice(0..0, missing)),
            Role::Assistant if !missing.is_empty() => paired.push(Turn { role: Role::User, parts: missing }),
            Role::Assistant => {}
        }
        open.extend(calls(&turn).map(|call| call.id.clone()));
        if !turn.parts.is_empty() {
            paired.push(turn);
        }
    }
    if !open.is_empty() {
        paired.push(Turn { role: Role::User, parts: open.into_iter().map(not_done).collect() });
    }
    paired
}

/// The same conversation for a model without tools: what tools have said is told in words.
pub fn without_tools(turns: Vec<Turn>) -> Vec<Turn> {
    let names: HashMap<String, String> =
        turns.iter().flat_map(calls).map(|call| (call.id.clone(), call.name.clone())).collect();
    let told = |part| match part {
        Part::Call(_) | Part::Thinking { .. } => None,
        Part::Result(CallResult { call, output, .. }) => {
            let name = names.get(&call).map_or("a tool", String::as_str);
            Some(Part::Text(format!("[{name} says]\n{output}\n")))
        }
        text @ Part::Text(_) => Some(text),
    };
    let turns = turns
        .into_iter()
        .map(|Turn { role, parts }| Turn { role, parts: parts.into_iter().filter_map(told).collect() });
    turns.filter(|turn| !turn.parts.is_empty()).collect()
}

/// The newest turns that fit into so many tokens, and how many older ones are left out. It begins with what a person said,
/// so that no call is parted from its result; the last question stays however long it is.
pub fn fitting(mut turns: Vec<Turn>, tokens: u32) -> (Vec<Turn>, usize) {
    let mut begin = 0;
    let mut sum = 0_usize;
    for (at, turn) in turns.iter().enumerate().rev() {
        sum += tokens_of_turn(turn);
        if sum > tokens as usize && begin > 0 {
            break;
        }
        if turn.is_asked() {
            // Nought would mean that nothing has been found.
            begin = at + 1;
        }
    }
    let left_out = begin.saturating_sub(1);
    (turns.split_off(left_out), left_out)
}

/// About how many tokens a text is, and rather too many: three letters of a Western language or of code, or one of others.
pub fn tokens_of(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    ascii.div_ceil(3) + (text.chars().count() - ascii)
}

pub fn tokens_of_turn(turn: &Turn) -> usize {
    /// What a provider writes around each part.
    const AROUND: usize = 8;
    let of = |part: &Part| match part {
        Part::Text(text) | Part::Thinking { text, .. } => tokens_of(text),
        Part::Call(call) => tokens_of(&call.name) + tokens_of(&call.input.to_string()),
        Part::Result(result) => tokens_of(&result.output),
    };
    turn.parts.iter().map(|part| of(part) + AROUND).sum()
}

fn calls(turn: &Turn) -> impl Iterator<Item = &Call> {
    turn.parts.iter().filter_map(|part| match part {
        Part::Call(call) => Some(call),
        _ => None,
    })
}

fn not_done(call: String) -> Part {
    Part::Result(CallResult { call, output: NOT_DONE.into(), failed: true })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str) -> Part {
        Part::Call(Call { id: id.into(), name: "search".into(), input: json!({}) })
    }

    fn result(id: &str, output: &str) -> Part {
        Part::Result(CallResult { call: id.into(), output: output.into(), failed: false })
    }

    fn turn(role: Role, parts: Vec<Part>) -> Turn {
        Turn { role, parts }
    }

    #[test]
    fn a_call_that_was_never_answered_is_and_a_result_of_nothing_goes() {
        let asked = Turn::user("?");
        let turns = vec![
            asked.clone(),
            turn(Role::Assistant, vec![call("a"), call("b")]),
            turn(Role::User, vec![result("b", "2"), result("x", "of nothing"), result("b", "twice")]),
            turn(Role::Assistant, vec![call("c")]),
            Turn::assistant("on"),
            turn(Role::Assistant, vec![call("d")]),
        ];
        let expected = vec![
            asked,
            turn(Role::Assistant, vec![call("a"), call("b")]),
            turn(Role::User, vec![not_done("a".into()), result("b", "2")]),
            turn(Role::Assistant, vec![call("c")]),
            turn(Role::User, vec![not_done("c".into())]),
            Turn::assistant("on"),
            turn(Role::Assistant, vec![call("d")]),
            turn(Role::User, vec![not_done("d".into())]),
        ];
        assert_eq!(paired(turns), expected);
        assert_eq!(paired(expected.clone()), expected, "nothing more to do");
    }

    #[test]
    fn whoever_has_no_tools_is_told_what_they_said() {
        let turns =
            vec![Turn::user("?"), turn(Role::Assistant, vec![call("a")]), turn(Role::User, vec![result("a", "7")])];
        let told = without_tools(turns);
        assert_eq!(told, [Turn::user("?"), Turn::user("[search says]\n7\n")]);
    }

    #[test]
    fn what_does_not_fit_goes_by_whole_exchanges_from_the_oldest() {
        let long = "x".repeat(300);
        let turns = vec![
            Turn::user(&long),
            Turn::assistant(&long),
            Turn::user(&long),
            turn(Role::Assistant, vec![call("a")]),
            turn(Role::User, vec![result("a", &long)]),
            Turn::assistant(&long),
            Turn::user("and?"),
        ];
        let left = |tokens| {
            let (kept, left) = fitting(turns.clone(), tokens);
            assert!(kept.first().is_some_and(Turn::is_asked) && kept == turns[left..], "{kept:?}");
            left
        };
        assert_eq!([left(10_000), left(500), left(400), left(300), left(0)], [0, 2, 2, 6, 6]);
        let none = vec![turn(Role::User, vec![result("a", &long)])];
        assert_eq!(fitting(none.clone(), 1), (none, 0), "nothing to begin with: as it is");
        assert_eq!(fitting(Vec::new(), 1), (Vec::new(), 0));
    }

    #[test]
    fn letters_of_other_scripts_count_whole() {
        assert_eq!((tokens_of("abcdef"), tokens_of("世界"), tokens_of("")), (2, 2, 0));
    }
}
