//! What a room's page holds of its messages: one list, oldest first, each message once, whichever way it came. Pure.

use crate::wire::{
    numbers::day,
    room::{Message, RoomEvent, RoomEventKind},
};

/// Messages of one author that follow each other within this time, in milliseconds, stand under one name.
const TOGETHER_MS: u64 = 5 * 60 * 1_000;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomLog {
    /// By id.
    messages: Vec<Message>,
    /// What happened besides, after which message.
    notes: Vec<Note>,
    /// The newest message that was seen when the page was loaded, if there are newer ones of others.
    seen: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Note {
    after: u64,
    key: String,
    words: String,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    Day(String),
    /// What follows was not seen before.
    Unread,
    Note {
        key: String,
        words: String,
    },
    Message {
        message: Message,
        first: bool,
    },
}

impl Row {
    /// Another key is another line: what changed is rendered anew, and nothing else.
    pub fn key(&self) -> String {
        match self {
            Self::Day(day) => ["day ", day].concat(),
            Self::Unread => "unread".to_owned(),
            Self::Note { key, .. } => ["note ", key].concat(),
            Self::Message { message, first } => {
                let state = match (message.deleted, message.edited || message.run.is_some()) {
                    (true, _) => "deleted",
                    // It grows within its line.
                    (_, true) if !message.html.is_empty() => "written",
                    // Two edits differ in nothing else.
                    (_, true) => shown_text(message),
                    _ => "",
                };
                [message.id.to_string().as_str(), if *first { " first " } else { " " }, state].concat()
            }
        }
    }
}

/// A message's text; of one that has only begun, that something is to come.
pub fn shown_text(message: &Message) -> &str {
    if message.text.is_empty() { "…" } else { &message.text }
}

impl RoomLog {
    pub fn new(messages: Vec<Message>, seen: Option<u64>, me: &str) -> Self {
        let unread = |seen: &u64| messages.iter().any(|message| message.id > *seen && message.author.id != me);
        let seen = seen.filter(unread);
        Self { messages, notes: Vec::new(), seen }
    }

    /// Older messages, from the server.
    pub fn put_before(&mut self, older: Vec<Message>) {
        for message in older {
            self.put(message);
        }
    }

    /// After a reset: the newest messages. What is held stays; if there is a gap before them, a note says so.
    pub fn put_newest(&mut self, newest: Vec<Message>) {
        let (held, first) = (self.newest(), newest.first().map(|message| message.id));
        if let (Some(held), Some(first)) = (held, first.filter(|first| held < Some(*first))) {
            let words = "You were away for long. Load the page again to see all that was said in between.";
            self.notes.push(Note { after: held, key: ["gap ", &first.to_string()].concat(), words: words.to_owned() });
        }
        for message in newest {
            self.put(message);
        }
    }

    /// What happened in the room, at `offset`. Whether a message is new.
    pub fn apply(&mut self, offset: u64, event: RoomEvent) -> bool {
        let of = |words: &str| event.person.as_ref().map(|person| [&person.name, words].concat());
        let words = match (event.kind, event.message) {
            (RoomEventKind::MessagePosted, Some(message)) => return self.put(message),
            (RoomEventKind::MessageEdited | RoomEventKind::MessageDeleted, Some(message)) => {
                // One that is not on the page may be older than what is.
                if self.messages.first().is_some_and(|first| first.id <= message.id) {
                    self.put(message);
                }
                return false;
            }
            (RoomEventKind::MemberJoined, _) => of(" joined"),
            (RoomEventKind::MemberLeft, _) => of(" left"),
            (RoomEventKind::MemberRemoved, _) => of(" was removed"),
            (RoomEventKind::RoomRenamed, _) => event.title.map(|title| ["The room is now called ", &title].concat()),
            (RoomEventKind::RoomArchived, _) => Some("The room was archived: it can be read only".to_owned()),
            (_, None) => None,
        };
        if let Some(words) = words {
            let after = self.newest().unwrap_or(0);
            self.notes.push(Note { after, key: offset.to_string(), words });
        }
        false
    }

    /// Puts a message in its place. Whether it is new.
    fn put(&mut self, message: Message) -> bool {
        match self.messages.binary_search_by_key(&message.id, |held| held.id) {
            Ok(at) => {
                self.messages[at] = message;
                false
            }
            Err(at) => {
                self.messages.insert(at, message);
                true
            }
        }
    }

    /// The message that is being written.
    pub fn written(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.run.is_some())
    }

    /// There is so much of it now. A page may show more than has arrived again.
    pub fn write(&mut self, id: u64, text: &str, html: &[String]) {
        for message in &mut self.messages {
            if message.id == id && message.run.is_some() && message.text.len() <= text.len() {
                message.text = text.to_owned();
                message.html = html.to_vec();
            }
        }
    }

    pub fn message(&self, id: u64) -> Option<&Message> {
        let at = self.messages.binary_search_by_key(&id, |held| held.id).ok()?;
        self.messages.get(at)
    }

    pub fn has_of_client(&self, client: &str, author: &str) -> bool {
        self.messages.iter().rev().any(|message| message.client == client && message.author.id == author)
    }

    pub fn oldest(&self) -> Option<u64> {
        self.messages.first().map(|message| message.id)
    }

    pub fn newest(&self) -> Option<u64> {
        self.messages.last().map(|message| message.id)
    }

    /// `zone` is in minutes east of UTC.
    pub fn rows(&self, zone: i32) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut notes = self.notes.iter().peekable();
        let mut before: Option<&Message> = None;
        let mut unread = self.seen;
        let mut note_until = |rows: &mut Vec<Row>, id: u64| {
            while let Some(note) = notes.next_if(|note| note.after < id) {
                rows.push(Row::Note { key: note.key.clone(), words: note.words.clone() });
            }
        };
        for message in &self.messages {
            let length = rows.len();
            note_until(&mut rows, message.id);
            let today = day(message.time, zone);
            if before.is_none_or(|before| day(before.time, zone) != today) {
                rows.push(Row::Day(today));
            }
            if unread.is_some_and(|seen| message.id > seen) {
                unread = None;
                rows.push(Row::Unread);
            }
            let together = |before: &Message| {
                before.author == message.author && message.time.saturating_sub(before.time) < TOGETHER_MS
            };
            let first = rows.len() > length || !before.is_some_and(together);
            rows.push(Row::Message { message: message.clone(), first });
            before = Some(message);
        }
        note_until(&mut rows, u64::MAX);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::room::Author;

    fn said(id: u64, author: &str) -> Message {
        let author = Author { id: author.into(), name: author.into(), ..Author::default() };
        Message { id, author, text: id.to_string(), time: id * 1_000, client: format!("c{id}"), ..Message::default() }
    }

    fn posted(message: Message) -> RoomEvent {
        RoomEvent { kind: RoomEventKind::MessagePosted, message: Some(message), person: None, title: None }
    }

    fn ids(log: &RoomLog) -> Vec<u64> {
        log.messages.iter().map(|message| message.id).collect()
    }

    #[test]
    fn each_message_is_there_once_and_in_order_whichever_way_it_came() {
        let mut log = RoomLog::new(vec![said(5, "a"), said(6, "b")], None, "a");
        assert!(log.apply(1, posted(said(8, "a"))) && !log.apply(1, posted(said(8, "a"))));
        log.put_before(vec![said(2, "a"), said(3, "a")]);
        log.put_newest(vec![said(6, "b"), said(7, "a"), said(8, "a")]);
        assert_eq!(ids(&log), [2, 3, 5, 6, 7, 8]);
        assert!(log.has_of_client("c7", "a") && !log.has_of_client("c7", "b"));
    }

    #[test]
    fn an_edit_of_what_is_not_on_the_page_adds_nothing() {
        let mut log = RoomLog::new(vec![said(5, "a")], None, "a");
        let edit = |id| RoomEvent {
            kind: RoomEventKind::MessageEdited,
            message: Some(Message { text: "new".into(), edited: true, ..said(id, "a") }),
            person: None,
            title: None,
        };
        assert!(!log.apply(1, edit(3)) && !log.apply(2, edit(5)));
        assert_eq!((ids(&log), log.message(5).map(|message| message.text.as_str())), (vec![5], Some("new")));
    }

    #[test]
    fn rows_are_grouped_by_author_and_divided_by_day_and_by_what_was_seen() {
        let mut late = said(4, "b");
        late.time = 86_400_000;
        let log = RoomLog::new(vec![said(1, "a"), said(2, "a"), said(3, "b"), late], Some(2), "a");
        let rows = log.rows(0);
        let kinds: Vec<_> = rows
            .iter()
            .map(|row| match row {
                Row::Day(day) => day.clone(),
                Row::Unread => "unread".into(),
                Row::Note { words, .. } => words.clone(),
                Row::Message { message, first } => format!("{}{}", message.id, if *first { "*" } else { "" }),
            })
            .collect();
        assert_eq!(kinds, ["1970-01-01", "1*", "2", "unread", "3*", "1970-01-02", "4*"]);
        let mut keys: Vec<_> = rows.iter().map(Row::key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), rows.len());
        assert_eq!(RoomLog::new(vec![said(3, "a")], Some(2), "a").rows(0).len(), 2, "one's own is not unread");
    }

    #[test]
    fn what_is_being_written_grows_until_the_room_says_what_it_is() {
        let begun =
            Message { run: Some("run/r1@0000000000000001:0".into()), text: String::new(), ..said(5, "assistant") };
        let mut log = RoomLog::new(vec![begun, said(6, "a")], None, "a");
        let mut keys = Vec::new();
        for (text, shown) in [("", ""), ("Once", "Once"), ("On", "Once"), ("Once upon", "Once upon")] {
            let id = log.written().map(|message| message.id).unwrap();
            let html: Vec<_> = (!text.is_empty()).then(|| ["<p>", text, "</p>"].concat()).into_iter().collect();
            log.write(id, text, &html);
            let written = log.written().map(|message| (message.text.clone(), message.html.concat()));
            let shown_html = if shown.is_empty() { String::new() } else { ["<p>", shown, "</p>"].concat() };
            assert_eq!(written, Some((shown.to_owned(), shown_html)));
            keys.push(log.rows(0)[1].key());
        }
        log.write(6, "not this one, which is whole", &[]);
        let whole = RoomEvent { kind: RoomEventKind::MessageEdited, ..posted(said(5, "assistant")) };
        log.apply(1, whole);
        keys.push(log.rows(0)[1].key());
        keys.dedup();
        assert_eq!(
            (log.written(), keys.len()),
            (None, 3),
            "one line for all that grows, and one for the end: {keys:?}"
        );
        assert_eq!(log.message(6).map(|message| message.text.as_str()), Some("6"));
    }

    #[test]
    fn a_gap_after_a_reset_is_said() {
        let mut log = RoomLog::new(vec![said(5, "a")], None, "a");
        log.put_newest(vec![said(9, "a")]);
        assert!(log.rows(0).iter().any(|row| matches!(row, Row::Note { words, .. } if words.contains("away"))));
    }
}
