//! Markdown that the server has rendered (`server/markdown`) in a view: block by block, of which only those that change are
//! touched.

use leptos::prelude::*;

use super::part::{Line, Part, list, part};

pub fn blocks(class: &'static str, mut html: impl FnMut() -> Vec<String> + Send + 'static) -> Part {
    let blocks = list(move || html().into_iter().enumerate().map(block).collect());
    part(view! { <div class=class>{blocks}</div> })
}

/// A block is one line as long as it says the same.
fn block((at, html): (usize, String)) -> Line {
    let key = [&at.to_string(), " ", &*html].concat();
    (key, Box::new(move || part(view! { <div class="block" inner_html=html></div> })))
}
