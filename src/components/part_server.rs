//! A part of a view behind one type, and a list of such parts: on the server, where it is leptos's own and is rendered
//! once. `part.rs` is the browser's, and says why.

use leptos::prelude::*;

pub type Part = AnyView;

pub fn part(view: impl IntoAny) -> Part {
    view.into_any()
}

/// A line of a list by its key.
pub type Line = (String, Box<dyn FnOnce() -> Part + Send>);

/// The lines as they are now.
pub fn list(mut lines: impl FnMut() -> Vec<Line> + Send + 'static) -> Box<dyn FnMut() -> Vec<Part> + Send> {
    Box::new(move || lines().into_iter().map(|(_, make)| make()).collect())
}

/// The part, if it is there.
pub fn when(
    mut shown: impl FnMut() -> bool + Send + 'static,
    make: impl Fn() -> Part + Send + Sync + 'static,
) -> Box<dyn FnMut() -> Vec<Part> + Send> {
    Box::new(move || shown().then(&make).into_iter().collect())
}
