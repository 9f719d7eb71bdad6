//! The door: who may do what with a topic. The only place that decides, for pages, server functions, snapshots,
//! replay and live delivery alike.

use super::state::AppState;
use crate::wire::Topic;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See events, history and snapshots.
    Read,
}

/// Everyone may read the feed, and the inspector where it is switched on. Nobody may yet read channels: there is no
/// way to publish to them from outside. What one may not read does not exist, as far as one is told.
pub fn may(state: &AppState, action: Action, topic: &Topic) -> bool {
    match (action, topic) {
        (Action::Read, Topic::Feed) => true,
        (Action::Read, Topic::Inspector) => state.inspector,
        (Action::Read, Topic::Channel { .. }) => false,
    }
}
