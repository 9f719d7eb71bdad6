//! What an island starts from. A page plants it: for the islands that the server renders, and as JSON in the page for
//! the same islands in the browser. An island's props would do that too, but leptos reads them with serde_json, which
//! costs every visitor 30 kB: see docs/ARCHITECTURE.md.

use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::dynamic::planted;
use crate::client;

/// Something that pages hand to their islands, at most one of its kind a page.
pub trait Seed: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The id of the element that holds it.
    const ID: &'static str;
}

/// Makes a seed known to the islands rendered after it. The view is for the page, before its islands.
pub fn plant<T: Seed>(seed: T) -> impl IntoView {
    // The one character that could end the element early.
    let json = serde_json::to_string(&seed).map(|json| json.replace('<', r"\u003c"));
    let json = json.inspect_err(|error| leptos::logging::error!("the seed {} has no JSON: {error}", T::ID));
    provide_context(seed);
    view! { <script type="application/json" id=T::ID>{json.unwrap_or_default()}</script> }
}

/// For an island: the same on the server as in the browser, so that both render the same.
///
/// # Panics
/// If the page has not planted it.
pub fn take<T: Seed>() -> T {
    let seed = planted().or_else(|| client::read_element(T::ID));
    seed.expect("a page plants what its islands start from")
}
