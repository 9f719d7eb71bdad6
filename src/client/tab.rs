//! What a tab shares: one connection for all its subscriptions. A `thread_local`, touched in Effects and handlers only,
//! never while rendering on the server, where threads serve many visitors.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::prelude::*;

use super::{
    ConnectionState,
    event_source::{Heard, Source},
    http,
    inbox::{Verdict, judge, own_mark},
    json,
    link::{Command, Input, Link},
    page,
};
use crate::wire::{
    Position, Topic,
    stream::{ChangeTopics, Notice, Subscribed, name},
    topic::{Kind, Mark},
};

/// What arrives is handed on once a frame of the screen: a thousand events that are caught up are one rendering.
const FRAME: Duration = Duration::from_millis(16);

/// After so many attempts to open a WebSocket that failed while HTTP got through, the page goes over server-sent events.
const BLOCKED: u32 = 2;

/// How long a page stays with server-sent events before it tries a WebSocket again: a moment's pause each time.
const TRY_WIRE_AFTER: Duration = Duration::from_secs(600);

/// Something for a subscription, still as JSON.
pub enum Parcel {
    Events(Vec<(u64, String)>),
    Reset(String),
    Resumed {
        from: Position,
        head: Position,
    },
    /// The topic is nothing of ours any longer.
    Lost,
}

/// An open WebSocket, as `socket.rs` has it. Dropping it closes it.
pub(super) trait Wire {
    /// Says something; whether it was taken.
    fn say(&self, json: &str) -> bool;
}

/// How a WebSocket is opened. Nothing if the browser will not even try.
pub(super) type OpenWire = fn(fn(Heard)) -> Option<Box<dyn Wire>>;

type Deliver = Rc<RefCell<Box<dyn FnMut(Vec<Parcel>)>>>;

struct Subscription {
    id: u32,
    topic: Topic,
    position: Position,
    deliver: Deliver,
    waiting: Vec<Parcel>,
    /// Whether the live stream began at this one's position, or earlier.
    served: bool,
}

#[derive(Default)]
struct Tab {
    link: Link,
    source: Option<Source>,
    /// In place of `source`, on pages that want one.
    wire: Option<Box<dyn Wire>>,
    open_wire: Option<OpenWire>,
    /// Attempts to open a WebSocket that failed while HTTP got through, since one was last open.
    blocked: u32,
    /// The live stream's id, once it has told.
    connection: Option<String>,
    /// What the live stream carries, or has been asked to.
    carried: Vec<Topic>,
    subscriptions: Vec<Subscription>,
    last_id: u32,
    sync_due: bool,
    flush_due: bool,
    watching: bool,
    /// Since the page was loaded.
    was_live: bool,
}

thread_local! {
    static TAB: RefCell<Tab> = RefCell::default();
    static STATE: ArcRwSignal<ConnectionState> = ArcRwSignal::new(ConnectionState::Idle);
}

/// How the tab's connection is. For Effects only; components have `use_connection`.
pub(super) fn connection() -> ArcReadSignal<ConnectionState> {
    STATE.with(ArcRwSignal::read_only)
}

/// Cuts the tab's connection, as losing the network would. Nothing but [`mend`] opens it again.
pub fn cut() {
    tell(Input::Cut(true));
}

pub fn mend() {
    tell(Input::Cut(false));
}

/// From now on this page connects over WebSockets, as long as they are not blocked.
pub(super) fn prefer(open_wire: OpenWire) {
    with(|tab| tab.open_wire = Some(open_wire));
}

/// Whether this page is live over server-sent events because WebSockets are blocked.
pub fn has_fallen_back() -> bool {
    with(|tab| tab.open_wire.is_some() && tab.source.is_some())
}

/// Whether the server has greeted this connection.
pub(super) fn is_connected() -> bool {
    with(|tab| tab.connection.is_some())
}

/// An attempt to open a WebSocket failed, and HTTP gets through.
pub(super) fn note_blocked() {
    with(|tab| tab.blocked += u32::from(tab.connection.is_none()));
}

/// Says something over the WebSocket; whether there is one that took it.
pub(super) fn say(json: &str) -> bool {
    with(|tab| tab.connection.is_some() && tab.wire.as_ref().is_some_and(|wire| wire.say(json)))
}

pub fn subscribe(topic: Topic, position: Position, deliver: Box<dyn FnMut(Vec<Parcel>)>) -> u32 {
    let (id, first) = with(|tab| {
        tab.last_id += 1;
        let deliver = Rc::new(RefCell::new(deliver));
        tab.subscriptions.push(Subscription {
            id: tab.last_id,
            topic,
            position,
            deliver,
            waiting: Vec::new(),
            served: false,
        });
        (tab.last_id, !std::mem::replace(&mut tab.watching, true))
    });
    if first {
        page::watch(tell);
    }
    sync_soon();
    id
}

pub fn unsubscribe(id: u32) {
    with(|tab| tab.subscriptions.retain(|subscription| subscription.id != id));
    sync_soon();
}

/// Subscriptions made in one turn are sent together: at its end.
fn sync_soon() {
    if !with(|tab| std::mem::replace(&mut tab.sync_due, true)) {
        queue_microtask(sync);
    }
}

/// Brings the stream in line with what is subscribed.
fn sync() {
    let (wanted, change) = with(|tab| {
        tab.sync_due = false;
        (!tab.subscriptions.is_empty(), tab.change())
    });
    tell(Input::Want(wanted));
    if let Some((connection, change)) = change {
        post(connection, change);
    }
}

fn post(connection: String, change: ChangeTopics) {
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

/// Everything that bears on the connection goes through here.
fn tell(input: Input) {
    let now = page::now_ms();
    let (command, state) = with(|tab| (tab.link.handle(input, now, page::random()), tab.link.state(now)));
    match command {
        Some(Command::Open) => open(),
        Some(Command::Close) => close(),
        None => {}
    }
    STATE.with(|signal| {
        if *signal.read_untracked() != state {
            signal.set(state);
        }
    });
}

fn open() {
    close();
    let open_wire = with(|tab| tab.open_wire.filter(|_| tab.blocked < BLOCKED));
    with(|tab| tab.link.lasts_while_hidden(open_wire.is_some()));
    if let Some(open_wire) = open_wire {
        match open_wire(heard) {
            Some(wire) => with(|tab| tab.wire = Some(wire)),
            None => {
                note_blocked();
                heard(Heard::Error);
            }
        }
        return;
    }
    let url = with(|tab| {
        let marks = tab.marks();
        tab.carried = marks.iter().map(|mark| mark.topic.clone()).collect();
        tab.subscriptions.iter_mut().for_each(|subscription| subscription.served = true);
        let query: Vec<_> = marks.iter().map(|mark| ["topic=", &mark.to_string()].concat()).collect();
        ["/api/stream?", &query.join("&")].concat()
    });
    match Source::open(&url, heard) {
        Some(source) => with(|tab| tab.source = Some(source)),
        None => tell(Input::Failed),
    }
}

fn close() {
    let open = with(|tab| {
        tab.connection = None;
        tab.carried.clear();
        let source = tab.source.take();
        if source.is_some() {
            // What was blocked may be open by now: a WebSocket has one attempt before the next stream.
            tab.blocked = tab.blocked.min(BLOCKED - 1);
        }
        (source, tab.wire.take())
    });
    // Dropped here, when nothing is borrowed.
    drop(open);
}

fn heard(heard: Heard) {
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
                tab.was_live = true;
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
                for_topic(&topic, |subscription| subscription.waiting.push(Parcel::Lost));
                with(|tab| tab.carried.retain(|carried| *carried != topic));
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

/// Gives up this stream after a while, if it is still there: a WebSocket is tried before the next.
fn try_wire_later() {
    let now = with(|tab| tab.connection.clone());
    let end = move || {
        if with(|tab| tab.connection == now) {
            tell(Input::Failed);
        }
    };
    set_timeout(end, TRY_WIRE_AFTER);
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
    for Subscribed { topic, head, .. } in topics {
        for_topic(&topic, |subscription| {
            let from = subscription.position;
            subscription.waiting.push(Parcel::Resumed { from, head });
        });
    }
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

impl Tab {
    /// Each topic once, from the oldest position that any of its subscriptions holds.
    fn marks(&self) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        for Subscription { topic, position, .. } in &self.subscriptions {
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
        if self.subscriptions.is_empty() || (subscribe.is_empty() && unsubscribe.is_empty()) {
            return None;
        }
        self.carried = marks.into_iter().map(|mark| mark.topic).collect();
        Some((connection, ChangeTopics { subscribe, unsubscribe }))
    }
}

fn with<R>(act: impl FnOnce(&mut Tab) -> R) -> R {
    TAB.with(|tab| act(&mut tab.borrow_mut()))
}
