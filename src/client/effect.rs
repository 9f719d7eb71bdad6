//! An `Effect` behind one type. leptos compiles its effects anew for each closure, at a kilobyte and a half each.

use leptos::prelude::Effect;

/// Runs in the browser, once the page is hydrated and whenever a signal that it has read changes. It is told whether
/// this is the first time.
pub fn effect(run: impl FnMut(bool) + 'static) {
    boxed(Box::new(run));
}

fn boxed(mut run: Box<dyn FnMut(bool)>) {
    Effect::new(move |before: Option<()>| run(before.is_none()));
}
