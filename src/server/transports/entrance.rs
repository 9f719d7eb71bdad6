//! The way in of every live transport: which of the asked topics somebody may read, and with what right.

use axum::http::HeaderMap;

use super::carried::{Entering, Joining};
use crate::{
    server::{
        features::{conversations, keys::Action, rooms},
        session::{Asking, may},
        state::AppState,
        store::StoreError,
        topics::Access,
    },
    wire::{Topic, stream::RefusedCode, topic::Mark},
};

/// Which of these may be read. Those that are stored are in memory afterwards.
///
/// Whoever names the position they hold, or comes `back` by an id of the stream, has read the topic before: it was deleted, or
/// they left, while they were away. They are told that it is lost and go on with the others. If it is somebody's alone, a
/// visitor is not who they were: such a page is to be loaded anew. Whoever asks for the first time is refused as a whole.
pub async fn readable(
    state: &AppState,
    asking: &Asking,
    marks: Vec<Mark>,
    back: bool,
) -> Result<Entering, RefusedCode> {
    let (mut joining, mut lost) = (Vec::with_capacity(marks.len()), Vec::new());
    for mark in marks {
        // Taken before the look: a membership that ends in between ends this too.
        let membership = right(state, asking, &mark.topic).await?;
        match may(state, asking, Action::Read, &mark.topic).await {
            Ok(true) => {}
            Ok(false) if mark.position.is_none() && !back => return Err(RefusedCode::UnknownTopic),
            Ok(false) if is_personal(&mark.topic) && asking.key.is_none() => return Err(RefusedCode::SignedOut),
            Ok(false) => {
                lost.push(mark.topic);
                continue;
            }
            Err(error) => {
                tracing::error!(%error, topic = %mark.topic, "whether a topic may be read could not be found out");
                return Err(RefusedCode::Overloaded);
            }
        }
        state.topics.warm(&mark.topic).await.map_err(|error| {
            tracing::error!(%error, topic = %mark.topic, "a topic could not be read");
            RefusedCode::Overloaded
        })?;
        joining.push(Joining { mark, membership, presence: None });
    }
    // Whoever reads what is said in a room is there. Only now: one topic that is refused refuses them all.
    if let Some(visitor) = asking.visitor() {
        for Joining { mark, presence, .. } in &mut joining {
            if let Topic::Room { room } = &mark.topic {
                *presence = Some(state.presence.enter(room, &visitor));
            }
        }
    }
    Ok(Entering { joining, lost })
}

/// Whether nobody but one person ever reads it.
fn is_personal(topic: &Topic) -> bool {
    matches!(topic, Topic::User { .. } | Topic::Conversations { .. })
}

/// The right to this topic alone: by which somebody is in a room, reads what another shares, or what is written in a room. It
/// ends when that does. To be taken before one looks whether they may.
pub async fn right(state: &AppState, asking: &Asking, topic: &Topic) -> Result<Option<Access>, RefusedCode> {
    if let (Some(person), Some(room)) = (&asking.person, topic.room()) {
        return Ok(Some(state.door.access(&rooms::access(room.as_str(), &person.id))));
    }
    if let (Some(person), Topic::Run { id }) = (&asking.person, topic) {
        let room = state.store.room_of_run(id.as_str()).await.map_err(|error| unknown(&error, topic))?;
        // What is written in a room is a member's for as long as the room is.
        if let Some(room) = room {
            return Ok(Some(state.door.access(&rooms::access(&room, &person.id))));
        }
    }
    let conversation = match topic {
        Topic::Conversation { id } => state.store.conversation(id.as_str()).await,
        Topic::Run { id } => state.store.conversation_of_run(id.as_str()).await,
        _ => return Ok(None),
    };
    let conversation = conversation.map_err(|error| unknown(&error, topic))?;
    let foreign = conversation.filter(|row| !asking.talks_in(row));
    Ok(foreign.map(|row| state.door.access(&conversations::access(&row.id))))
}

fn unknown(error: &StoreError, topic: &Topic) -> RefusedCode {
    tracing::error!(%error, %topic, "whose a topic is could not be looked up");
    RefusedCode::Overloaded
}

/// Whether a page of this origin may open a connection with its visitor's cookie: our own, or one that is allowed.
/// Programs that are no browsers name none.
pub fn welcome(state: &AppState, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get("origin") else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").is_some_and(|(_, place)| Some(place) == host);
    own || state.config.allowed_origins.iter().any(|allowed| allowed == origin)
}

/// Whether the request comes from a page of another site: its cookie is not looked at.
pub fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    match (text("origin"), text("host")) {
        (Some(origin), host) => origin.split_once("://").map(|(_, place)| place) != host,
        (None, _) => false,
    }
}
