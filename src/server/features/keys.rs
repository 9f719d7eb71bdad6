//! API keys: what programs show instead of a cookie. Shown once, stored as a hash, limited to topics and actions.

use std::{fmt, str::FromStr, sync::Arc};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    people::passes_for_the_house,
    text::{is_harmful, is_visible},
};
use crate::{
    server::{
        door::Door,
        store::{Store, StoreError, keys::KeyRow},
    },
    wire::{Topic, topic::Segment},
};

/// So that a key is recognised where it should not be: in logs, in repositories.
const PREFIX: &str = "tmk_";

/// A channel whose name begins so takes a key to be read.
pub const PRIVATE: &str = "private-";

/// A key's name is at most this long, in characters; it may have so many grants.
const NAME_CHARS: usize = 60;
const GRANTS: usize = 20;

/// Nobody has more living keys than this.
const KEYS_A_PERSON: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See events, history and snapshots.
    Read,
    Publish,
}

/// `publish:channel/shop/*`: an action, and a topic or all that begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub action: Action,
    pattern: String,
}

/// A living key, as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    /// What it is for: what its messages are signed with.
    pub name: String,
    pub grants: Vec<Grant>,
    /// Who made it on a page; none if it was made on the command line.
    pub person: Option<String>,
}

#[derive(Debug, Error)]
pub enum KeyError {
    #[error("a grant is written as publish:channel/shop/* or read:user/1f…, not {0:?}")]
    Grant(String),
    #[error("a key has one to {GRANTS} grants")]
    Grants,
    #[error("a key's name has one to {NAME_CHARS} characters")]
    Name,
    /// What a program says in a room stands under its key's name.
    #[error("that name is reserved")]
    Reserved,
    #[error("you have {KEYS_A_PERSON} keys; revoke one first")]
    TooMany,
    #[error(
        "you may grant reading channels, publishing to your own (channel/YOUR-ID/…), rooms, jobs, conversations and your own \
         topic, not {0}"
    )]
    NotYours(Grant),
    #[error("there is no such key, or it has been revoked")]
    Unknown,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Key {
    pub fn allows(&self, action: Action, topic: &Topic) -> bool {
        // Anybody may make a key on a page, so such a key opens no private channel but those of its maker's own app.
        // Nor does it publish to any others, or anybody could forge what a program says.
        let foreign = |app: &Segment| self.person.as_ref().is_some_and(|person| app.as_str() != *person);
        if let Topic::Channel { app, name } = topic
            && (action == Action::Publish || name.as_str().starts_with(PRIVATE))
            && foreign(app)
        {
            return false;
        }
        let topic = topic.to_string();
        self.grants.iter().any(|grant| grant.action == action && grant.covers(&topic))
    }

    /// Whether it may talk with the assistant: whoever made it pays, and owns the conversations.
    pub fn may_talk(&self) -> bool {
        // Which conversation it will be is not known yet; grants cover all of them, or none that is new.
        let any = Segment::new(&format!("{:032x}", rand::random::<u128>()));
        any.is_ok_and(|id| self.allows(Action::Publish, &Topic::Conversation { id }))
    }

    /// The name of its access at the door.
    pub fn access(id: &str) -> String {
        format!("key {id}")
    }
}

impl Grant {
    fn covers(&self, topic: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(prefix) => topic.starts_with(prefix),
            None => topic == self.pattern,
        }
    }
}

impl FromStr for Grant {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bad = || KeyError::Grant(text.chars().take(200).collect());
        let (action, pattern) = text.split_once(':').ok_or_else(bad)?;
        let action = match action {
            "read" => Action::Read,
            "publish" => Action::Publish,
            _ => return Err(bad()),
        };
        // A pattern that no topic can match would be a silent mistake.
        let example = match pattern.strip_suffix('*') {
            Some(prefix) if prefix.ends_with('/') => match prefix.matches('/').count() {
                1 if prefix == "channel/" => format!("{prefix}a/b"),
                _ => format!("{prefix}a"),
            },
            Some(_) => return Err(bad()),
            None => pattern.to_owned(),
        };
        example.parse::<Topic>().map_err(|_| bad())?;
        Ok(Self { action, pattern: pattern.to_owned() })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match self.action {
            Action::Read => "read",
            Action::Publish => "publish",
        };
        write!(f, "{action}:{}", self.pattern)
    }
}

/// Makes a key and returns it, which nobody can do again. `person` makes it on a page, and may grant channels and
/// what is theirs; the command line may grant anything.
pub async fn create(store: &Store, name: &str, grants: &str, person: Option<&str>) -> Result<String, KeyError> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARS || !is_visible(&name) || name.chars().any(is_harmful) {
        return Err(KeyError::Name);
    }
    if person.is_some() && passes_for_the_house(&name) {
        return Err(KeyError::Reserved);
    }
    let grants = parse(grants)?;
    if !(1..=GRANTS).contains(&grants.len()) {
        return Err(KeyError::Grants);
    }
    if let Some(person) = person {
        let own = format!("user/{person}");
        // Of private rooms a key opens those of its maker: the door looks.
        let open = |grant: &Grant| {
            let kinds = ["channel/", "room/", "presence/", "typing/", "job/", "conversation/"];
            kinds.iter().any(|kind| grant.pattern.starts_with(kind))
        };
        let app = format!("channel/{person}/");
        let theirs = |grant: &Grant| match grant.action {
            Action::Publish if grant.pattern.starts_with("channel/") => grant.pattern.starts_with(&app),
            _ => open(grant) || grant.pattern == own,
        };
        if let Some(foreign) = grants.iter().find(|grant| !theirs(grant)) {
            return Err(KeyError::NotYours(foreign.clone()));
        }
    }
    let key = format!("{PREFIX}{:032x}{:016x}", rand::random::<u128>(), rand::random::<u64>());
    let row = KeyRow {
        id: format!("{:012x}", rand::random::<u64>() >> 16),
        name,
        person: person.map(str::to_owned),
        grants: grants.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        created_ms: 0,
        revoked_ms: None,
    };
    let hash = hash(&key);
    let written = store.write::<_, KeyError, _>(move |tx| {
        Box::pin(async move {
            if let Some(person) = &row.person
                && tx.living_keys(person).await? >= KEYS_A_PERSON
            {
                return Err(KeyError::TooMany);
            }
            Ok(tx.add_key(&row, &hash).await?)
        })
    });
    written.await?;
    Ok(key)
}

/// The living key that was shown as this text.
pub async fn find(store: &Store, text: &str) -> Result<Option<Key>, KeyError> {
    if !text.starts_with(PREFIX) || text.len() > 100 {
        return Ok(None);
    }
    let Some(row) = store.key_by_hash(&hash(text)).await? else { return Ok(None) };
    Ok(Some(Key { id: row.id, name: row.name, grants: parse(&row.grants)?, person: row.person }))
}

/// Ends a key, and what is being delivered by it. A person may end their own only.
pub async fn revoke(store: &Store, door: &Arc<Door>, id: &str, person: Option<&str>) -> Result<(), KeyError> {
    let (key, owner) = (id.to_owned(), person.map(str::to_owned));
    let revoked =
        store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.revoke_key(&key, owner.as_deref()).await }));
    if !revoked.await? {
        return Err(KeyError::Unknown);
    }
    door.close(&[Key::access(id)]);
    Ok(())
}

fn parse(grants: &str) -> Result<Vec<Grant>, KeyError> {
    grants.split([' ', ',', '\n', '\r']).filter(|word| !word.is_empty()).map(str::parse).collect()
}

fn hash(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_its_topic_or_those_that_begin_alike_and_one_action() {
        let grants = parse("publish:channel/shop/* read:user/7").unwrap();
        let key = Key { id: String::new(), name: String::new(), grants, person: None };
        let allows = |action, topic: &str| key.allows(action, &topic.parse().unwrap());
        assert!(allows(Action::Publish, "channel/shop/orders") && allows(Action::Read, "user/7"));
        for (action, topic) in [
            (Action::Read, "channel/shop/orders"),
            (Action::Publish, "channel/shopping/orders"),
            (Action::Publish, "channel/other/orders"),
            (Action::Publish, "user/7"),
            (Action::Read, "user/77"),
        ] {
            assert!(!allows(action, topic), "{topic}");
        }
    }

    #[test]
    fn a_key_that_anybody_could_make_opens_no_private_channel_of_others() {
        let grants = parse("read:channel/*").unwrap();
        let key = Key { id: String::new(), name: String::new(), grants, person: Some("7".into()) };
        let allows = |topic: &str| key.allows(Action::Read, &topic.parse().unwrap());
        assert!(allows("channel/acme/orders") && allows("channel/7/private-orders"));
        assert!(!allows("channel/acme/private-orders"));
        let publishing = Key { grants: parse("publish:channel/*").unwrap(), ..key.clone() };
        let publishes = |topic: &str| publishing.allows(Action::Publish, &topic.parse().unwrap());
        assert!(publishes("channel/7/orders") && !publishes("channel/acme/orders"));
    }

    #[test]
    fn a_grant_reads_back_as_it_was_written_and_what_can_match_nothing_is_refused() {
        for text in ["publish:channel/*", "publish:channel/shop/*", "read:user/*", "read:feed"] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
        for text in ["", "publish", "write:feed", "read:", "read:*", "read:chan*", "read:nothing", "read:user/a/*"] {
            assert!(matches!(text.parse::<Grant>(), Err(KeyError::Grant(_))), "{text}");
        }
    }
}
