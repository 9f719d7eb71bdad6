//! Where the first block of a text ends, and what of an unfinished text is shown. Knows lines and offsets, no HTML.

use super::html;
use pulldown_cmark::{Event, Parser};

/// Where the first block ends, if a line after it belongs to something else. All lines are complete: of one that is not, the
/// rest may still make it part of the block (`#` is a heading, `#1` goes on with a paragraph).
pub fn end_of_first(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (event, range) in Parser::new_ext(text, html::OPTIONS).into_offset_iter() {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return next_line(text, range.end);
        }
    }
    None
}

/// Where the first line with something in it begins, at `from` or after it; none if `from` is in the midst of a line.
fn next_line(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let at = from + (rest.len() - rest.trim_ascii_start().len());
    let before = text.get(..at)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    (at < text.len() && line >= from).then_some(line)
}

/// The text without a last line of which nobody can tell yet what it will be: `-` may become a list or make a heading of the
/// line above, a backtick may become code. Shown as text it would jump a moment later.
pub fn visible(text: &str) -> &str {
    let line = text.rfind('\n').map_or(0, |end| end + 1);
    match text.get(line..) {
        Some(last) if is_undecided(last) => text.get(..line).unwrap_or_default(),
        _ => text,
    }
}

fn is_undecided(line: &str) -> bool {
    // What is within a quotation or a list begins in the same ways.
    let mut rest = line.trim_start_matches([' ', '\t', '>']);
    let item = rest.strip_prefix(['-', '*', '+']).or_else(|| {
        let number = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        (number.len() < rest.len()).then(|| number.strip_prefix(['.', ')'])).flatten()
    });
    if let Some(content) = item.and_then(|item| item.strip_prefix(' ')) {
        rest = content.trim_start();
        if matches!(rest, "[" | "[ " | "[x" | "[X" | "[ ]" | "[x]" | "[X]") {
            return true;
        }
    }
    let is_of_marks = rest.chars().all(|letter| "-=*_+#|:>`~ \t\r".contains(letter));
    let number = rest.trim_end_matches([' ', '.', ')']);
    let is_number = number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_fence = rest.starts_with("~~~") || rest.starts_with("```") && !rest.trim_start_matches('`').contains('`');
    is_of_marks || is_number || is_fence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_where_a_line_belongs_to_something_else() {
        for (text, end) in [
            ("a\n", None),
            ("a\n\n", None),
            ("a\nb\n", None),
            ("a\n\nb\n", Some(3)),
            ("a\n# b\n", Some(2)),
            ("- a\n\n  b\n", None),
            ("- a\n\n- b\n", None),
            ("- a\n* b\n", Some(4)),
            ("a\n\n    b\n", Some(3)),
            ("# a\n\n[b]: /c\n", Some(5)),
            ("[b]: /c\n\na\n", None),
            ("***\nb\n", Some(4)),
            ("| a |\n|---|\n| b |\n", None),
            ("a\n| b |\n", None),
        ] {
            assert_eq!(end_of_first(text), end, "{text:?}");
        }
    }

    #[test]
    fn a_last_line_that_may_become_anything_is_not_shown() {
        for last in [
            "-", "- ", "--", "=", "`", "``", "```ru", "- ```ru", "> ``", "1", "12. ", "- [", "* [x]", "|--", "##",
            "~~~",
        ] {
            assert_eq!(visible(&format!("a\n{last}")), "a\n", "{last:?}");
            assert_eq!(visible(last), "", "{last:?}");
        }
        for last in ["b", "- b", "`b", "```b```", "1. b", "- [x] b", "[", "# b", "*b", "| b", "**b**"] {
            let text = format!("a\n{last}");
            assert_eq!(visible(&text), text);
        }
    }
}
