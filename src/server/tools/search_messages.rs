//! `search_messages`: finds what was said in the rooms that whoever asks may read.

use std::fmt::Write as _;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Context, Tool};
use crate::{
    server::{
        features::search,
        store::search::{FOUND, FOUND_END},
    },
    wire::numbers::day,
};

/// A model needs no more of them to answer, and reads them all.
const SHOWN: usize = 15;

#[derive(Debug)]
pub struct SearchMessages;

impl Tool for SearchMessages {
    fn name(&self) -> &'static str {
        "search_messages"
    }

    fn description(&self) -> &'static str {
        "Finds messages that people have written in the rooms of this site, by words that are all in the message. Only \
         rooms that the person may read are searched. The newest come first."
    }

    fn input(&self) -> Value {
        json!({
            "type": "object",
            "properties": { "words": { "type": "string", "description": "One to ten words; few find more." } },
            "required": ["words"],
        })
    }

    fn title(&self, input: &Value) -> String {
        format!("Search the rooms for “{}”", super::shortened(&input["words"]))
    }

    fn call<'c>(&'c self, context: &'c Context, input: &'c Value) -> BoxFuture<'c, Result<String, String>> {
        Box::pin(async move {
            let words = input["words"].as_str().ok_or("It takes words: {\"words\":\"…\"}.")?;
            let person = context.asking.person.as_ref().map(|person| person.id.as_str()).unwrap_or_default();
            let found = search::search(&context.state.store, words, person, None).await.map_err(|error| {
                tracing::error!(%error, "messages could not be searched");
                "The messages cannot be reached now.".to_owned()
            })?;
            let mut text = String::new();
            for hit in found.hits.iter().take(SHOWN) {
                let said: String = hit.text.chars().filter(|c| ![FOUND, FOUND_END, '\n'].contains(c)).collect();
                let _ = writeln!(
                    text,
                    "- {}, {} in the room {} (id {}, /rooms/{}#m{}): {said}",
                    day(hit.time, 0),
                    hit.author,
                    hit.room_title,
                    hit.room,
                    hit.room,
                    hit.id,
                );
            }
            Ok(match text.is_empty() {
                true => "No message has all of these words.".to_owned(),
                false if found.more || found.hits.len() > SHOWN => text + "There are older ones.",
                false => text,
            })
        })
    }
}
