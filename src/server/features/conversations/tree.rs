//! One's way in the tree of a conversation's turns. Pure.

use super::{ConversationError, TITLE_CHARS, TURNS_KEPT};
use crate::{
    server::{features::answer, model::Turn, store::conversations::TurnRow},
    wire::assistant::Status,
};

/// The turns from the first to this one, in order.
pub(super) fn path(turns: &[TurnRow], leaf: Option<u64>) -> Vec<&TurnRow> {
    let mut path = Vec::new();
    let mut next = leaf;
    // Parents are older: this comes to an end.
    while let Some(turn) = next.and_then(|id| turns.binary_search_by_key(&id, |turn| turn.id).ok()).map(|at| &turns[at])
    {
        path.push(turn);
        next = turn.parent.filter(|parent| *parent < turn.id);
    }
    path.reverse();
    path
}

/// The same, as a model is asked.
pub(super) fn turns_to(turns: &[TurnRow], leaf: Option<u64>) -> Vec<Turn> {
    let said = |turn: &&TurnRow| match turn.answer {
        true => answer::turns(&answer::from_json(&turn.parts, &[])),
        false => vec![Turn::user(question_of(turn))],
    };
    path(turns, leaf).iter().flat_map(said).collect()
}

pub(super) fn question_of(turn: &TurnRow) -> String {
    answer::text(&answer::from_json(&turn.parts, &[]))
}

/// After which turn a question comes: at the end, or where the one is that it replaces.
pub(super) fn place_of(
    turns: &[TurnRow],
    leaf: Option<u64>,
    instead_of: Option<u64>,
) -> Result<Option<u64>, ConversationError> {
    if turns.len() >= TURNS_KEPT {
        return Err(ConversationError::TooLong);
    }
    let Some(replaced) = instead_of else { return Ok(leaf) };
    let replaced = turns.iter().find(|turn| turn.id == replaced && !turn.answer).ok_or(ConversationError::Message)?;
    Ok(replaced.parent)
}

pub(super) fn find_answer(turns: &[TurnRow], id: u64) -> Result<&TurnRow, ConversationError> {
    turns.iter().find(|turn| turn.id == id && turn.answer).ok_or(ConversationError::Message)
}

/// Nothing follows an answer that is not whole, and one place has one answer at a time that is being written.
pub(super) fn check_free(turns: &[TurnRow], parent: Option<u64>) -> Result<(), ConversationError> {
    if turns.len() >= TURNS_KEPT {
        return Err(ConversationError::TooLong);
    }
    let before = path(turns, parent).into_iter().any(is_running);
    let beside = turns.iter().any(|turn| turn.answer && turn.parent == parent && is_running(turn));
    if before || beside { Err(ConversationError::Busy) } else { Ok(()) }
}

/// An answer goes on only while nothing is written that knows it as it is.
pub(super) fn check_goes_on(turns: &[TurnRow], answer: &TurnRow) -> Result<(), ConversationError> {
    let is_below = |turn: &&TurnRow| path(turns, Some(turn.id)).iter().any(|before| before.id == answer.id);
    if turns.iter().filter(|turn| is_running(turn)).any(|turn| is_below(&turn)) {
        return Err(ConversationError::Busy);
    }
    check_free(turns, answer.parent)
}

pub(super) fn is_running(turn: &TurnRow) -> bool {
    turn.status == Status::Running.name()
}

/// The end of what followed a turn last.
pub(super) fn newest_below(turns: &[TurnRow], from: u64) -> u64 {
    let mut leaf = from;
    while let Some(next) = turns.iter().rev().find(|turn| turn.parent == Some(leaf)) {
        leaf = next.id;
    }
    leaf
}

pub(super) fn title_of(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TITLE_CHARS - 1) {
        Some((end, _)) => [line[..end].trim_end(), "…"].concat(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(id: u64, parent: Option<u64>, answer: bool) -> TurnRow {
        TurnRow { id, parent, ..TurnRow::complete("c", answer) }
    }

    /// A question, its answer and another answer to it; after that a question, asked anew.
    fn tree() -> Vec<TurnRow> {
        vec![
            turn(1, None, false),
            turn(2, Some(1), true),
            turn(3, Some(1), true),
            turn(4, Some(2), false),
            turn(5, Some(4), true),
            turn(6, Some(2), false),
        ]
    }

    #[test]
    fn a_path_leads_from_the_first_question_to_the_newest_below() {
        let ids = |leaf| path(&tree(), leaf).iter().map(|turn| turn.id).collect::<Vec<_>>();
        assert_eq!(ids(Some(5)), [1, 2, 4, 5]);
        assert_eq!(ids(Some(3)), [1, 3]);
        assert!(ids(None).is_empty());
        assert_eq!((newest_below(&tree(), 1), newest_below(&tree(), 2), newest_below(&tree(), 4)), (3, 6, 5));
    }

    #[test]
    fn a_question_comes_at_the_end_or_where_the_replaced_one_is() {
        assert!(matches!(place_of(&tree(), Some(5), None), Ok(Some(5))));
        assert!(matches!(place_of(&tree(), Some(5), Some(4)), Ok(Some(2))));
        assert!(matches!(place_of(&tree(), Some(5), Some(1)), Ok(None)));
        assert!(matches!(place_of(&tree(), Some(5), Some(2)), Err(ConversationError::Message)));
    }

    #[test]
    fn one_place_has_one_answer_at_a_time_being_written() {
        let mut turns = tree();
        assert!(check_free(&turns, Some(1)).is_ok());
        turns[2].status = "running".into();
        assert!(matches!(check_free(&turns, Some(1)), Err(ConversationError::Busy)), "beside it");
        assert!(matches!(check_free(&turns, Some(3)), Err(ConversationError::Busy)), "after it");
        assert!(check_free(&turns, Some(4)).is_ok(), "elsewhere");
        turns[1].status = "running".into();
        assert!(matches!(check_free(&turns, Some(6)), Err(ConversationError::Busy)), "further on");
        turns = tree();
        turns[4].status = "running".into();
        assert!(matches!(check_goes_on(&turns, &turns[1]), Err(ConversationError::Busy)), "before it");
        assert!(check_goes_on(&turns, &turns[2]).is_ok(), "on another way");
    }

    #[test]
    fn a_title_is_one_line_and_not_too_long() {
        assert_eq!(title_of(" What\n is  this? "), "What is this?");
        assert_eq!(title_of(&"ä".repeat(200)).chars().count(), TITLE_CHARS);
    }
}
