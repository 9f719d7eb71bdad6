//! A browser's EventSource, held. Dropping it closes it, and nothing is heard from it any more.
//! It never reconnects by itself: the first error ends it, and `link/` decides what follows. (The browser's own
//! reconnects have no jitter, and after any status but 200 there are none.)

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

use crate::wire::stream::name;

/// What arrives. `name` is empty for a topic's own events.
pub enum Heard {
    Event { name: &'static str, id: String, data: String },
    Error,
}

pub struct Source {
    source: EventSource,
    // Kept alive as long as the browser may call it.
    _listener: Closure<dyn FnMut(web_sys::Event)>,
}

const NAMES: [&str; 8] = [
    "message",
    name::CONNECTED,
    name::SUBSCRIBED,
    name::RESET,
    name::HEARTBEAT,
    name::DRAINING,
    name::REFUSED,
    name::LOST,
];

impl Source {
    /// Opens at once. Nothing if the browser will not even try (a URL that its policy forbids).
    pub fn open(url: &str, mut on: impl FnMut(Heard) + 'static) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let listener = Closure::new(move |event: web_sys::Event| on(heard(&event)));
        let function = listener.as_ref().unchecked_ref();
        for name in NAMES {
            source.add_event_listener_with_callback(name, function).ok()?;
        }
        source.add_event_listener_with_callback("error", function).ok()?;
        Some(Self { source, _listener: listener })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let function = self._listener.as_ref().unchecked_ref();
        for name in NAMES.into_iter().chain(["error"]) {
            // It cannot fail: the listener is there.
            let _ = self.source.remove_event_listener_with_callback(name, function);
        }
        self.source.close();
    }
}

fn heard(event: &web_sys::Event) -> Heard {
    let kind = event.type_();
    match (event.dyn_ref::<MessageEvent>(), NAMES.into_iter().find(|name| *name == kind)) {
        (Some(message), Some(name)) => Heard::Event {
            name: if name == "message" { "" } else { name },
            id: message.last_event_id(),
            data: message.data().as_string().unwrap_or_default(),
        },
        _ => Heard::Error,
    }
}
