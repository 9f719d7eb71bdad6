//! A message's text as people see it: links and mentions found in it, nothing else interpreted. Pure; what is not
//! recognised stays text, so whatever is written can only be shown.

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span<'a> {
    Text(&'a str),
    /// An address of http or https.
    Link(&'a str),
    /// A name after an `@`, which is in it.
    Mention(&'a str),
}

/// The stretches of a text, in order; together they are the text. `mentions` are the names that are somebody's.
pub fn spans<'a>(text: &'a str, mentions: &[String]) -> Vec<Span<'a>> {
    let mut found = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let begins = text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        let special = match rest.as_bytes()[0] {
            b'h' if begins => link(rest).map(|end| (end, Span::Link(&rest[..end]))),
            b'@' => mention(rest, mentions).map(|end| (end, Span::Mention(&rest[..end]))),
            _ => None,
        };
        match special {
            Some((end, span)) => {
                if plain < at {
                    found.push(Span::Text(&text[plain..at]));
                }
                found.push(span);
                at += end;
                plain = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    if plain < text.len() {
        found.push(Span::Text(&text[plain..]));
    }
    found
}

/// How long the address is that the text begins with. Punctuation at its end belongs to the sentence, and so does a
/// bracket that was opened before it.
fn link(text: &str) -> Option<usize> {
    let start = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?.len();
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`{}|\\^".contains(c);
    let mut end = text.find(strange).unwrap_or(text.len());
    loop {
        let address = &text[..end];
        let last = address.chars().next_back()?;
        let closes = last == ')' && address.matches(')').count() > address.matches('(').count();
        if !closes && !".,;:!?*_".contains(last) {
            break;
        }
        end -= last.len_utf8();
    }
    let host = text.get(start..end)?.split(['/', '?', '#']).next()?;
    // What stands before an `@` would be shown as if it were the host.
    let plain = !host.is_empty() && !host.contains('@') && host.chars().next().is_some_and(char::is_alphanumeric);
    plain.then_some(end)
}

fn mention(text: &str, mentions: &[String]) -> Option<usize> {
    let named = mentions.iter().filter(|name| text[1..].starts_with(name.as_str())).map(String::len).max()?;
    Some(1 + named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<&str> {
        let link = |span| if let Span::Link(address) = span { Some(address) } else { None };
        spans(text, &[]).into_iter().filter_map(link).collect()
    }

    #[test]
    fn addresses_are_found_without_the_sentence_around_them() {
        for (text, found) in [
            ("see https://example.org/a?b=c#d.", "https://example.org/a?b=c#d"),
            ("(http://example.org/x_(y))", "http://example.org/x_(y)"),
            ("https://例え.jp/だ", "https://例え.jp/だ"),
            ("<https://example.org>", "https://example.org"),
        ] {
            assert_eq!(links(text), [found]);
        }
        for text in ["javascript:alert(1)", "https://", "xhttps://a.b", "https://good.org@evil.org/", "http://-", "h"] {
            assert!(links(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_spans_are_the_text_and_names_are_the_longest_that_fit() {
        let names = ["Ada".to_owned(), "Ada Lovelace".to_owned()];
        let text = "hi @Ada Lovelace, @Bob\nhttps://a.org äh @Ada";
        let found = spans(text, &names);
        let mentioned: Vec<_> = found.iter().filter(|span| matches!(span, Span::Mention(_))).cloned().collect();
        assert_eq!(mentioned, [Span::Mention("@Ada Lovelace"), Span::Mention("@Ada")]);
        let whole: String =
            found.iter().map(|(Span::Text(text) | Span::Link(text) | Span::Mention(text))| *text).collect();
        assert_eq!(whole, text);
    }
}
