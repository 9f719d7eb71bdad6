//! What the stream carries is brought in line with what is subscribed: by its URL when it is opened, by what is posted to it
//! or said over it while it is open.

use leptos::prelude::queue_microtask;

use super::{Subscription, Tab, opening::tell, say, with};
use crate::{
    client::{http, link::Input},
    wire::{Topic, stream::ChangeTopics, topic::Mark},
};

/// Subscriptions made in one turn are sent together: at its end.
pub(super) fn sync_soon() {
    if !with(|tab| std::mem::replace(&mut tab.sync_due, true)) {
        queue_microtask(sync);
    }
}

/// Brings the stream in line with what is subscribed.
fn sync() {
    let (wanted, change) = with(|tab| {
        tab.sync_due = false;
        (!tab.marks().is_empty(), tab.change())
    });
    tell(Input::Want(wanted));
    if let Some((connection, change)) = change {
        post(connection, change);
    }
}

pub(super) fn post(connection: String, change: ChangeTopics) {
    if with(|tab| tab.wire.is_some()) {
        if !change.to_messages().iter().all(|message| say(message)) {
            tell(Input::Failed);
        }
        return;
    }
    leptos::task::spawn_local(async move {
        let url = ["/api/stream/", &connection].concat();
        // A stream that cannot be changed is given up; the next carries everything.
        if !http::post_json(&url, change.to_json()).await && with(|tab| tab.connection.as_ref() == Some(&connection)) {
            tell(Input::Failed);
        }
    });
}

impl Tab {
    /// Each topic once, from the oldest position that any of its subscriptions holds.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        for Subscription { topic, position, .. } in self.subscriptions.iter().filter(|subscription| !subscription.lost)
        {
            match marks.iter_mut().find(|mark| mark.topic == *topic) {
                Some(Mark { position: Some(oldest), .. }) => oldest.offset = oldest.offset.min(position.offset),
                _ => marks.push(Mark { topic: topic.clone(), position: Some(*position) }),
            }
        }
        marks
    }

    /// Whether somebody joined who stands further back than those whom the stream serves: its cursor has to go back.
    fn is_behind(&self, topic: &Topic) -> bool {
        let of_topic = || self.subscriptions.iter().filter(|subscription| subscription.topic == *topic);
        of_topic().filter(|joined| !joined.served).any(|joined| {
            of_topic().filter(|other| other.served).all(|other| {
                other.position.epoch != joined.position.epoch || other.position.offset > joined.position.offset
            })
        })
    }

    /// What to ask of the live stream so that it carries what is subscribed.
    fn change(&mut self) -> Option<(String, ChangeTopics)> {
        let connection = self.connection.clone()?;
        let marks = self.marks();
        let unsubscribe: Vec<_> =
            self.carried.iter().filter(|topic| !marks.iter().any(|mark| mark.topic == **topic)).cloned().collect();
        let new = |mark: &&Mark| !self.carried.contains(&mark.topic) || self.is_behind(&mark.topic);
        let subscribe: Vec<_> = marks.iter().filter(new).cloned().collect();
        self.subscriptions.iter_mut().for_each(|subscription| subscription.served = true);
        // Where nothing is read the connection ends.
        if marks.is_empty() || (subscribe.is_empty() && unsubscribe.is_empty()) {
            return None;
        }
        self.carried = marks.into_iter().map(|mark| mark.topic).collect();
        Some((connection, ChangeTopics { subscribe, unsubscribe }))
    }
}
