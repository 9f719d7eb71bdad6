//! What the assistant wrote in rooms, as HTML. It is made when it is read and not stored with the message, so that what the
//! renderer lets through is never older than the renderer. What anybody else wrote stays text.

use super::NAME;
use crate::{
    server::markdown::{self, Effort},
    wire::room::Message,
};

/// Messages as they are shown. The newest get their colours first: there is an end to what is coloured at each look.
pub fn formatted(mut messages: Vec<Message>) -> Vec<Message> {
    let mut effort = Effort::default();
    for message in messages.iter_mut().rev() {
        if message.author.bot && message.author.id == NAME {
            message.html = markdown::render_within(&message.text, &mut effort);
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::room::Author;

    #[test]
    fn only_what_the_assistant_wrote_is_html() {
        let by = |id: &str, bot| {
            let author = Author { id: id.into(), bot, ..Author::default() };
            Message { author, text: "**b** <i>".into(), ..Message::default() }
        };
        for _ in 0..2 {
            let all = formatted(vec![by(NAME, true), by(NAME, false), by("key", true), by("ada", false)]);
            let html: Vec<_> = all.into_iter().map(|message| message.html).collect();
            assert_eq!(html, [vec!["<p><strong>b</strong> &lt;i&gt;</p>".to_owned()], vec![], vec![], vec![]]);
        }
    }
}
