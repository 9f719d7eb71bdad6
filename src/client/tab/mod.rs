//! What a tab shares: one connection for all its subscriptions. A `thread_local`, touched in Effects and handlers only,
//! never while rendering on the server, where threads serve many visitors.
//!
//! `syncing.rs` asks for what is subscribed, `opening.rs` opens and closes the connection as its link says, `arriving.rs`
//! hands on what comes.

mod arriving;
mod opening;
mod syncing;

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::*;

use super::{
    ConnectionState,
    event_source::{Heard, Source},
    link::{Input, Link},
    page,
};
use crate::wire::{Position, Topic};
use opening::tell;
use syncing::sync_soon;

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
    /// The topic is nothing of ours any longer: it is not asked for again.
    lost: bool,
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
    /// Whether anything was read live since the page was loaded.
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
            lost: false,
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

fn with<R>(act: impl FnOnce(&mut Tab) -> R) -> R {
    TAB.with(|tab| act(&mut tab.borrow_mut()))
}
