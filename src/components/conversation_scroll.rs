//! Where the reader is in a conversation. The page follows what is written until they scroll up, and again once they
//! are back at its end.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::ResizeObserver;

use super::conversation_state::Chat;
use crate::client::effect;

/// Closer to the end than this, in pixels, is at the end.
const NEAR_END: i32 = 100;

/// Whether the page follows, now that it was scrolled to `top`, which is `distance` from its end. The page itself scrolls
/// down only: what goes up is the reader, unless there is less to be seen and the page ends where it stands.
fn follows(was: bool, before: i32, top: i32, distance: i32) -> bool {
    if top < before { was && distance <= 1 } else { was || distance < NEAR_END }
}

/// Follows from now on, for as long as the page lives.
pub fn watch(chat: Chat) {
    effect(move |first| {
        if !first {
            return;
        }
        let handle = window_event_listener_untyped("scroll", move |_| scrolled(chat));
        on_cleanup(move || handle.remove());
        // The page was opened at its end, unless a link led to a message; and whoever has read on meanwhile is not pulled back.
        let at_end = place().is_some_and(|(_, distance)| distance < NEAR_END);
        chat.held.update_value(|held| held.follows &= at_end);
        // Told before what has grown is painted: nothing is seen to jump.
        let grown = Closure::<dyn Fn()>::new(move || match chat.held.try_with_value(|held| held.follows) {
            Some(true) => go_to_end(chat),
            Some(false) => show_way(chat),
            None => {}
        });
        if let (Ok(observer), Some(body)) = (ResizeObserver::new(grown.as_ref().unchecked_ref()), document().body()) {
            observer.observe(&body);
        }
        grown.forget();
    });
}

/// How far the page is scrolled, and how far that is from its end.
fn place() -> Option<(i32, i32)> {
    let page = document().document_element()?;
    let top = page.scroll_top();
    Some((top, page.scroll_height() - page.client_height() - top))
}

fn scrolled(chat: Chat) {
    let Some((top, distance)) = place() else { return };
    chat.held.try_update_value(|held| {
        held.follows = follows(held.follows, held.top, top, distance);
        held.top = top;
    });
    show_way(chat);
}

/// The way back to the end, to whoever is away from it.
fn show_way(chat: Chat) {
    let follows = chat.held.try_with_value(|held| held.follows) != Some(false);
    let away = !follows && place().is_some_and(|(_, distance)| distance >= NEAR_END);
    if chat.away.try_get_untracked().is_some_and(|was| was != away) {
        chat.away.set(away);
    }
}

/// Goes where the newest is, and stays there.
pub fn go_to_end(chat: Chat) {
    let Some(page) = document().document_element() else { return };
    page.set_scroll_top(page.scroll_height());
    chat.held.try_update_value(|held| (held.follows, held.top) = (true, page.scroll_top()));
    if chat.away.try_get_untracked() == Some(true) {
        chat.away.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_follows_until_the_reader_goes_up_and_again_at_its_end() {
        assert!(follows(true, 500, 500, 700), "what grows is followed");
        assert!(!follows(true, 500, 490, 10), "a little up is up");
        assert!(follows(true, 500, 300, 0), "less is to be seen");
        assert!(!follows(false, 300, 400, 100), "on the way down");
        assert!(follows(false, 300, 401, 99), "back at the end");
        assert!(!follows(false, 300, 200, 0), "up stays up");
    }
}
