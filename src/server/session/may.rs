//! The door: who may do what with a topic. The only place that decides, for pages, server functions, snapshots, replay and
//! live delivery alike.

use super::Asking;
use crate::{
    server::{
        features::{
            self,
            keys::{self, Action},
        },
        state::AppState,
        store::{
            self, StoreError,
            conversations::ConversationRow,
            jobs::{JobRow, Owner},
        },
    },
    wire::Topic,
};

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

    /// Whether this conversation is theirs; of a program, whether it is its owner's and its key is for it.
    pub fn talks_in(&self, conversation: &ConversationRow) -> bool {
        let Some(owner) = &conversation.owner else { return false };
        match (&self.person, &self.key) {
            (Some(person), _) => *owner == Owner::Person(person.id.clone()),
            (None, Some(key)) => {
                let topic = features::conversations::topic(&conversation.id);
                let may = |topic: &Topic| key.allows(Action::Read, topic) || key.allows(Action::Publish, topic);
                *owner == features::jobs::owner_of_key(key) && topic.is_ok_and(|topic| may(&topic))
            }
            (None, None) => false,
        }
    }
}
