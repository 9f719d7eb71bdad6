//! What arrives: notices of the connection, and events for whoever subscribed to their topic. `opening.rs` has a new connection
//! heard here.

use std::time::Duration;

use leptos::prelude::set_timeout;

use super::{
    Parcel, Subscription, has_fallen_back,
    opening::{tell, try_wire_later},
    syncing::{post, sync_soon},
    with,
};
use crate::{
    client::{
        event_source::Heard,
        inbox::{Verdict, judge, own_mark},
        json,
        link::Input,
        page,
    },
    wire::{
        Position, Topic,
        stream::{ChangeTopics, Notice, Subscribed, name},
        topic::{Kind, Mark},
    },
};

/// What arrives is handed on once a frame of the screen: a thousand events that are caught up are one rendering.
const FRAME: Duration = Duration::from_millis(16);

pub(super) fn heard(heard: Heard) {
    let Heard::Event { name, id, data } = heard else {
        return tell(Input::Failed);
    };
    tell(Input::Heard);
    if name.is_empty() {
        return event(&id, data);
    }
    let Some(notice) = json::parse::<Notice>(&data) else { return };
    match name {
        name::CONNECTED => {
            with(|tab| {
                tab.connection = notice.connection;
                if tab.wire.is_some() {
                    tab.blocked = 0;
                }
            });
            if has_fallen_back() {
                try_wire_later();
            }
            resumed(notice.topics);
            tell(Input::Opened { heartbeat_ms: notice.heartbeat_ms.unwrap_or_default() });
            // Who subscribed while it was opening.
            sync_soon();
        }
        name::SUBSCRIBED => resumed(notice.topics),
        name::RESET => {
            if let (Some(topic), Some(position)) = (notice.topic, notice.position) {
                for_topic(&topic, |subscription| {
                    subscription.position = position;
                    subscription.waiting.push(Parcel::Reset(data.clone()));
                });
            }
        }
        name::LOST => {
            if let Some(topic) = notice.topic {
                lose(&topic);
            }
        }
        name::DRAINING => tell(Input::Drained { retry_ms: notice.retry_ms.unwrap_or_default() }),
        name::REFUSED => {
            // A page of another session, from a first visit in two tabs at once: load it as who one is now.
            let hopeless = notice.retry_ms.is_none() && with(|tab| !tab.was_live);
            if hopeless && page::reload_once() {
                return;
            }
            let message = notice.message.unwrap_or_default();
            tell(Input::Refused { message, retry_ms: notice.retry_ms });
        }
        // A heartbeat was heard, which is all it is for.
        _ => {}
    }
}

fn event(id: &str, data: String) {
    let Some(Mark { topic, position: Some(Position { epoch, offset }) }) = own_mark(id) else { return };
    let consecutive = topic.policy().kind == Kind::Log;
    let mut gap = None;
    for_topic(&topic, |subscription| match judge(&mut subscription.position, epoch, offset, consecutive) {
        Verdict::Take => match subscription.waiting.last_mut() {
            Some(Parcel::Events(events)) => events.push((offset, data.clone())),
            _ => subscription.waiting.push(Parcel::Events(vec![(offset, data.clone())])),
        },
        Verdict::Held => {}
        Verdict::Gap => gap = Some(Mark { topic: topic.clone(), position: Some(subscription.position) }),
    });
    if let (Some(mark), Some(connection)) = (gap, with(|tab| tab.connection.clone())) {
        post(connection, ChangeTopics { subscribe: vec![mark], unsubscribe: Vec::new() });
    }
}

fn resumed(topics: Vec<Subscribed>) {
    with(|tab| tab.was_live |= !topics.is_empty());
    for Subscribed { topic, head, .. } in topics {
        for_topic(&topic, |subscription| {
            let from = subscription.position;
            subscription.waiting.push(Parcel::Resumed { from, head });
        });
    }
}

/// It may no longer be read.
fn lose(topic: &Topic) {
    for_topic(topic, |subscription| {
        subscription.lost = true;
        subscription.waiting.push(Parcel::Lost);
    });
    with(|tab| tab.carried.retain(|carried| carried != topic));
    // Where nothing else is read, the connection ends.
    sync_soon();
}

fn for_topic(topic: &Topic, act: impl FnMut(&mut Subscription)) {
    let first = with(|tab| {
        tab.subscriptions.iter_mut().filter(|subscription| subscription.topic == *topic).for_each(act);
        !std::mem::replace(&mut tab.flush_due, true)
    });
    if first {
        set_timeout(flush, FRAME);
    }
}

/// Hands on what waits. Nothing is borrowed meanwhile: a component may subscribe, leave or cut from within.
fn flush() {
    let due: Vec<_> = with(|tab| {
        tab.flush_due = false;
        let waiting = tab.subscriptions.iter_mut().filter(|subscription| !subscription.waiting.is_empty());
        waiting.map(|s| (s.id, s.deliver.clone(), std::mem::take(&mut s.waiting))).collect()
    });
    for (id, deliver, parcels) in due {
        if with(|tab| tab.subscriptions.iter().any(|subscription| subscription.id == id)) {
            (deliver.borrow_mut())(parcels);
        }
    }
}
