//! What goes into a key's schedule and what comes out of it: plain values.

use std::rc::Rc;

use super::rules::{Rules, Value};

/// Why there is no newer data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The answer's status; 0 if the server could not be reached.
    pub status: u16,
    /// For people.
    pub message: String,
}

pub enum Input {
    /// A component begins. `first` is its value from server rendering; `initial` says that it had no other key before.
    Mount {
        id: u32,
        rules: Rc<Rules>,
        first: Option<Value>,
        initial: bool,
    },
    Unmount(u32),
    /// The time that [`Schedule::next_wake`] named has come.
    Tick,
    Focus,
    Visible,
    Hidden,
    Online,
    Offline,
    Answered {
        request: u32,
        answer: Answer,
        advised_ms: Option<u32>,
    },
    /// Somebody wants it anew, whatever was asked just now.
    Revalidate,
    /// A change is under way.
    Mutate {
        mutation: u32,
        optimistic: Option<Value>,
    },
    Mutated {
        mutation: u32,
        outcome: Outcome,
        revalidate: bool,
    },
}

#[derive(Clone)]
pub enum Answer {
    Data(Value),
    /// What the last answer with data said (304, or the same text again).
    Same,
    Failed {
        failure: Failure,
        retry_after_ms: Option<f64>,
    },
}

/// What came of a change.
pub enum Outcome {
    Data(Value),
    /// It is done; what there is now, the next answer says.
    Done,
    Failed {
        rollback: bool,
    },
}

/// For the shell: first cancel, then ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    pub cancel: Option<u32>,
    pub ask: Option<u32>,
}

/// What a component shows.
#[derive(Clone)]
pub struct Shown {
    pub data: Option<Value>,
    pub error: Option<Failure>,
    pub is_loading: bool,
    pub is_validating: bool,
}
