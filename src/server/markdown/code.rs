//! The frame of a block of code, the same while it is written and afterwards: a bar with the language and a button, the code.
//! The button does nothing by itself; a page's script finds it by `data-copy`.

use super::highlight::{self, Effort};

pub const END: &str = "</code></pre></div>";

/// Longer names are not shown, in letters.
const LONGEST_NAME: usize = 24;

/// What a fence says of its language: the first word of its info string, and of that what is before a comma or a brace.
pub fn language(info: &str) -> &str {
    let word = info.trim().split(|letter: char| letter.is_whitespace() || letter == ',' || letter == '{').next();
    word.filter(|word| word.chars().count() <= LONGEST_NAME).unwrap_or_default()
}

pub fn start(language: &str) -> String {
    let mut html = r#"<div class="code"><div class="code__bar"><span class="code__language">"#.to_owned();
    escape(language, &mut html);
    html.push_str(r#"</span><button class="code__copy" type="button" data-copy="">Copy</button></div>"#);
    html.push_str(r#"<pre tabindex="0"><code class="code__text">"#);
    html
}

/// A whole block of code, in colours if they are known and there is effort left for them.
pub fn write(language: &str, code: &str, effort: &mut Effort, html: &mut String) {
    html.push_str(&start(language));
    let coloured = highlight::write(language, code, effort, html);
    if !coloured {
        escape(code, html);
    }
    html.push_str(END);
}

/// Text, for an element's content or an attribute's value. Of carriage returns and null bytes HTML makes something else.
pub fn escape(text: &str, html: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\r' => {}
            '\0' => html.push('\u{fffd}'),
            _ => html.push(letter),
        }
    }
}
