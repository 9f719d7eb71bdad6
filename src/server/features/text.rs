//! What people write for others to see: nothing that cannot be seen, and nothing that turns around what follows.

/// Controls, Unicode's bidirectional controls and characters without width; a line break is no harm where lines are shown.
/// Joiners are left: emoji and some scripts need them.
pub fn is_harmful(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e001f}'
    );
    c.is_control() || invisible
}

/// The same without what is harmful; lines and tabs stay.
pub fn harmless(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_harmful(*c)).collect()
}

/// Whether there is anything in it to be seen.
pub fn is_visible(text: &str) -> bool {
    text.chars().any(|c| {
        !c.is_whitespace()
            && !is_harmful(c)
            && !matches!(
                c,
                '\u{200c}' | '\u{200d}' | '\u{2800}' | '\u{3164}' | '\u{115f}' | '\u{1160}' | '\u{fe00}'..='\u{fe0f}'
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_nothing() {
        for text in ["", " ", "\u{200b}\u{200b}", "\u{200d}", "\u{3164}"] {
            assert!(!is_visible(text), "{text:?}");
        }
        assert!(is_visible("👩‍🚀") && is_visible("ä") && "👩‍🚀".chars().all(|c| !is_harmful(c)));
        assert!(['\u{202e}', '\u{200f}', '\u{0}', '\u{feff}'].into_iter().all(is_harmful));
    }
}
