//! What changes in a view, on the server, where it is rendered once. `dynamic.rs` is the browser's, and says why.

/// A closure to stand in a view or an attribute.
pub fn dynamic<T>(value: impl FnMut() -> T + Send + 'static) -> Box<dyn FnMut() -> T + Send> {
    Box::new(value)
}

/// What a page has handed to its islands.
pub fn planted<T: Clone + 'static>() -> Option<T> {
    leptos::prelude::use_context()
}
