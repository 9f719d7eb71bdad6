//! What the tab knows of each key, shared by all components that use it: a schedule, the last answer's tag and text, who
//! is to be told. A `thread_local`, touched in Effects and handlers only, never while rendering on the server.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use web_sys::AbortController;

use super::{
    input::{Answer, Commands, Failure, Input, Shown},
    request::{self, Reply, Said},
    rules::{Rules, Value},
    schedule::Schedule,
};
use crate::client::page;

/// Reads an answer's text as the type that the components of its key have in common.
pub type Parse = fn(&str) -> Option<Value>;

/// Told whenever what a component shows may have changed.
pub type Show = Rc<dyn Fn(Shown)>;

pub struct Component {
    pub id: u32,
    pub rules: Rc<Rules>,
    pub first: Option<Value>,
    pub parse: Parse,
    pub show: Show,
}

struct Entry {
    key: String,
    schedule: Schedule,
    components: Vec<(u32, Show)>,
    parse: Parse,
    /// Of the last answer with data.
    etag: Option<String>,
    text: Option<String>,
    abort: Option<AbortController>,
    timer: Option<TimeoutHandle>,
}

#[derive(Default)]
struct Cache {
    /// Never removed: a key that is shown again shows at once what it showed last.
    entries: Vec<Entry>,
    offline: bool,
    watching: bool,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// A component begins to use a key.
pub fn join(key: String, component: Component, initial: bool) {
    let Component { id, rules, first, parse, show } = component;
    let watching = with(|cache| {
        if !cache.entries.iter().any(|entry| entry.key == key) {
            let schedule = Schedule::new(document().hidden(), cache.offline);
            let (key, components) = (key.clone(), Vec::new());
            let entry = Entry { key, schedule, components, parse, etag: None, text: None, abort: None, timer: None };
            cache.entries.push(entry);
        }
        cache.entry(&key, |entry| entry.components.push((id, show)));
        std::mem::replace(&mut cache.watching, true)
    });
    if !watching {
        watch();
    }
    tell(&key, Input::Mount { id, rules, first, initial });
}

pub fn leave(id: u32) {
    if let Some(key) = key_of(id) {
        with(|cache| cache.entry(&key, |entry| entry.components.retain(|(component, _)| *component != id)));
        tell(&key, Input::Unmount(id));
    }
}

/// The key that a component uses now.
pub fn key_of(id: u32) -> Option<String> {
    with(|cache| {
        let uses = |entry: &&Entry| entry.components.iter().any(|(component, _)| *component == id);
        cache.entries.iter().find(uses).map(|entry| entry.key.clone())
    })
}

/// Everything that bears on a key goes through here.
pub fn tell(key: &str, input: Input) {
    let (now, random) = (page::now_ms(), page::random());
    let told = with(|cache| {
        cache.entry(key, |entry| {
            let Commands { cancel, ask } = entry.schedule.handle(input, now, random);
            let cancelled = cancel.and_then(|_| entry.abort.take());
            let due: Vec<_> =
                entry.components.iter().map(|(id, show)| (show.clone(), entry.schedule.shown(*id))).collect();
            (cancelled, ask, due)
        })
    });
    let Some((cancelled, ask, due)) = told else { return };
    if let Some(cancelled) = cancelled {
        cancelled.abort();
    }
    if let Some(request) = ask {
        send(key, request);
    }
    wake_later(key, now);
    // Nothing is borrowed meanwhile: a component may do anything from within.
    due.into_iter().for_each(|(show, shown)| show(shown));
}

/// A timer for what the schedule wants next. Browsers take longer ones for none; then it ticks in vain, and anew.
fn wake_later(key: &str, now: f64) {
    const LONGEST_MS: f64 = 2_147_483_647.0;
    let name = key.to_owned();
    with(|cache| {
        cache.entry(key, |entry| {
            if let Some(timer) = entry.timer.take() {
                timer.clear();
            }
            let Some(at) = entry.schedule.next_wake() else { return };
            let wait = Duration::from_millis((at - now).clamp(0.0, LONGEST_MS).ceil() as u64);
            entry.timer = set_timeout_with_handle(move || tell(&name, Input::Tick), wait).ok();
        })
    });
}

/// Tells every key what the browser tells of the page, for as long as the page lives.
fn watch() {
    let tell_all = |input: fn() -> Input| {
        let keys = with(|cache| cache.entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>());
        keys.iter().for_each(|key| tell(key, input()));
    };
    // The handles are dropped on purpose: what they would remove is to stay.
    let _ = window_event_listener_untyped("focus", move |_| tell_all(|| Input::Focus));
    let _ = window_event_listener_untyped("online", move |_| {
        with(|cache| cache.offline = false);
        tell_all(|| Input::Online);
    });
    let _ = window_event_listener_untyped("offline", move |_| {
        with(|cache| cache.offline = true);
        tell_all(|| Input::Offline);
    });
    // Fired at the document, from where it rises to the window.
    let _ = window_event_listener_untyped("visibilitychange", move |_| match document().hidden() {
        true => tell_all(|| Input::Hidden),
        false => tell_all(|| Input::Visible),
    });
}

fn send(key: &str, request: u32) {
    let abort = AbortController::new().ok();
    let signal = abort.as_ref().map(AbortController::signal);
    let etag = with(|cache| {
        cache.entry(key, |entry| {
            entry.abort = abort;
            entry.etag.clone()
        })
    });
    let key = key.to_owned();
    leptos::task::spawn_local(async move {
        let Reply { said, advised_ms } = request::ask(&key, etag.flatten().as_deref(), signal.as_ref()).await;
        // One that was cancelled may have been answered just before: its tag must not outlive its data.
        let read = |entry: &mut Entry| entry.schedule.waits_for(request).then(|| entry.read(said));
        if let Some(answer) = with(|cache| cache.entry(&key, read)).flatten() {
            tell(&key, Input::Answered { request, answer, advised_ms });
        }
    });
}

impl Entry {
    fn read(&mut self, said: Said) -> Answer {
        let (text, etag) = match said {
            Said::NotModified => return Answer::Same,
            Said::Failed { failure, retry_after_ms } => return Answer::Failed { failure, retry_after_ms },
            Said::Text { text, etag } => (text, etag),
        };
        if self.text.as_ref() == Some(&text) {
            self.etag = etag;
            return Answer::Same;
        }
        let Some(value) = (self.parse)(&text) else {
            let failure = Failure { status: 200, message: "The server's answer cannot be read.".to_owned() };
            return Answer::Failed { failure, retry_after_ms: None };
        };
        (self.text, self.etag) = (Some(text), etag);
        Answer::Data(value)
    }
}

impl Cache {
    fn entry<R>(&mut self, key: &str, act: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        self.entries.iter_mut().find(|entry| entry.key == key).map(act)
    }
}

fn with<R>(act: impl FnOnce(&mut Cache) -> R) -> R {
    CACHE.with(|cache| act(&mut cache.borrow_mut()))
}
