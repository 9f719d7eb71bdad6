//! Who is asking, and the door: who may do what with a topic. The only place that decides, for pages, server
//! functions, snapshots, replay and live delivery alike.
//!
//! A visitor is known by a signed cookie that holds a session's id and nothing else. Only documents (page loads) mint
//! one: a stream or a script that comes without a cookie stays nobody, so two tabs never end up as two people.

use std::path::Path;

use anyhow::Context;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::{
    config::{client_address, network},
    features::{
        self,
        keys::{self, Action},
        notifications,
        people::{self, newcomer},
    },
    http_error,
    state::AppState,
    store::{
        self, StoreError,
        conversations::ConversationRow,
        jobs::{JobRow, Owner},
        people::Person,
    },
    topics::Access,
    transports::listener::Peer,
};
use crate::{
    components::bell::BellSeed,
    error::{AppError, ErrorKind},
    wire::{Topic, person::Visitor},
};

const COOKIE: &str = "tidemark_session";

/// As long as browsers keep a cookie (400 days), in seconds.
const COOKIE_SECONDS: i64 = 400 * 24 * 60 * 60;

/// Where the key of the cookies' signatures is, in the data folder, unless the configuration names one.
const KEY_FILE: &str = "session.key";

/// The key has this many bytes.
pub const KEY_BYTES: usize = 64;

/// Where a visitor's IP address, as configured, is: what limits count as one.
#[derive(Clone, Debug)]
pub struct Source(pub String);

/// Who sent a request.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// The id that the cookie holds. A secret.
    pub session: Option<String>,
    pub person: Option<Person>,
    /// The person is not written down: one of more newcomers from one address than are welcome at once.
    pub unwritten: bool,
    /// What the bell on a page starts from. Of those who load one.
    pub bell: Option<BellSeed>,
    /// A program that shows an API key. It is nobody in particular.
    pub key: Option<keys::Key>,
    /// Ends with the session or the key.
    pub access: Option<Access>,
    /// Where the request came from: what [`Source`] holds.
    pub address: String,
}

/// What one may not read does not exist, as far as one is told. Everyone may read the feed, and the inspector where it
/// is switched on. Notifications are for their person alone, and for programs whose key says so. Channels are open to
/// everyone, but for those whose name begins with `private-`: those take a key. Only programs publish.
///
/// Rooms are open to everyone, but for the private ones: those are for their members, and for programs whose key names
/// them (a key from a page is worth no more than the person who made it). Who speaks in a room as a person does so with a
/// command (`transports/ws/commands.rs`), which looks at the same in its write. What the assistant writes in a room is read
/// by whoever reads the room.
pub async fn may(state: &AppState, asking: &Asking, action: Action, topic: &Topic) -> Result<bool, StoreError> {
    let by_key = || asking.key.as_ref().is_some_and(|key| key.allows(action, topic));
    Ok(match (action, topic) {
        (Action::Read, Topic::Room { room } | Topic::Presence { room } | Topic::Typing { room }) => {
            reads_room(state, asking, room.as_str(), by_key()).await?
        }
        (Action::Publish, Topic::Room { room }) if by_key() => {
            let Some(found) = state.store.room(room.as_str()).await? else { return Ok(false) };
            !found.private || is_ours(asking) || belongs(state, asking, room.as_str()).await?
        }
        (Action::Publish, Topic::Room { .. } | Topic::Presence { .. } | Topic::Typing { .. }) => false,
        (Action::Read, Topic::Feed) => true,
        (Action::Read, Topic::Inspector) => state.inspector,
        (Action::Read, Topic::User { id }) => {
            asking.person.as_ref().is_some_and(|person| person.id == id.to_string()) || by_key()
        }
        (Action::Read, Topic::Conversations { person: whose }) => {
            asking.person.as_ref().is_some_and(|person| person.id == whose.as_str())
        }
        (Action::Read, Topic::Job { id }) => match state.store.job(id.as_str()).await? {
            Some((row, _)) => asking.reads(&row),
            None => false,
        },
        (Action::Publish, Topic::Job { .. }) => false,
        (Action::Read, Topic::Conversation { id }) => match state.store.conversation(id.as_str()).await? {
            Some(row) => row.shared || asking.talks_in(&row),
            None => false,
        },
        (Action::Read, Topic::Run { id }) => match state.store.conversation_of_run(id.as_str()).await? {
            Some(row) => row.shared || asking.talks_in(&row),
            None => match state.store.room_of_run(id.as_str()).await? {
                Some(room) => {
                    let topic = features::rooms::topic(&room).ok();
                    let by_key = asking.key.as_ref().zip(topic).is_some_and(|(key, topic)| key.allows(action, &topic));
                    reads_room(state, asking, &room, by_key).await?
                }
                None => false,
            },
        },
        (Action::Publish, Topic::Conversation { .. } | Topic::Conversations { .. } | Topic::Run { .. }) => false,
        (Action::Read, Topic::Channel { name, .. }) => !name.to_string().starts_with(keys::PRIVATE) || by_key(),
        (Action::Publish, Topic::Channel { .. } | Topic::User { .. }) => by_key(),
        (Action::Publish, Topic::Feed | Topic::Inspector) => false,
    })
}

/// Whether what is said in this room may be read. `by_key` is whether a key says so, if one is shown.
async fn reads_room(state: &AppState, asking: &Asking, room: &str, by_key: bool) -> Result<bool, StoreError> {
    let Some(found) = state.store.room(room).await? else { return Ok(false) };
    let known = asking.person.is_some() || by_key;
    Ok(!found.private || known && (is_ours(asking) || belongs(state, asking, room).await?))
}

/// Whether whoever asks is a member of this room; a key stands for the person who made it, as far as its grants go.
async fn belongs(state: &AppState, asking: &Asking, room: &str) -> Result<bool, StoreError> {
    let by_key = || asking.key.as_ref().and_then(|key| key.person.as_deref());
    match asking.person.as_ref().map(|person| person.id.as_str()).or_else(by_key) {
        Some(person) => state.store.is_member(room, person).await,
        None => Ok(false),
    }
}

/// Whether a program shows a key from the command line: whoever made it may everything.
fn is_ours(asking: &Asking) -> bool {
    asking.key.as_ref().is_some_and(|key| key.person.is_none())
}

impl Asking {
    /// Whether this job is theirs to see: their own, or any for a program whose key from the command line says so. A key
    /// that may have jobs done sees those of its owner.
    pub fn reads(&self, job: &JobRow) -> bool {
        if self.person.as_ref().is_some_and(|person| job.owner == Owner::Person(person.id.clone())) {
            return true;
        }
        let (Some(key), Some(topic)) = (&self.key, store::jobs::topic(&job.id)) else { return false };
        let reads = key.allows(Action::Read, &topic);
        let owns = features::jobs::owner_of_key(key) == job.owner;
        owns && (reads || key.allows(Action::Publish, &topic)) || reads && key.person.is_none()
    }

    /// Whether this conversation is theirs.
    pub fn talks_in(&self, conversation: &ConversationRow) -> bool {
        let Some(owner) = &conversation.owner else { return false };
        match (&self.person, &self.key) {
            (Some(person), _) => *owner == Owner::Person(person.id.clone()),
            (None, Some(key)) => *owner == features::jobs::owner_of_key(key),
            (None, None) => false,
        }
    }

    /// How the visitor is shown on a page.
    pub fn visitor(&self) -> Option<Visitor> {
        let Person { id, name, hue, .. } = self.person.clone()?;
        Some(Visitor { id, name, hue })
    }

    /// Who is asking, for what takes a person.
    pub fn person(self) -> Result<Person, AppError> {
        let nobody = || AppError::new(ErrorKind::Invalid, "Load the page again: your session has ended.");
        if self.unwritten {
            let words = "Many people have come from your address just now. Try again in a minute.";
            return Err(AppError::new(ErrorKind::Busy, words));
        }
        self.person.ok_or_else(nobody)
    }

    /// Where the request that is being answered came from: an IP address.
    pub fn source() -> String {
        let parts = use_context::<axum::http::request::Parts>();
        parts.and_then(|parts| parts.extensions.get::<Source>().cloned()).map_or_else(String::new, |source| source.0)
    }

    /// What tells this one from others, for limits; nothing of somebody without a session or a key.
    pub fn name(&self) -> Option<String> {
        // However many keys and tabs somebody has, they are one; who is not written down is their address.
        let person = self.person.as_ref().filter(|_| !self.unwritten).map(|person| person.id.as_str());
        let person = person.or_else(|| self.key.as_ref()?.person.as_deref());
        let key = || self.key.as_ref().map(|key| keys::Key::access(&key.id));
        person.map(|person| format!("person {person}")).or_else(key)
    }

    /// Who loads the page or calls the server function that is being rendered.
    pub fn current() -> Self {
        let parts = use_context::<axum::http::request::Parts>();
        parts.and_then(|parts| parts.extensions.get::<Self>().cloned()).unwrap_or_default()
    }
}

/// Finds out who is asking, and introduces those who load a page for the first time.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/") || request.uri().path() == "/ws";
    let document = !api && is_document(request.method(), request.headers());
    // A page that a script or a prefetch asks for is rendered for whoever it is, but introduces nobody.
    if !document && !api && !accepts_html(request.headers()) {
        return next.run(request).await;
    }
    let source = source(&state, &request);
    request.extensions_mut().insert(Source(source.clone()));
    if let Some(shown) = bearer(request.headers()) {
        return match program(&state, shown).await {
            Ok(asking) => {
                request.extensions_mut().insert(Asking { address: source, ..asking });
                next.run(request).await
            }
            Err(refused) => refused,
        };
    }
    let jar = SignedCookieJar::from_headers(request.headers(), state.key.clone());
    let held = jar.get(COOKIE).map(|cookie| cookie.value().to_owned());
    let mut asking = Asking { address: source.clone(), ..Asking::default() };
    let mut renewed = false;
    if let Some(session) = held {
        // Taken before the look at the session: one that ends in between ends this too.
        let access = state.door.access(&session);
        let welcome = || state.writes.ask(&format!("newcomers from {source}")).is_none();
        match people::identify(&state.store, &session, document, welcome).await {
            Ok(Some(found)) => {
                renewed = found.noted;
                asking.unwritten = !found.stored;
                asking.session = Some(session);
                asking.person = Some(found.person);
                asking.access = Some(access);
            }
            // Signed out: nobody again.
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "a session could not be looked up");
                return http_error::unavailable().into_response();
            }
        }
    }
    if !document {
        request.extensions_mut().insert(asking);
        return next.run(request).await;
    }
    let minted = asking.session.is_none().then(|| format!("{:032x}", rand::random::<u128>()));
    if let Some(session) = &minted {
        asking.person = Some(newcomer(session));
        asking.access = Some(state.door.access(session));
        asking.session = minted.clone();
    }
    asking.bell = bell(&state, asking.person.as_ref()).await;
    // A browser that comes back keeps its cookie for as long again.
    let given = minted.or_else(|| asking.session.clone().filter(|_| renewed));
    request.extensions_mut().insert(asking);
    let response = next.run(request).await;
    match given {
        Some(session) => (jar.add(cookie(session, state.config.secure_cookies)), response).into_response(),
        None => response,
    }
}

/// A page without a bell is better than none.
async fn bell(state: &AppState, person: Option<&Person>) -> Option<BellSeed> {
    let person = &person?.id;
    let topic = notifications::topic(person)?;
    match notifications::unread(&state.store, person).await {
        Ok((unread, position)) => Some(BellSeed { topic, unread, position }),
        Err(error) => {
            tracing::error!(%error, "the unread notifications could not be counted");
            None
        }
    }
}

/// From the next request on, the browser that is being answered has this session.
pub fn become_(state: &AppState, session: &str) {
    let jar = SignedCookieJar::from_headers(&HeaderMap::new(), state.key.clone());
    let signed = jar.add(cookie(session.to_owned(), state.config.secure_cookies)).into_response();
    let set = signed.headers().get(header::SET_COOKIE).cloned();
    if let (Some(set), Some(response)) = (set, use_context::<ResponseOptions>()) {
        response.append_header(header::SET_COOKIE, set);
    }
}

fn source(state: &AppState, request: &Request) -> String {
    let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
    let forwarded = forwarded.and_then(|value| value.to_str().ok());
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    peer.map_or_else(String::new, |ConnectInfo(Peer(peer))| {
        network(client_address(state.config.client_address, peer.ip(), forwarded)).to_string()
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer ")).map(|_| value[7..].trim())
}

/// Who shows this API key. A key that is wrong is an error even where none is needed: its owner wants to know.
async fn program(state: &AppState, shown: &str) -> Result<Asking, Response> {
    match keys::find(&state.store, shown).await {
        Ok(Some(key)) => {
            // Asked again with the access in hand: a key that is revoked in between ends it.
            let access = state.door.access(&keys::Key::access(&key.id));
            match keys::find(&state.store, shown).await {
                Ok(Some(key)) => Ok(Asking { key: Some(key), access: Some(access), ..Asking::default() }),
                _ => Err(http_error::unauthorized("there is no such API key, or it has been revoked")),
            }
        }
        Ok(None) => Err(http_error::unauthorized("there is no such API key, or it has been revoked")),
        Err(error) => {
            tracing::error!(%error, "an API key could not be looked up");
            Err(http_error::unavailable())
        }
    }
}

fn cookie(session: String, secure: bool) -> Cookie<'static> {
    Cookie::build((COOKIE, session))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(time::Duration::seconds(COOKIE_SECONDS))
        .build()
}

/// A page load. Browsers that say what a request is for are believed; of the others, those that accept HTML.
fn is_document(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let purpose = text(header::HeaderName::from_static("sec-fetch-dest"));
    // A page that is fetched in case it is wanted is not a visit.
    let prefetched = text(header::HeaderName::from_static("sec-purpose")).is_some_and(|text| text.contains("prefetch"));
    let html = purpose.map_or_else(|| accepts_html(headers), |purpose| purpose == "document");
    *method == Method::GET && html && !prefetched
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// The key of the configuration, else the one in the data folder, which is made when there is none. It is readable by
/// its owner only: who knows it can be anybody.
pub fn key(configured: &str, data_dir: &Path) -> anyhow::Result<Key> {
    if !configured.is_empty() {
        return decode(configured)
            .with_context(|| format!("tidemark.session_key: {} hexadecimal digits", KEY_BYTES * 2));
    }
    let file = data_dir.join(KEY_FILE);
    match std::fs::read_to_string(&file) {
        Ok(hex) => decode(hex.trim()).with_context(|| format!("{} is damaged; restore or remove it", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key: [u8; KEY_BYTES] = std::array::from_fn(|_| rand::random());
            write_secret(&file, &key.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
                .with_context(|| format!("{} cannot be written", file.display()))?;
            Ok(Key::from(&key))
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

fn decode(hex: &str) -> Option<Key> {
    let digits = hex.len() == KEY_BYTES * 2 && hex.is_ascii();
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
    digits.then(|| bytes.collect::<Option<Vec<_>>>()).flatten().map(|bytes| Key::from(&bytes))
}

/// Complete or not there at all, and never readable by others.
fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let new = file.with_extension("new");
    let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(new, file)
}
