//! What the browser tells about the page: time, chance, visibility, network, the back-forward cache.

use leptos::{ev, prelude::*};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;

use super::{json, link::Input};

/// Milliseconds of a clock that runs on while the machine sleeps. (`performance.now()` stands still on some systems.)
/// It may be set: `link/` follows it back.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// What to add to UTC for the reader's clock at that moment, in minutes.
pub fn local_offset_minutes(unix_ms: u64) -> i32 {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(unix_ms as f64));
    -(date.get_timezone_offset() as i32)
}

/// What the server wrote into the element with this id, as JSON. Nothing if it is not there or not a `T`.
pub fn read_element<T: DeserializeOwned>(id: &str) -> Option<T> {
    json::parse(&document().get_element_by_id(id)?.text_content()?)
}

/// Loads the page anew, unless that is how it came to be. Whether it will.
pub fn reload_once() -> bool {
    const RELOADED: u16 = 1; // https://w3c.github.io/navigation-timing/#sec-performance-navigation-types
    let again = window().performance().is_some_and(|timing| timing.navigation().type_() == RELOADED);
    !again && window().location().reload().is_ok()
}

/// Whether there is anything finer than fingers to point with, and so most likely keys.
pub fn has_mouse() -> bool {
    window().match_media("(any-pointer: fine)").ok().flatten().is_none_or(|query| query.matches())
}

/// Whether a key belongs to the input method that composes a character. Safari ends the composition first, and tells by the
/// code only.
pub fn is_composing(event: &ev::KeyboardEvent) -> bool {
    const OF_AN_INPUT_METHOD: u32 = 229; // https://w3c.github.io/uievents/#determine-keydown-keyup-keyCode
    event.is_composing() || event.key_code() == OF_AN_INPUT_METHOD
}

pub fn random() -> f64 {
    js_sys::Math::random()
}

/// An id that nobody else makes: letters and digits.
pub fn random_id() -> String {
    let part = || ((random() * f64::from(u32::MAX)) as u32).to_string();
    [&part(), "-", &part(), "-", &part()].concat()
}

/// 32 hexadecimal digits that nobody else can guess.
pub fn random_hex() -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = [0; 16];
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    let mut digits = String::new();
    for byte in bytes {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte));
    }
    digits
}

/// Whether there is such an element.
pub fn has(selector: &str) -> bool {
    document().query_selector(selector).is_ok_and(|found| found.is_some())
}

/// What the tab's window is called.
pub fn set_title(title: &str) {
    document().set_title(title);
}

/// Keeps a text for this tab, over reloads. Nothing is kept where the browser does not allow it.
pub fn remember(key: &str, text: &str) {
    if let Ok(Some(storage)) = window().session_storage() {
        let _ = storage.set_item(key, text);
    }
}

pub fn remembered(key: &str) -> Option<String> {
    window().session_storage().ok()??.get_item(key).ok()?
}

pub fn remove_remembered(key: &str) {
    if let Ok(Some(storage)) = window().session_storage() {
        let _ = storage.remove_item(key);
    }
}

/// Calls `tell` for everything that bears on the connection, for as long as the page lives.
pub fn watch(tell: fn(Input)) {
    // The handles are dropped on purpose: what they would remove is to stay.
    let _ = window_event_listener(ev::online, move |_| tell(Input::Online));
    let _ = window_event_listener(ev::offline, move |_| tell(Input::Offline));
    let _ = window_event_listener_untyped("pagehide", move |_| tell(Input::Frozen(true)));
    let _ = window_event_listener_untyped("pageshow", move |event| {
        if event.dyn_ref::<web_sys::PageTransitionEvent>().is_some_and(web_sys::PageTransitionEvent::persisted) {
            tell(Input::Frozen(false));
        }
    });
    // A tab may have been opened in the background.
    let look = move || tell(if document().hidden() { Input::Hidden } else { Input::Visible });
    look();
    let looked = wasm_bindgen::prelude::Closure::<dyn Fn()>::new(look);
    let _ = document().add_event_listener_with_callback("visibilitychange", looked.as_ref().unchecked_ref());
    looked.forget();
    // Four times a second: a countdown in whole seconds then never skips one.
    let _ = set_interval_with_handle(move || tell(Input::Tick), std::time::Duration::from_millis(250));
}

/// Keeps these as the browser tells, for as long as the page lives.
pub fn watch_away(offline: RwSignal<bool>, hidden: RwSignal<bool>) {
    let look = move || {
        hidden.try_set(document().hidden());
    };
    look();
    // The handles are dropped on purpose: what they would remove is to stay.
    for (name, is) in [("offline", true), ("online", false)] {
        let _ = window_event_listener_untyped(name, move |_| {
            offline.try_set(is);
        });
    }
    let _ = window_event_listener_untyped("visibilitychange", move |_| look());
}

/// In a debug build a panic says where; in a release build its message would cost every visitor kilobytes.
pub fn report_panics() {
    if cfg!(debug_assertions) {
        std::panic::set_hook(Box::new(|info| leptos::logging::error!("{info}")));
    }
}
