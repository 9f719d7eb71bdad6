//! Markup as text, for what stands beneath answers and questions: forms and buttons, which one listener serves
//! (`conversation_acts.rs`). A view of each would be a kilobyte for every visitor; as text they are what they look like. Pure.

/// A text, to stand between tags or within quotation marks.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(c),
        }
    }
    html
}

/// A form with these hidden fields, and what else is in it.
pub fn form(class: &str, path: &str, fields: &[(&str, &str)], inside: &str) -> String {
    let mut html = ["<form class=\"", class, "\" method=\"post\" action=\"", path, "\">"].concat();
    for (name, value) in fields {
        html.push_str(&["<input type=\"hidden\" name=\"", name, "\" value=\"", &escaped(value), "\">"].concat());
    }
    html + inside + "</form>"
}

/// An element with text in it.
pub fn element(tag: &str, attributes: &str, text: &str) -> String {
    ["<", tag, " ", attributes, ">", &escaped(text), "</", tag, ">"].concat()
}

/// Models to choose from, of which one is chosen, or else the first.
pub fn select(attributes: &str, models: &[String], chosen: &str) -> String {
    let mut html = ["<select name=\"model\" ", attributes, ">"].concat();
    for model in models {
        let is_chosen = if model == chosen { "\" selected" } else { "\"" };
        html.push_str(&element("option", &["value=\"", &escaped(model), is_chosen].concat(), model));
    }
    html + "</select>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_becomes_markup() {
        let evil = "\"><script>&";
        assert_eq!(escaped(evil), "&quot;&gt;&lt;script&gt;&amp;");
        assert_eq!(
            form("c", "/p", &[("f", evil)], &element("b", "", evil)),
            "<form class=\"c\" method=\"post\" action=\"/p\"><input type=\"hidden\" name=\"f\" \
             value=\"&quot;&gt;&lt;script&gt;&amp;\"><b >&quot;&gt;&lt;script&gt;&amp;</b></form>"
        );
        assert_eq!(
            select("", &["<", "b"].map(str::to_owned), "b"),
            "<select name=\"model\" ><option value=\"&lt;\">&lt;</option><option value=\"b\" selected>b</option></select>"
        );
    }
}
