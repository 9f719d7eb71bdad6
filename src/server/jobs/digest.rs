//! `digest`: a room at a glance: how much was said, by whom, and when: `{"room":"lobby"}`.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Checked, Failure, InputError, Kind, Made, Run, Said,
    history::{History, about, only, room},
};
use crate::wire::room::{Author, Message};

/// So many of those who said most are named.
const NAMED: usize = 10;

/// So many of the newest messages are summed up, as long as they have no more characters together.
const SUMMED_UP: usize = 200;
const SUMMED_UP_CHARS: usize = 20_000;

const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;

#[derive(Debug)]
pub struct DigestOfRoom;

/// What was found out about a room. Times are UTC. Deleted messages do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub room: String,
    pub title: String,
    pub messages: u64,
    pub people: u64,
    /// Of the first and the last message, in milliseconds since 1970.
    pub first: u64,
    pub last: u64,
    /// Days on which something was said.
    pub days: u64,
    /// Messages by the hour of the day.
    pub hours: [u64; 24],
    /// By the day of the week, Monday first.
    pub weekdays: [u64; 7],
    /// Those who said most, most first.
    pub speakers: Vec<Speaker>,
    /// What it was about, in a language model's words; where none is set up, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    pub name: String,
    pub messages: u64,
}

impl Kind for DigestOfRoom {
    fn name(&self) -> &'static str {
        "digest"
    }

    fn check(&self, input: &Value) -> Result<Checked, InputError> {
        only(input, &["room"])?;
        let room = room(input)?;
        let input = json!({ "room": room });
        Ok(about(room, input))
    }

    fn title(&self, _: &Value, about: &str) -> String {
        format!("Digest of {about}")
    }

    fn run<'r>(&'r self, run: &'r Run) -> BoxFuture<'r, Result<Made, Failure>> {
        Box::pin(async move {
            let mut history = History::begin(run).await?;
            let (mut count, mut newest) = (Count::default(), Newest::default());
            loop {
                let messages = history.next("Reading the messages").await?;
                if messages.is_empty() {
                    break;
                }
                messages.iter().for_each(|message| count.add(message));
                messages.iter().for_each(|message| newest.add(message));
            }
            let room = room(&run.input).map_err(|error| Failure::Final(error.to_string()))?.to_string();
            let (title, lines) = (history.title, Vec::from(newest.lines));
            run.tell(history.total, history.total, "Summing it up");
            let summary = match lines.is_empty() {
                true => None,
                false => run.summarise(Said { title: title.clone(), lines }).await,
            };
            Ok(Made::Digest(Box::new(Digest { room, title, summary, ..count.digest() })))
        })
    }
}

/// The newest messages, as many as are summed up. Pure.
#[derive(Debug, Default)]
struct Newest {
    lines: VecDeque<String>,
    chars: usize,
}

impl Newest {
    fn add(&mut self, message: &Message) {
        if message.deleted || message.run.is_some() {
            return;
        }
        let line = format!("{}: {}", message.author.name, message.text);
        self.chars += line.chars().count();
        self.lines.push_back(line);
        while self.lines.len() > SUMMED_UP || self.chars > SUMMED_UP_CHARS {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.chars -= oldest.chars().count();
        }
    }
}

/// Messages being counted. Pure.
#[derive(Debug, Default)]
struct Count {
    digest: Digest,
    by: HashMap<String, (Author, u64)>,
    days: HashSet<u64>,
}

impl Count {
    fn add(&mut self, message: &Message) {
        if message.deleted {
            return;
        }
        let digest = &mut self.digest;
        digest.messages += 1;
        if digest.first == 0 {
            digest.first = message.time;
        }
        digest.last = message.time;
        let day = message.time / DAY_MS;
        self.days.insert(day);
        digest.hours[(message.time % DAY_MS / HOUR_MS) as usize] += 1;
        // The first of January 1970 was a Thursday.
        digest.weekdays[((day + 3) % 7) as usize] += 1;
        let (_, messages) = self.by.entry(message.author.id.clone()).or_insert_with(|| (message.author.clone(), 0));
        *messages += 1;
    }

    fn digest(self) -> Digest {
        let people = self.by.values().filter(|(author, _)| !author.bot).count() as u64;
        let speaker = |(author, messages): (Author, u64)| Speaker { name: author.name, messages };
        let mut speakers: Vec<_> = self.by.into_values().map(speaker).collect();
        speakers.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.name.cmp(&b.name)));
        speakers.truncate(NAMED);
        Digest { people, speakers, days: self.days.len() as u64, ..self.digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_messages_are_summed_up_as_far_as_they_fit() {
        let mut newest = Newest::default();
        let mut add = |text: &str, deleted| {
            let author = Author { name: "Ada".into(), ..Author::default() };
            newest.add(&Message { author, text: text.into(), deleted, ..Message::default() });
            (newest.lines.len(), newest.chars)
        };
        for _ in 0..SUMMED_UP {
            add("x", false);
        }
        assert_eq!(add("y", false), (SUMMED_UP, SUMMED_UP * 6));
        assert_eq!(add("gone", true), (SUMMED_UP, SUMMED_UP * 6));
        let (lines, chars) = add(&"z".repeat(SUMMED_UP_CHARS - 100), false);
        assert!((2..SUMMED_UP).contains(&lines) && chars <= SUMMED_UP_CHARS, "{lines} {chars}");
        assert!(newest.lines.back().is_some_and(|line| line.starts_with("Ada: zzz")));
    }

    #[test]
    fn messages_are_counted_by_person_hour_and_day() {
        let mut count = Count::default();
        let mut add = |name: &str, time, deleted| {
            let author = Author { id: name.into(), name: name.into(), bot: name == "Bot", ..Author::default() };
            count.add(&Message { author, time, deleted, ..Message::default() });
        };
        // A Tuesday, 22:13 UTC; an hour later; the next morning.
        add("Ada", 1_700_000_000_000, false);
        add("Bot", 1_700_003_600_000, false);
        add("Ada", 1_700_040_000_000, false);
        add("Eve", 1_700_040_000_000, true);
        let digest = count.digest();
        assert_eq!((digest.messages, digest.people, digest.days), (3, 1, 2));
        assert_eq!((digest.hours[22], digest.hours[23], digest.hours[9]), (1, 1, 1));
        assert_eq!((digest.weekdays[1], digest.weekdays[2]), (2, 1));
        let named: Vec<_> = digest.speakers.iter().map(|speaker| (&*speaker.name, speaker.messages)).collect();
        assert_eq!(named, [("Ada", 2), ("Bot", 1)]);
        assert_eq!((digest.first, digest.last), (1_700_000_000_000, 1_700_040_000_000));
        assert_eq!(Count::default().digest(), Digest::default());
    }
}
