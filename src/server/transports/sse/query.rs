//! What an EventSource asks for, from its URL and its `Last-Event-ID`. Pure.

use crate::wire::{
    Epoch, Position, Topic,
    stream::RefusedCode,
    topic::{BadTopic, Mark, TOPICS_PER_STREAM},
};

/// The `id` of a refusal that trying again cannot mend. A client that comes back with it gets 204, which ends an
/// EventSource for good; the first answer told it why.
pub const REFUSED_ID: &str = "!refused";

/// A position that no topic has had: where a header's cannot be read, its reader gets a reset, not an error that it
/// could do nothing about.
const NOWHERE: Position = Position { epoch: Epoch(0), offset: 0 };

/// The topics that a stream starts with. Without a `topic=` it is the article's stream, the feed.
///
/// The header's positions win over the URL's, which are as old as the page; its topics are added to them, because
/// topics may have joined the stream since.
pub fn marks<'a>(
    topics: impl Iterator<Item = &'a str>,
    last_event_id: Option<&str>,
) -> Result<Vec<Mark>, (RefusedCode, Option<String>)> {
    let mut marks = Vec::new();
    for text in topics {
        let mark = text.parse::<Mark>().map_err(|error| match error {
            BadTopic::Position(_) => (RefusedCode::BadPosition, Some(error.to_string())),
            BadTopic::Unknown | BadTopic::TooLong => (RefusedCode::UnknownTopic, None),
        })?;
        put(&mut marks, mark);
        if marks.len() > TOPICS_PER_STREAM {
            return Err((RefusedCode::TooManyTopics, None));
        }
    }
    if marks.is_empty() {
        marks.push(Mark { topic: Topic::Feed, position: None });
    }
    if let Some(id) = last_event_id.filter(|id| !id.is_empty()) {
        resume(&mut marks, id);
    }
    Ok(marks)
}

fn resume(marks: &mut Vec<Mark>, id: &str) {
    let read: Option<Vec<Mark>> = id.split(',').map(|part| part.parse::<Mark>().ok()).collect();
    match read.filter(|read| read.len() <= TOPICS_PER_STREAM && read.iter().all(|mark| mark.position.is_some())) {
        Some(read) => {
            // What the stream carried last is what its reader misses; if there is no room for all, the URL's give way.
            let url = std::mem::take(marks);
            read.into_iter().for_each(|mark| put(marks, mark));
            for mark in url {
                if marks.len() < TOPICS_PER_STREAM && !marks.iter().any(|held| held.topic == mark.topic) {
                    marks.push(mark);
                }
            }
        }
        None => marks.iter_mut().for_each(|mark| mark.position = Some(NOWHERE)),
    }
}

fn put(marks: &mut Vec<Mark>, mark: Mark) {
    match marks.iter_mut().find(|held| held.topic == mark.topic) {
        Some(held) => held.position = mark.position.or(held.position),
        None => marks.push(mark),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "feed@00000000000000aa:7";

    fn text(topics: &[&str], id: Option<&str>) -> Result<String, RefusedCode> {
        let marks = marks(topics.iter().copied(), id).map_err(|(code, _)| code)?;
        Ok(marks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn without_a_topic_it_is_the_feed() {
        assert_eq!(text(&[], None).as_deref(), Ok("feed"));
        assert_eq!(text(&[], Some(OLD)).as_deref(), Ok(OLD));
    }

    #[test]
    fn the_header_wins_over_the_url_and_brings_topics_that_joined() {
        let id = "feed@00000000000000aa:9,inspector@00000000000000bb:1";
        assert_eq!(text(&[OLD], Some(id)).as_deref(), Ok("feed@00000000000000aa:9 inspector@00000000000000bb:1"));
        assert_eq!(text(&["inspector", OLD], Some(OLD)).as_deref(), Ok("feed@00000000000000aa:7 inspector"));
        assert_eq!(text(&[OLD], Some("")).as_deref(), Ok(OLD));
    }

    #[test]
    fn where_there_is_no_room_for_all_those_of_the_header_stay() {
        let url: Vec<_> = (0..16).map(|n| format!("channel/a/{n}")).collect();
        let url: Vec<_> = url.iter().map(String::as_str).collect();
        let text = text(&url, Some(OLD)).unwrap();
        assert!(text.starts_with(OLD) && text.ends_with("channel/a/14"), "{text}");
    }

    #[test]
    fn a_topic_that_the_header_names_twice_is_carried_once() {
        let id = format!("{OLD},feed@00000000000000aa:9");
        assert_eq!(text(&["inspector"], Some(&id)).as_deref(), Ok("feed@00000000000000aa:9 inspector"));
    }

    #[test]
    fn a_header_that_cannot_be_read_means_a_reset() {
        for id in ["garbage", "feed", "feed@xx:1", "feed@00000000000000aa:9,", "1234"] {
            assert_eq!(text(&[OLD], Some(id)).as_deref(), Ok("feed@0000000000000000:0"), "{id}");
        }
    }

    #[test]
    fn what_a_developer_got_wrong_is_refused() {
        assert_eq!(text(&["nonsense"], None), Err(RefusedCode::UnknownTopic));
        assert_eq!(text(&["feed@1"], None), Err(RefusedCode::BadPosition));
        let many: Vec<_> = (0..17).map(|n| format!("channel/a/{n}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(text(&many, None), Err(RefusedCode::TooManyTopics));
        assert!(text(&many[..16], None).is_ok());
    }
}

#[cfg(test)]
mod fuzz {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const TEXTS: &[&str] = &[
        "feed",
        "inspector",
        "room/lobby",
        "channel/a/b",
        "feed@00000000000000aa:7",
        "feed@00000000000000aa:9",
        "inspector@00000000000000bb:1",
        "feed@",
        "feed@1",
        "nonsense",
        "",
        "!refused",
    ];

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => prop::sample::select(TEXTS).prop_map(str::to_owned),
            4 => (0..20_u8).prop_map(|n| format!("channel/a/{n}@00000000000000cc:{n}")),
            1 => any::<String>(),
        ]
    }

    fn is_readable(id: &str) -> bool {
        let has_position = |part: &str| part.parse::<Mark>().is_ok_and(|mark| mark.position.is_some());
        id.split(',').all(has_position) && id.split(',').count() <= TOPICS_PER_STREAM
    }

    proptest! {
        /// `make audit` tries many times as many cases as `make test` does.
        #[test]
        fn whatever_is_asked_for_is_a_few_topics_each_once(
            topics in vec(text(), 0..20),
            id in prop::option::of(vec(text(), 0..20).prop_map(|parts| parts.join(","))),
        ) {
            let Ok(found) = marks(topics.iter().map(String::as_str), id.as_deref()) else { return Ok(()) };
            prop_assert!((1..=TOPICS_PER_STREAM).contains(&found.len()));
            for (at, mark) in found.iter().enumerate() {
                prop_assert!(!found[..at].iter().any(|other| other.topic == mark.topic), "{} twice", mark);
            }
            match id.filter(|id| !id.is_empty()) {
                Some(id) if is_readable(&id) => {
                    let last = id.rsplit(',').next().unwrap_or_default();
                    prop_assert!(found.iter().any(|mark| mark.to_string() == last), "what was read last counts");
                }
                Some(_) => prop_assert!(found.iter().all(|mark| mark.position == Some(NOWHERE)), "a reset"),
                None => {}
            }
        }
    }
}
