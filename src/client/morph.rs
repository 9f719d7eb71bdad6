//! Makes an element hold what HTML says, and touches of it only what says something else: what is selected, scrolled,
//! focused, opened or typed in the rest stays so.

use wasm_bindgen::JsCast;
use web_sys::{CharacterData, Element, Node};

/// The HTML is the server's or `markup.rs`'s: it is not looked at.
///
/// Elements with an id are recognised by it, others by their place. What the reader has opened stays open.
pub fn morph(element: &Element, html: &str) {
    let Ok(new) = element.clone_node().map(JsCast::unchecked_into::<Element>) else { return };
    new.set_inner_html(html);
    children(element, &new);
}

fn children(old: &Node, new: &Node) {
    let (mut here, mut next) = (old.first_child(), new.first_child());
    while let Some(node) = next {
        next = node.next_sibling();
        let name = id(&node);
        let found = find(here.clone(), &name);
        match found {
            Some(found) if found.node_name() == node.node_name() => {
                if Some(&found) == here.as_ref() {
                    here = found.next_sibling();
                } else {
                    let _ = old.insert_before(&found, here.as_ref());
                }
                become_(&found, &node);
            }
            // Another kind of element stands here.
            Some(other) if name.is_empty() => {
                here = other.next_sibling();
                let _ = old.replace_child(&node, &other);
            }
            _ => drop(old.insert_before(&node, here.as_ref())),
        }
    }
    while let Some(gone) = here {
        here = gone.next_sibling();
        let _ = old.remove_child(&gone);
    }
}

/// The element with this id, from this one on; for a node without an id this one, if it has none.
fn find(mut here: Option<Node>, name: &str) -> Option<Node> {
    if name.is_empty() {
        return here.filter(|here| id(here).is_empty());
    }
    while let Some(node) = here {
        if id(&node) == name {
            return Some(node);
        }
        here = node.next_sibling();
    }
    None
}

fn id(node: &Node) -> String {
    node.dyn_ref::<Element>().map(Element::id).unwrap_or_default()
}

fn become_(old: &Node, new: &Node) {
    if old.is_equal_node(Some(new)) {
        return;
    }
    if let (Some(element), Some(like)) = (old.dyn_ref::<Element>(), new.dyn_ref::<Element>()) {
        attributes(element, like);
        return children(old, new);
    }
    let (before, now) = (old.node_value().unwrap_or_default(), new.node_value().unwrap_or_default());
    match (now.strip_prefix(&*before), old.dyn_ref::<CharacterData>()) {
        // What is selected in a text stays selected while it grows.
        (Some(more), Some(text)) => drop(text.append_data(more)),
        _ => old.set_node_value(Some(&now)),
    }
}

fn attributes(old: &Element, new: &Element) {
    for name in names(new) {
        let value = new.get_attribute(&name);
        if old.get_attribute(&name) != value {
            let _ = old.set_attribute(&name, &value.unwrap_or_default());
        }
    }
    for name in names(old) {
        if name != "open" && !new.has_attribute(&name) {
            let _ = old.remove_attribute(&name);
        }
    }
}

fn names(element: &Element) -> Vec<String> {
    element.get_attribute_names().iter().filter_map(|name| name.as_string()).collect()
}
