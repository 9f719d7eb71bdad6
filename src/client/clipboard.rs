//! Copying a text for people. Browsers lend their clipboard to pages over HTTPS and from this very machine only; on others
//! (a phone that looks at a developer's machine) a selected field is copied, which is as old as the web and works.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlDocument, HtmlElement, HtmlTextAreaElement};

/// Whether it is in the clipboard.
pub async fn copy(text: String) -> bool {
    if window().is_secure_context() {
        let written = window().navigator().clipboard().write_text(&text);
        if JsFuture::from(written).await.is_ok() {
            return true;
        }
    }
    copy_selected(&text).unwrap_or(false)
}

fn copy_selected(text: &str) -> Option<bool> {
    let document = document();
    let before = document.active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    let field: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    field.set_value(text);
    field.set_attribute("style", "position: fixed; opacity: 0").ok()?;
    document.body()?.append_child(&field).ok()?;
    field.select();
    let copied = document.unchecked_into::<HtmlDocument>().exec_command("copy").unwrap_or(false);
    field.remove();
    if let Some(before) = before {
        let _ = before.focus();
    }
    Some(copied)
}
