//! Keeps the list of one's conversations beside the one that is shown as it is now (`pages/conversation_list.rs`): asked,
//! renamed, shared or deleted in whichever tab. What is typed or opened in it stays.

use std::{cell::Cell, rc::Rc};

use leptos::prelude::*;

use crate::{
    client::{Delivery, fetch_text, morph, subscribe_raw},
    wire::{Position, Topic, topic::Segment},
};

/// `position` is that at which the list is true; `current` the conversation that is shown, if it is known of.
pub fn watch(person: Segment, position: Position, current: String) {
    // How often it was asked for, and whether the last time was in vain.
    let asked = Rc::new(Cell::new((0_u32, false)));
    let told = move |delivery: Delivery<_>| {
        let (before, missed) = asked.get();
        match delivery {
            Delivery::Lost => return,
            Delivery::Resumed { .. } if !missed => return,
            _ => {}
        }
        let this = before + 1;
        asked.set((this, false));
        let (asked, url) = (asked.clone(), address(&current));
        leptos::task::spawn_local(async move {
            let html = fetch_text(&url).await;
            // A later one says more.
            if asked.get().0 != this {
                return;
            }
            match (html, document().query_selector(".talks").ok().flatten()) {
                (Some(html), Some(list)) => morph(&list, &html),
                _ => asked.set((this, true)),
            }
        });
    };
    subscribe_raw(Topic::Conversations { person }, position, Box::new(told));
}

/// With the words that are looked for.
fn address(current: &str) -> String {
    let search = window().location().search().unwrap_or_default();
    // It begins with a question mark.
    ["/api/conversations/list?current=", current, "&", search.get(1..).unwrap_or_default()].concat()
}
