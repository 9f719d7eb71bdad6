//! What has been written and is not yet among the messages: said one at a time, in order, each until the server has
//! answered. Pure.

use super::room_log::RoomLog;
use crate::client::socket::Outcome;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {
    pending: Vec<Pending>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub client: String,
    pub text: String,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Sending,
    /// It is on the server; its event is on the way.
    Sent,
    /// Why, for people.
    Failed(String),
}

/// Between the fields and the entries of an outbox as text: characters that no message has.
const FIELD: char = '\u{1f}';
const ENTRY: char = '\u{1e}';

impl Pending {
    pub fn new(client: String, text: String) -> Self {
        Self { client, text, state: State::Waiting }
    }

    /// Another key is another line.
    pub fn key(&self) -> String {
        let state = match &self.state {
            State::Waiting | State::Sending => " sending",
            State::Sent => " sent",
            State::Failed(_) => " failed",
        };
        ["pending ", &self.client, state].concat()
    }
}

impl Outbox {
    pub fn add(&mut self, pending: Pending) {
        self.pending.push(pending);
    }

    pub fn shown(&self) -> Vec<Pending> {
        self.pending.clone()
    }

    /// The next to be said, if nothing is being said.
    pub fn take_next(&mut self) -> Option<Pending> {
        if self.pending.iter().any(|pending| pending.state == State::Sending) {
            return None;
        }
        let next = self.pending.iter_mut().find(|pending| pending.state == State::Waiting)?;
        next.state = State::Sending;
        Some(next.clone())
    }

    /// Notes an answer. After how many milliseconds to go on, if it is to be gone on.
    pub fn answered(&mut self, client: &str, outcome: Outcome) -> Option<u32> {
        let (state, again) = match outcome {
            Outcome::Done(_) => (State::Sent, Some(0)),
            Outcome::Failed(words) => (State::Failed(words), Some(0)),
            Outcome::Later(ms) => (State::Waiting, Some(ms)),
            // Gone on with when there is a connection.
            Outcome::Unknown => (State::Waiting, None),
        };
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.client == client) {
            pending.state = state;
        }
        again
    }

    /// What has appeared among the messages is done.
    pub fn said(&mut self, log: &RoomLog, me: &str) {
        self.pending.retain(|pending| !log.has_of_client(&pending.client, me));
    }

    pub fn retry(&mut self, client: &str) {
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.client == client) {
            pending.state = State::Waiting;
        }
    }

    pub fn forget(&mut self, client: &str) {
        self.pending.retain(|pending| pending.client != client);
    }

    /// To be kept over a reload.
    pub fn to_text(&self) -> String {
        let entry = |pending: &Pending| [&pending.client, &*FIELD.to_string(), &pending.text].concat();
        self.pending.iter().map(entry).collect::<Vec<_>>().join(&ENTRY.to_string())
    }

    /// Adds what was kept. It may have been said: saying it again says it once.
    pub fn restore(&mut self, text: &str) {
        for (client, text) in text.split(ENTRY).filter_map(|entry| entry.split_once(FIELD)) {
            if self.pending.iter().all(|pending| pending.client != client) {
                self.pending.push(Pending::new(client.to_owned(), text.to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(texts: &[&str]) -> Outbox {
        let mut outbox = Outbox::default();
        texts.iter().for_each(|text| outbox.add(Pending::new((*text).to_owned(), (*text).to_owned())));
        outbox
    }

    fn next(outbox: &mut Outbox) -> Option<String> {
        outbox.take_next().map(|pending| pending.client)
    }

    #[test]
    fn one_is_said_at_a_time_and_in_order_whatever_the_answers() {
        let mut outbox = outbox(&["a", "b", "c"]);
        assert_eq!((next(&mut outbox).as_deref(), next(&mut outbox)), (Some("a"), None));
        assert_eq!(outbox.answered("a", Outcome::Later(700)), Some(700));
        assert_eq!(next(&mut outbox).as_deref(), Some("a"), "nothing overtakes it");
        assert_eq!(outbox.answered("a", Outcome::Unknown), None);
        assert_eq!(next(&mut outbox).as_deref(), Some("a"));
        outbox.answered("a", Outcome::Failed("no".into()));
        assert_eq!(next(&mut outbox).as_deref(), Some("b"));
        outbox.answered("b", Outcome::Done(Some(1)));
        outbox.retry("a");
        assert_eq!(next(&mut outbox).as_deref(), Some("a"));
    }

    #[test]
    fn what_is_kept_comes_back_once() {
        let before = outbox(&["one\ntwo", "three"]);
        let mut after = outbox(&["three"]);
        after.restore(&before.to_text());
        assert_eq!(after.shown().len(), 2);
        assert_eq!(Outbox::default().to_text(), "");
    }
}
