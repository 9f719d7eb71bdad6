//! Markdown that the server has rendered (`server/markdown`) in a view: block by block, of which only those that change are
//! touched, and of those only what is another than before: what is selected in the block that grows stays selected.

use leptos::prelude::*;

use super::{
    dynamic::dynamic,
    part::{Line, Part, list, part},
};

pub fn blocks(class: &'static str, mut html: impl FnMut() -> Vec<String> + Send + 'static) -> Part {
    let mut held: Vec<RwSignal<String>> = Vec::new();
    // They last as long as what is around them, and not only until more is written.
    let around = Owner::current().unwrap_or_default();
    let blocks = list(move || {
        let html = html();
        held.truncate(html.len());
        for (at, html) in html.into_iter().enumerate() {
            match held.get(at) {
                Some(block) if block.with_untracked(|block| *block == html) => {}
                Some(block) => block.set(html),
                None => held.push(around.with(|| RwSignal::new(html))),
            }
        }
        held.iter().copied().enumerate().map(block).collect()
    });
    part(view! { <div class=class>{blocks}</div> })
}

/// A block is one line for as long as there are so many.
fn block((at, html): (usize, RwSignal<String>)) -> Line {
    let make = move || part(view! { <div class="block" inner_html=dynamic(move || html.get())></div> });
    (at.to_string(), Box::new(make))
}
