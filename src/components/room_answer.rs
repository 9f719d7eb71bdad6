//! What the assistant writes in a room while it writes: the text grows in the room's log. How it ends is an event of the room
//! like any other, so nothing is done where its topic breaks off.

use leptos::prelude::*;

use super::{room_scroll, room_state::Room};
use crate::{
    client::{effect, follow_text, unsubscribe},
    wire::{Topic, assistant::Run},
};

/// Follows the message that is being written, if there is one: a room has one at a time.
pub fn follow(room: Room) {
    effect(move |_| {
        let now = room.log.with(|log| log.written().and_then(|message| Some((message.id, message.run.clone()?))));
        let before = room.held.with_value(|held| held.written);
        if before.map(|(id, _)| id) == now.as_ref().map(|(id, _)| *id) {
            return;
        }
        if let Some((_, subscription)) = before {
            unsubscribe(subscription);
        }
        let followed = now.map(|(id, Run { id: run, position })| {
            // All of it comes again, whatever the page shows of it already.
            let mut text = String::new();
            let grow = move |added: String| {
                text.push_str(&added);
                room_scroll::change(room, &mut |log| {
                    log.write(id, &text);
                    0
                });
            };
            (id, follow_text(Topic::Run { id: run }, position, grow))
        });
        room.held.update_value(|held| held.written = followed);
    });
}
