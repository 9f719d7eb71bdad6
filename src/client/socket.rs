//! A browser's WebSocket, held: the tab's connection on pages that talk back, and the way commands take. Where
//! WebSockets are blocked and HTTP is not, `tab/` falls back to server-sent events, and commands go over HTTP.

use std::cell::RefCell;

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::{
    event_source::Heard,
    http, page,
    record::Record,
    tab::{self, Wire},
};
use crate::wire::{socket::SUBPROTOCOL, stream::name};

pub use super::record::quoted;

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on the server's disk; the message that it was about, if it was about one.
    Done(Option<u64>),
    /// It cannot be: why, for people.
    Failed(String),
    /// Not now: the same again after this many milliseconds.
    Later(u32),
    /// The connection went before there was an answer: say it again when there is one.
    Unknown,
}

type Waiting = Box<dyn FnOnce(Outcome)>;

thread_local! {
    /// Who waits for the answer to which command.
    static WAITING: RefCell<Vec<(String, Waiting)>> = RefCell::default();
}

/// If the page says that it talks back, it connects over a WebSocket. Before any island subscribes.
pub fn prefer_where_asked() {
    if page::has(PAGE_SAYS) {
        tab::prefer(open);
    }
}

/// What such a page has in its head (`pages/room.rs`).
const PAGE_SAYS: &str = r#"meta[name="tidemark-connection"][content="socket"]"#;

/// Sends a command, which is JSON with this `id`. `then` is told what came of it, once.
pub fn command(id: String, json: String, then: impl FnOnce(Outcome) + 'static) {
    ask(id, json, Box::new(then));
}

fn ask(id: String, json: String, then: Waiting) {
    if tab::has_fallen_back() {
        leptos::task::spawn_local(async move {
            let answer = http::answer_to(COMMANDS, json).await.and_then(|text| Record::parse(&text));
            then(answer.map_or(Outcome::Unknown, |answer| outcome(&answer)));
        });
        return;
    }
    // First the place for the answer, then the question.
    let key = id.clone();
    WAITING.with(|waiting| waiting.borrow_mut().push((key, then)));
    if !tab::say(&json) {
        answered(&id, Outcome::Unknown);
    }
}

/// Says something to which no answer is wanted, if there is somebody to say it to.
pub fn mention(json: String) {
    if tab::has_fallen_back() {
        leptos::task::spawn_local(async move {
            http::post_json(COMMANDS, json).await;
        });
    } else {
        tab::say(&json);
    }
}

const COMMANDS: &str = "/api/command";

struct Socket {
    socket: WebSocket,
    // Kept alive as long as the browser may call them.
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

fn open(on: fn(Heard)) -> Option<Box<dyn Wire>> {
    let socket = WebSocket::new_with_str("/ws", SUBPROTOCOL).ok()?;
    let talking = socket.clone();
    let mut heartbeat_ms = f64::INFINITY;
    let mut said = page::now_ms();
    let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(interval) = heard(&event, on) {
            heartbeat_ms = interval;
        }
        // Timers of a hidden tab may stand still for a minute; messages are heard at once, and there is one at least
        // every heartbeat.
        let now = page::now_ms();
        if now - said >= heartbeat_ms * 0.5 {
            said = now;
            let _ = talking.send_with_str(r#"{"type":"heartbeat"}"#);
        }
    });
    let close =
        Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| ended(event.code(), &event.reason(), on));
    socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(close.as_ref().unchecked_ref()));
    Some(Box::new(Socket { socket, _message: message, _close: close }))
}

impl Wire for Socket {
    fn say(&self, json: &str) -> bool {
        self.socket.ready_state() == WebSocket::OPEN && self.socket.send_with_str(json).is_ok()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        if self.socket.ready_state() == WebSocket::CONNECTING {
            ask_if_blocked();
        }
        let _ = self.socket.close();
        let waiting = WAITING.with(|waiting| std::mem::take(&mut *waiting.borrow_mut()));
        // Not from within a drop: whoever waits may do anything.
        leptos::prelude::queue_microtask(move || waiting.into_iter().for_each(|(_, then)| then(Outcome::Unknown)));
    }
}

/// Hands a message on. The heartbeat's interval, if this is the message that says it.
fn heard(event: &MessageEvent, on: fn(Heard)) -> Option<f64> {
    let text = event.data().as_string()?;
    let said = Record::parse(&text)?;
    let kind = said.text("type")?;
    let name = match kind.as_str() {
        "event" => {
            let id = [&said.text("topic")?, "@", &said.text("position")?].concat();
            on(Heard::Event { name: "", id, data: said.json("data")? });
            return None;
        }
        "done" | "failed" => {
            // What has no id is an answer to nobody: a subscription that was refused.
            match said.text("id") {
                Some(id) => answered(&id, outcome(&said)),
                None => on(Heard::Error),
            }
            return None;
        }
        "connected" => name::CONNECTED,
        "subscribed" => name::SUBSCRIBED,
        "reset" => name::RESET,
        "lost" => name::LOST,
        "draining" => name::DRAINING,
        _ => name::HEARTBEAT,
    };
    let interval = said.number("heartbeat_ms");
    on(Heard::Event { name, id: String::new(), data: text });
    interval
}

/// The codes of docs/protocol.md that mean more than that the connection is gone.
fn ended(code: u16, words: &str, on: fn(Heard)) {
    let refused = |retry: &str| {
        let data = [r#"{"message":"#, &quoted(words), r#","retry_ms":"#, retry, "}"].concat();
        Heard::Event { name: name::REFUSED, id: String::new(), data }
    };
    on(match code {
        4401 | 4406 => refused("null"),
        4429 => refused("60000"),
        _ => {
            if !tab::is_connected() {
                ask_if_blocked();
            }
            Heard::Error
        }
    });
}

/// A WebSocket did not open. Only where HTTP gets through meanwhile it is WebSockets that are blocked, and neither the
/// network nor the server that is gone.
fn ask_if_blocked() {
    leptos::task::spawn_local(async {
        if http::gets_through().await {
            tab::note_blocked();
        }
    });
}

fn answered(id: &str, outcome: Outcome) {
    let then = WAITING.with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let at = waiting.iter().position(|(waits, _)| waits == id)?;
        Some(waiting.swap_remove(at).1)
    });
    if let Some(then) = then {
        then(outcome);
    }
}

/// What the server answered, over either way. `message` is a message's number if it was done, words for people if not.
fn outcome(answer: &Record) -> Outcome {
    match (answer.text("code").as_deref(), answer.text("message")) {
        (None, _) => Outcome::Done(answer.number("message").map(|id| id as u64)),
        (Some("too-fast"), _) => Outcome::Later(answer.number("retry_ms").map_or(1_000, |ms| ms as u32)),
        (Some("unavailable"), _) => Outcome::Later(5_000),
        (Some(_), Some(words)) => Outcome::Failed(words),
        (Some(_), None) => Outcome::Failed("the server did not take it".to_owned()),
    }
}
