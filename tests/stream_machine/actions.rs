//! What may happen to a stream, in any order, as strategies.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::site::TOPICS;

#[derive(Clone, Debug)]
pub enum Action {
    Publish {
        topic: usize,
        text: String,
        times: usize,
    },
    RemoveKey,
    /// The clock goes on, in milliseconds.
    Pass(u64),
    /// The shell asks what to do; opens a new stream if there is none.
    Step,
    /// All that was written arrives.
    Deliver,
    /// The connection breaks after some of the bytes that are under way.
    Cut(Index),
    Subscribe(Vec<(usize, Start)>),
    Unsubscribe(usize),
    Drain,
    Sweep,
}

#[derive(Clone, Copy, Debug)]
pub enum Start {
    Now,
    /// The very beginning, which may be kept or not.
    Beginning,
    Head,
    AheadOfHead,
    OtherEpoch,
}

pub fn actions() -> impl Strategy<Value = Vec<Action>> {
    vec(action(), 1..80)
}

pub fn starts() -> impl Strategy<Value = Vec<(usize, Start)>> {
    let start = prop_oneof![
        4 => Just(Start::Now),
        2 => Just(Start::Beginning),
        2 => Just(Start::Head),
        1 => Just(Start::AheadOfHead),
        1 => Just(Start::OtherEpoch),
    ];
    vec((0..TOPICS, start), 1..5)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        20 => (0..TOPICS, text(), 1..4usize).prop_map(|(topic, text, times)| Action::Publish { topic, text, times }),
        // More than a ring holds, and more than a write does.
        1 => (2..TOPICS).prop_map(|topic| Action::Publish { topic, text: "burst".into(), times: 1_100 }),
        1 => (0..TOPICS).prop_map(|topic| Action::Publish { topic, text: "wide ".repeat(5_000), times: 4 }),
        3 => Just(Action::RemoveKey),
        6 => (0..400u64).prop_map(Action::Pass),
        20 => Just(Action::Step),
        6 => Just(Action::Deliver),
        4 => any::<Index>().prop_map(Action::Cut),
        3 => starts().prop_map(Action::Subscribe),
        2 => (0..TOPICS).prop_map(Action::Unsubscribe),
        1 => Just(Action::Drain),
        3 => Just(Action::Sweep),
    ]
}

/// Everything that could break a line, a frame or JSON.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ab][0-9]",
        "[\r\n\0:\u{2028}\u{85}\"\\\\ x]{0,12}",
        Just("a\r\n\r\nevent: reset\ndata: {}\n\n".to_owned()),
        Just("\n\nid: feed@0000000000000000:1\n\n".to_owned()),
    ]
}
