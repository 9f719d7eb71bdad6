//! Names, positions and texts as anybody may write them: what is read has one spelling, and what is shown is what was written.
//! `make audit` tries many times as many cases as `make test` does.

use proptest::{collection::vec, prelude::*};

use super::{
    Epoch, Position, Topic,
    markdown::Patch,
    rich_text::{Span, spans},
    topic::{Mark, Segment, TOPIC_BYTES},
};

/// What names of topics and marks are made of, and what is next to it.
const PARTS: &[&str] = &[
    "feed",
    "inspector",
    "user",
    "room",
    "presence",
    "typing",
    "job",
    "conversation",
    "run",
    "channel",
    "/",
    "/",
    "/",
    "@",
    ":",
    "a",
    "B9",
    "-._~",
    "9f3ac04e51d27b86",
    "9F3A",
    "1234",
    "0",
    "18446744073709551615",
    "18446744073709551616",
    " ",
    "\n",
    "%20",
    "ä",
    ",",
];

const SENTENCES: &[&str] = &[
    "https://",
    "http://",
    "h",
    "a.b",
    "例え.jp",
    "/",
    "?",
    "#",
    "@",
    "@Ada",
    "Ada Lovelace",
    "Ä",
    " ",
    "\n",
    "(",
    ")",
    ".",
    ",",
    "*",
    "_",
    "<",
    "\"",
    "javascript:",
    "\u{202e}",
    "🎉",
];

fn text_of(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        10 => prop::sample::select(parts).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(part, 0..12).prop_map(|parts| parts.concat())
}

fn segment() -> impl Strategy<Value = Segment> {
    "[A-Za-z0-9._~-]{1,48}".prop_map(|text| Segment::new(&text).expect("a segment"))
}

fn topic() -> impl Strategy<Value = Topic> {
    prop_oneof![
        Just(Topic::Feed),
        Just(Topic::Inspector),
        segment().prop_map(|id| Topic::User { id }),
        segment().prop_map(|room| Topic::Room { room }),
        segment().prop_map(|room| Topic::Presence { room }),
        segment().prop_map(|room| Topic::Typing { room }),
        segment().prop_map(|id| Topic::Job { id }),
        segment().prop_map(|id| Topic::Conversation { id }),
        segment().prop_map(|person| Topic::Conversations { person }),
        segment().prop_map(|id| Topic::Run { id }),
        (segment(), segment()).prop_map(|(app, name)| Topic::Channel { app, name }),
    ]
}

fn mark() -> impl Strategy<Value = Mark> {
    let position = (any::<u64>(), any::<u64>()).prop_map(|(epoch, offset)| Position { epoch: Epoch(epoch), offset });
    (topic(), prop::option::of(position)).prop_map(|(topic, position)| Mark { topic, position })
}

proptest! {
    #[test]
    fn a_mark_reads_back_as_it_was_written(mark in mark()) {
        let text = mark.to_string();
        prop_assert!(mark.topic.to_string().len() <= TOPIC_BYTES);
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','), "it stands in headers and lists");
        prop_assert_eq!(text.parse(), Ok(mark.clone()));
        let json = serde_json::to_string(&mark.topic).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Topic>(&json).ok(), Some(mark.topic));
    }

    #[test]
    fn whatever_is_read_has_this_one_spelling(text in text_of(PARTS)) {
        if let Ok(mark) = text.parse::<Mark>() {
            prop_assert_eq!(mark.to_string(), text.as_str());
        }
        if let Ok(topic) = text.parse::<Topic>() {
            prop_assert_eq!(topic.to_string(), text.as_str());
        }
        if let Ok(position) = text.parse::<Position>() {
            prop_assert_eq!(position.to_string(), text);
        }
    }

    #[test]
    fn the_spans_of_any_text_are_the_text_and_links_lead_where_they_say(text in text_of(SENTENCES), names in vec(text_of(SENTENCES), 0..3)) {
        let spans = spans(&text, &names);
        for span in &spans {
            match span {
                Span::Link(link) => {
                    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
                    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
                    prop_assert!(!host.is_empty() && !host.contains('@'), "{}", link);
                    prop_assert!(!link.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '<'), "{}", link);
                }
                Span::Mention(name) => prop_assert!(names.iter().any(|known| name.strip_prefix('@') == Some(known))),
                Span::Text(text) => prop_assert!(!text.is_empty()),
            }
        }
        let whole: String = spans.iter().map(|(Span::Text(part) | Span::Link(part) | Span::Mention(part))| *part).collect();
        prop_assert_eq!(whole, text);
    }

    #[test]
    fn patches_in_any_order_leave_blocks(patches in vec((0..5_u32, 0..12_u32, ".{0,6}"), 0..12)) {
        let mut blocks = Vec::new();
        for (block, keep, html) in patches {
            let before = blocks.len();
            Patch { block, keep, html: html.clone() }.apply(&mut blocks);
            prop_assert!(blocks.len() <= before + 1 && blocks.iter().any(|block| block.ends_with(&html)));
        }
    }
}
