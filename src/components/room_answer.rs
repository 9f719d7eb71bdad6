//! What the assistant writes in a room while it writes: it grows in the room's log. How it ends is an event of the room
//! like any other, so nothing is done where its topic breaks off.

use leptos::prelude::*;

use super::{room_scroll, room_state::Room};
use crate::{
    client::{effect, follow_text, unsubscribe},
    wire::markdown::Patch,
};

/// Follows the message that is being written, if there is one: a room has one at a time.
pub fn follow(room: Room) {
    effect(move |_| {
        let (id, mark) =
            room.log.with(|log| log.written().map_or((0, None), |message| (message.id, message.run.clone())));
        let (before, subscription) = room.held.with_value(|held| held.written);
        if before == id {
            return;
        }
        unsubscribe(subscription);
        // All of it comes again, whatever the page shows of it already.
        let (mut text, mut html) = (String::new(), Vec::new());
        let grow = move |added: &str, patches: Vec<Patch>| {
            text.push_str(added);
            patches.into_iter().for_each(|patch| patch.apply(&mut html));
            room_scroll::change(room, &mut |log| {
                log.write(id, &text, &html);
                0
            });
        };
        let subscription = mark.and_then(|mark| follow_text(&mark, grow)).unwrap_or(0);
        room.held.update_value(|held| held.written = (id, subscription));
    });
}
