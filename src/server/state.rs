//! What handlers and server functions share: one `Arc` of everything, cloned cheaply.

use std::{sync::Arc, time::SystemTime};

use axum::extract::FromRef;
use axum_extra::extract::cookie::Key;
use leptos::prelude::LeptosOptions;

use super::{
    assets::Assets,
    config::Config,
    connections::Connections,
    door::Door,
    features::{chat::Chats, conversations::Assistant, feed::Feed, presence::Presence, runs::Runs, sign_in::Post},
    jobs::Jobs,
    plain_forms::Typed,
    rate_limit::Writes,
    store::Store,
    topics::Topics,
};

#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

pub struct Shared {
    pub config: Config,
    pub leptos: LeptosOptions,
    pub assets: Assets,
    pub topics: Arc<Topics>,
    pub store: Store,
    /// Answers of the language model.
    pub chats: Arc<Chats>,
    /// Conversations with it.
    pub assistant: Arc<Assistant>,
    /// Answers that are being written.
    pub runs: Arc<Runs>,
    /// What goes on in the background.
    pub jobs: Arc<Jobs>,
    pub door: Arc<Door>,
    /// Who is in which room.
    pub presence: Arc<Presence>,
    /// How sign-in links reach people.
    pub post: Arc<Post>,
    /// How fast who may write.
    pub writes: Arc<Writes>,
    /// Signs the cookies.
    pub key: Key,
    pub connections: Arc<Connections>,
    pub feed: Arc<Feed>,
    /// Whether there is an inspector.
    pub inspector: bool,
    /// What was typed into plain forms that failed.
    pub typed: Typed,
    pub started: SystemTime,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Much of it, and the key is a secret.
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl AppState {
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Whether this is a developer's own machine.
    pub fn development(&self) -> bool {
        self.leptos.env == leptos::config::Env::DEV
    }

    /// Where people reach us, for links in mails: never what a request claims, or anybody could mail links elsewhere.
    pub fn base_url(&self) -> String {
        match self.config.public_url.as_str() {
            "" => format!("http://{}", self.leptos.site_addr),
            url => url.trim_end_matches('/').to_owned(),
        }
    }

    /// The same for whoever is being answered, who gets it and nobody else: where nothing is configured, the name by which
    /// they have reached us.
    pub fn base_url_for_asker(&self) -> String {
        let parts = leptos::prelude::use_context::<axum::http::request::Parts>();
        let host = parts.and_then(|parts| Some(parts.headers.get("host")?.to_str().ok()?.to_owned()));
        match host.filter(|_| self.config.public_url.is_empty()) {
            Some(host) => format!("http://{host}"),
            None => self.base_url(),
        }
    }

    /// The state of the server that runs this server function or renders this page.
    pub fn current() -> Self {
        leptos::prelude::expect_context()
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
