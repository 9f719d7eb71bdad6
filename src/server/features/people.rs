//! Who people are: a visitor has a name and a colour from the first page on, and a row from the second request on, so
//! that crawlers and half-loaded pages leave nothing behind. Both come from the session's id, so the first page and
//! the row agree, and two first requests at once are one person.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_security::{GeneralSecurityProfile, skeleton};

use super::keys::Key;
use crate::server::{
    door::Door,
    store::{
        Store, StoreError, Tx, now_ms,
        people::{Found, Person},
    },
};

/// A name is at most this long, in characters.
pub const NAME_CHARS: usize = 32;

/// A letter bears at most so many combining marks: enough for every language, too few to climb out of the line.
const MARKS: u32 = 2;

/// That somebody is still about is noted after this many milliseconds: a day.
const SEEN_MS: i64 = 24 * 60 * 60 * 1_000;

/// Names that would be taken for the house's own.
const RESERVED: [&str; 9] =
    ["tidemark", "assistant", "system", "server", "admin", "administrator", "moderator", "support", "everyone"];

#[derive(Debug, Error)]
pub enum NameError {
    #[error("a name needs at least one letter or digit")]
    Empty,
    #[error("a name has at most {NAME_CHARS} characters")]
    TooLong,
    #[error("a name cannot hold this character: {0}")]
    Character(String),
    #[error("that name is reserved")]
    Reserved,
    #[error("somebody has that name already, or one that looks the same")]
    Taken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A name that people may have, and what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub skeleton: String,
}

impl Name {
    /// Trims, folds spaces into one and composes accents; refuses what is invisible, turns the reading direction or
    /// belongs to no alphabet in use (Unicode TR39, *General Security Profile*), and what would pass for the house.
    pub fn new(text: &str) -> Result<Self, NameError> {
        // Bounded before anything else is done with it.
        if text.len() > NAME_CHARS * 16 {
            return Err(NameError::TooLong);
        }
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect();
        if text.chars().count() > NAME_CHARS {
            return Err(NameError::TooLong);
        }
        let allowed = |c: char| c == ' ' || c.identifier_allowed() || "!&()+,/?".contains(c);
        if let Some(stray) = text.chars().find(|c| !allowed(*c)) {
            return Err(NameError::Character(stray.escape_default().to_string()));
        }
        if !text.chars().any(char::is_alphanumeric) {
            return Err(NameError::Empty);
        }
        let marks = text.nfd().fold((0, 0), |(run, most): (u32, u32), c| {
            let run = if is_combining_mark(c) { run + 1 } else { 0 };
            (run, most.max(run))
        });
        if marks.1 > MARKS {
            return Err(NameError::Character("more than two marks on a letter".to_owned()));
        }
        let skeleton = skeleton_of(&text);
        if looks_like(&text, &RESERVED) {
            return Err(NameError::Reserved);
        }
        Ok(Self { text, skeleton })
    }
}

/// Whether a name would be taken for that of who writes in rooms for the house.
pub(super) fn passes_for_the_house(name: &str) -> bool {
    looks_like(name, &RESERVED[..2])
}

/// Whether a name is or begins like one of these, or has it among its words.
fn looks_like(text: &str, names: &[&str]) -> bool {
    let skeleton = skeleton_of(text);
    let words = text.split(|c: char| !c.is_alphanumeric()).map(skeleton_of);
    let taken = words.chain([skeleton.clone()]).any(|word| names.iter().any(|name| skeleton_of(name) == word));
    // "admin1" is no other than "admin".
    let begins = names.iter().any(|name| skeleton.starts_with(&skeleton_of(name)));
    taken || begins
}

/// Equal for texts that look alike. Case is folded before and after: some letters only look alike in one of them.
pub(super) fn skeleton_of(text: &str) -> String {
    let folded: String = text.nfkc().collect::<String>().to_lowercase();
    let folded: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    // Folding has made an `i` of what looks like an `l`: they are one letter here, and so is the digit.
    skeleton(&folded).collect::<String>().to_lowercase().replace(['l', '1'], "i").replace('0', "o")
}

/// Who a session's visitor is before anything is stored.
pub fn newcomer(session: &str) -> Person {
    let digest = Sha256::digest(session);
    let pick = |words: &[&'static str], byte: usize| words[usize::from(digest[byte]) % words.len()];
    let hue = (u16::from(digest[2]) << 8 | u16::from(digest[3])) % 360;
    let number = u16::from(digest[4]) % 90 + 10;
    // Not the session's id, which is a secret, nor anything that leads back to it.
    let id = digest[8..24].iter().map(|byte| format!("{byte:02x}")).collect();
    Person { id, name: format!("{} {} {number}", pick(&QUALITIES, 0), pick(&ANIMALS, 1)), hue, email: None }
}

/// Who somebody is, and whether it was noted just now that they are still about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    pub person: Person,
    pub noted: bool,
    /// Whether they are written down; a newcomer who is not has nothing to change yet.
    pub stored: bool,
}

/// Who this session is, written down if that has not happened yet. Nothing if it was signed out.
///
/// `visit` is whether a page is being loaded: that they were here is noted once a day.
/// `welcome` says whether one more may be written down now; whoever is not stays a newcomer, of whom nothing is kept.
pub async fn identify(
    store: &Store,
    session: &str,
    visit: bool,
    welcome: impl FnOnce() -> bool,
) -> Result<Option<Identified>, StoreError> {
    let known = |person, stored| Ok(Some(Identified { person, noted: false, stored }));
    match store.session(session).await? {
        Found::Person { person, seen_ms } if !visit || now_ms() - seen_ms < SEEN_MS => return known(person, true),
        Found::Revoked => return Ok(None),
        // A session that was forgotten, of a person who is not: its cookie is worth nothing any more.
        Found::Unknown if store.person_known_as(None, &newcomer(session).id).await?.is_some() => {
            // Unless both were written just now.
            return match store.session(session).await? {
                Found::Person { person, .. } => known(person, true),
                Found::Revoked | Found::Unknown => Ok(None),
            };
        }
        Found::Unknown if !welcome() => return known(newcomer(session), false),
        Found::Person { .. } | Found::Unknown => {}
    }
    let session = session.to_owned();
    store
        .write(move |tx| {
            Box::pin(async move {
                // Another request of the same browser may have been faster.
                match tx.session(&session).await? {
                    Found::Person { person, seen_ms } => {
                        let noted = visit && tx.now_ms - seen_ms >= SEEN_MS;
                        if noted {
                            tx.see_session(&session).await?;
                        }
                        Ok(Some(Identified { person, noted, stored: true }))
                    }
                    Found::Revoked => Ok(None),
                    Found::Unknown if tx.person(&newcomer(&session).id).await?.is_some() => Ok(None),
                    Found::Unknown => {
                        Ok(Some(Identified { person: add(tx, &session).await?, noted: false, stored: true }))
                    }
                }
            })
        })
        .await
}

async fn add(tx: &mut Tx, session: &str) -> Result<Person, StoreError> {
    let mut person = newcomer(session);
    let base = person.name.clone();
    for number in 2.. {
        let skeleton = skeleton_of(&person.name);
        if tx.name_is_free(&skeleton, &person.id).await? {
            tx.add_person(&person, &skeleton).await?;
            break;
        }
        person.name = format!("{base} {number}");
    }
    tx.add_session(session, &person.id).await?;
    Ok(person)
}

/// Gives a person another name.
pub async fn rename(store: &Store, person: &str, name: &str) -> Result<String, NameError> {
    let name = Name::new(name)?;
    let person = person.to_owned();
    store
        .write(move |tx| {
            Box::pin(async move {
                if !tx.name_is_free(&name.skeleton, &person).await? {
                    return Err(NameError::Taken);
                }
                tx.rename(&person, &name.text, &name.skeleton).await?;
                Ok(name.text)
            })
        })
        .await
}

/// Ends all sessions, unused links and keys of a person: no cookie is worth anything afterwards, and no stream carries anything more.
pub async fn sign_out_everywhere(store: &Store, door: &Arc<Door>, person: &str) -> Result<(), StoreError> {
    let person = person.to_owned();
    let ended = store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            // Links and keys are ways back in.
            tx.spend_links(&person).await?;
            let keys = tx.revoke_keys(&person).await?;
            let mut ended = tx.revoke_sessions(&person).await?;
            ended.extend(keys.iter().map(|key| Key::access(key)));
            Ok(ended)
        })
    });
    door.close(&ended.await?);
    Ok(())
}

const QUALITIES: [&str; 32] = [
    "Amber", "Bold", "Brave", "Bright", "Calm", "Clever", "Coral", "Curious", "Dapper", "Eager", "Gentle", "Golden",
    "Happy", "Hasty", "Ivory", "Jolly", "Keen", "Lively", "Lucky", "Mellow", "Merry", "Nimble", "Patient", "Proud",
    "Quick", "Quiet", "Rapid", "Silver", "Sunny", "Swift", "Warm", "Witty",
];

const ANIMALS: [&str; 32] = [
    "Auk", "Bass", "Coot", "Crab", "Crane", "Cod", "Dolphin", "Dunlin", "Eel", "Egret", "Gannet", "Gull", "Heron",
    "Herring", "Limpet", "Lobster", "Mussel", "Newt", "Octopus", "Otter", "Oyster", "Pelican", "Petrel", "Plover",
    "Puffin", "Ray", "Salmon", "Seal", "Shrimp", "Tern", "Turtle", "Whelk",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied() {
        assert_eq!(Name::new("  Ada   Lovelace\n").unwrap().text, "Ada Lovelace");
        assert_eq!(Name::new("Zoe\u{308}").unwrap().text, "Zoë");
        for name in ["Ада", "田中さん", "O'Neill", "Jean-Luc", "R2 D2"] {
            assert_eq!(Name::new(name).unwrap().text, name);
        }
    }

    #[test]
    fn names_that_hide_or_turn_something_are_refused() {
        assert!(matches!(Name::new(" \t"), Err(NameError::Empty)));
        assert!(matches!(Name::new("-"), Err(NameError::Empty)));
        assert!(matches!(Name::new(&"x".repeat(33)), Err(NameError::TooLong)));
        assert!(matches!(Name::new(&"x".repeat(1 << 20)), Err(NameError::TooLong)));
        for name in ["a\u{202e}b", "a\u{200b}b", "a\u{0}b", "a\u{2066}b", "<b>", "a\u{feff}"] {
            assert!(matches!(Name::new(name), Err(NameError::Character(_))), "{name:?}");
        }
        for name in [
            "Tidemark Support",
            "System Admin",
            "admin1",
            "a\u{301}\u{302}\u{303}",
            "Tidemark",
            "ADMIN",
            "аdmin",
            "t i d e m a r k",
            "ａｄｍｉｎ",
        ] {
            assert!(Name::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn names_that_look_alike_are_one() {
        let skeletons =
            ["Ada", "ada", "А\u{0064}\u{0430}", "A d a", "ADA"].map(|name| Name::new(name).unwrap().skeleton);
        assert!(skeletons.iter().all(|skeleton| *skeleton == skeletons[0]), "{skeletons:?}");
        assert_ne!(Name::new("Adam").unwrap().skeleton, skeletons[0]);
        assert_eq!(Name::new("Paul").unwrap().skeleton, Name::new("PauI").unwrap().skeleton);
    }

    #[test]
    fn a_session_is_the_same_newcomer_each_time_and_does_not_show() {
        let (one, again, other) = (newcomer("abc"), newcomer("abc"), newcomer("abd"));
        assert_eq!(one, again);
        assert_ne!(one.id, other.id);
        assert!(Name::new(&one.name).is_ok() && !one.id.contains("abc"));
    }
}
