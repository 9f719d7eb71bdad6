//! How the tab's connection is, in words that people see and in a word that tests wait for.

use leptos::prelude::*;

/// How the tab's connection is, for a component: idle on the server and in the first rendering, which have to be the
/// same, then as it is.
pub fn use_connection() -> ReadSignal<ConnectionState> {
    let (state, set_state) = signal(ConnectionState::Idle);
    super::effect(move |_| set_state.set(super::tab::connection().get()));
    state
}

/// Shown by every live component.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ConnectionState {
    /// The page is as the server rendered it; nothing has been asked for yet.
    #[default]
    Idle,
    Connecting,
    Live,
    Reconnecting {
        seconds: u32,
    },
    Offline,
    /// By the person, with a button.
    Cut,
    /// Hidden for a while: connected again as soon as it is looked at.
    Resting,
    /// The server said no, and why.
    Refused(String),
}

impl ConnectionState {
    /// The value of `data-connection`.
    pub fn attribute(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Offline => "offline",
            Self::Cut => "cut",
            Self::Resting => "resting",
            Self::Refused(_) => "refused",
        }
    }

    pub fn words(&self) -> String {
        match self {
            Self::Idle => "not live yet".into(),
            Self::Connecting => "connecting".into(),
            Self::Live => "live".into(),
            Self::Reconnecting { seconds: 0 } => "reconnecting".into(),
            Self::Reconnecting { seconds } => ["reconnecting in ", &seconds.to_string(), " s"].concat(),
            Self::Offline => "offline".into(),
            Self::Cut => "cut by you".into(),
            Self::Resting => "resting while hidden".into(),
            Self::Refused(why) => ["refused: ", why].concat(),
        }
    }
}
