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
    // Up to here all is found.
    let mut done = 0;
    let mut before = ' ';
    for (at, first) in text.char_indices() {
        let begins = !is_of_a_word(std::mem::replace(&mut before, first));
        let Some(rest) = text.get(at..).filter(|_| at >= done) else { continue };
        let special = match first {
            'h' if begins => link(rest).map(|link| (link.len(), Span::Link(link))),
            '@' => mention(rest, mentions).map(|name| (name.len(), Span::Mention(name))),
            _ => None,
        };
        if let Some((length, span)) = special {
            found.extend(plain(text, done, at));
            found.push(span);
            done = at + length;
        }
    }
    found.extend(plain(text, done, text.len()));
    found
}

fn plain(text: &str, from: usize, to: usize) -> Option<Span<'_>> {
    text.get(from..to).filter(|text| !text.is_empty()).map(Span::Text)
}

/// The address that the text begins with. Punctuation at its end belongs to the sentence, and so does a bracket that was
/// opened before it.
fn link(text: &str) -> Option<&str> {
    let start = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?.len();
    let mut address = text.get(..text.find(is_strange).unwrap_or(text.len()))?;
    let count = |address: &str, bracket: u8| address.bytes().filter(|byte| *byte == bracket).count();
    loop {
        let last = address.chars().next_back()?;
        let closes = last == ')' && count(address, b')') > count(address, b'(');
        if !closes && !matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '*' | '_') {
            break;
        }
        address = address.get(..address.len() - last.len_utf8())?;
    }
    let host = address.get(start..)?.split(['/', '?', '#']).next()?;
    // What stands before an `@` would be shown as if it were the host.
    let is_plain = host.chars().next().is_some_and(is_of_a_word) && host.bytes().all(|byte| byte != b'@');
    is_plain.then_some(address)
}

/// What no address has in it.
fn is_strange(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\'' | '`' | '{' | '}' | '|' | '\\' | '^')
}

/// Letters and digits; of what is not ASCII, everything but the blocks that hold punctuation and symbols. The tables
/// that know better are three kilobytes for every visitor.
fn is_of_a_word(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => c.is_ascii_alphanumeric(),
        // Latin-1's signs; general punctuation to dingbats and arrows; CJK punctuation, its forms, its full-width signs.
        '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{303f}' | '\u{fe10}'..='\u{fe6f}' => false,
        '\u{ff00}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}' => false,
        // Emoji and other pictures.
        _ => !('\u{1f000}'..='\u{1faff}').contains(&c),
    }
}

fn mention<'a>(text: &'a str, mentions: &[String]) -> Option<&'a str> {
    let rest = text.strip_prefix('@')?;
    let named = mentions.iter().filter(|name| rest.starts_with(name.as_str())).map(String::len).max()?;
    text.get(..1 + named)
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
            ("„https://例え.jp“、https", "https://例え.jp“、https"),
            ("ссылка：https://пример.рф/путь!", "https://пример.рф/путь"),
            ("🎉https://example.org", "https://example.org"),
        ] {
            assert_eq!(links(text), [found]);
        }
        for text in [
            "javascript:alert(1)",
            "https://",
            "xhttps://a.b",
            "https://good.org@evil.org/",
            "http://-",
            "h",
            "якhttps://a.b",
            "かhttps://a.b",
            "https://。",
        ] {
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
