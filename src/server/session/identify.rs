//! Finds out who is asking: a layer of the router, around pages and `/api/`.
//!
//! A visitor is known by a signed cookie that holds a session's id and nothing else. Only documents (page loads) mint
//! one: a stream or a script that comes without a cookie stays nobody, so two tabs never end up as two people.

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::SignedCookieJar;

use super::{
    Asking, Source,
    cookie::{COOKIE, cookie},
};
use crate::{
    components::bell::BellSeed,
    server::{
        config::{client_address, network},
        features::{
            keys, notifications,
            people::{self, newcomer},
        },
        http_error,
        state::AppState,
        store::people::Person,
        transports::listener::Peer,
    },
};

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
