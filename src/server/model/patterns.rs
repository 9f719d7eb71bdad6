//! Which way of being in real time fits what: what the guide answers before it quotes. Pure.

use std::{collections::HashMap, fmt::Write as _};

use super::passages::stems;

/// A way, and when it is the right one.
#[derive(Debug)]
pub struct Pattern {
    pub name: &'static str,
    /// What people say who need it.
    words: &'static str,
    /// What it is for, in a few words.
    pub fits: &'static str,
    why: &'static str,
    /// Where it can be seen here: the words of the link, and the page.
    pub see: (&'static str, &'static str),
}

pub const PATTERNS: &[Pattern] = &[
    Pattern {
        name: "Server-sent events",
        words: "sse eventsource feed dashboard metric chart graph price stock ticker quote score sport news log monitor \
                sensor temperature telemetry broadcast push oneway unidirectional live counter analytics",
        fits: "the server speaks and browsers listen: feeds, dashboards, prices",
        why: "It is plain HTTP that passes every proxy, and a stream resumes where it was cut: each event has a number, and \
              a browser that comes back names the last one it has.",
        see: ("the live feed", "/"),
    },
    Pattern {
        name: "A WebSocket",
        words: "websocket socket ws chat room conversation messenger typing presence online multiplayer game collaborate \
                collaborative cursor whiteboard bidirectional twoway duplex interactive",
        fits: "both sides speak at any moment: chat, presence, typing, games",
        why: "One connection a tab carries commands up and events down, and it falls back to server-sent events and \
              requests where a proxy lets no socket through.",
        see: ("the rooms", "/rooms"),
    },
    Pattern {
        name: "Polling",
        words: "poll polling swr progress status job export import upload report background batch queue worker order \
                delivery build rarely seldom occasionally minute hour refresh revalidate etag",
        fits: "something takes its time and ends, or changes seldom: exports, reports, the status of an order",
        why: "Ask again after a while, slower where nothing changes and not at all in a hidden tab; nothing stays open, and \
              any cache or load balancer will do.",
        see: ("background jobs", "/jobs"),
    },
    Pattern {
        name: "A streamed answer",
        words: "ai llm gpt claude ollama openai anthropic assistant chatbot token prompt completion model generate answer \
                agent tool",
        fits: "a language model writes, word by word",
        why: "The answer to one request is streamed as it is made. Where it should survive a reload it belongs to the \
              server, and the page only reads it.",
        see: ("the assistant", "/assistant"),
    },
    Pattern {
        name: "A channel and an API key",
        words: "pusher ably publish webhook curl cron script backend service microservice program python external \
                third integration api key device iot",
        fits: "another program has something to tell: a script, a back end, a device",
        why: "It publishes with one HTTP request, and everyone who reads the channel gets it, over whichever connection \
              they have. No other service is needed.",
        see: ("API keys, in your account", "/account"),
    },
    Pattern {
        name: "A durable topic of one person",
        words: "notification notify bell alert inbox unread mention offline missed reminder",
        fits: "somebody has to hear of it, today or when they come back: notifications",
        why: "The event is written in the same transaction as what it tells of, so it is there after a restart and for \
              whoever was away.",
        see: ("your notifications", "/notifications"),
    },
];

/// The ways that fit what is asked, best first; all of them where somebody asks for a way and says nothing of what for.
pub fn fitting(question: &str) -> Vec<&'static Pattern> {
    let asked = stems(question);
    let words: Vec<_> = PATTERNS.iter().map(|pattern| stems(pattern.words)).collect();
    // A word of many ways tells little.
    let rarity = |word: &String| 1.0 / words.iter().filter(|words| words.contains_key(word)).count().max(1) as f64;
    let score = |words: &HashMap<_, _>| asked.keys().filter(|word| words.contains_key(*word)).map(rarity).sum::<f64>();
    let mut scored: Vec<_> = words.iter().map(score).zip(PATTERNS).collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    if best == 0.0 {
        let general = stems("pattern transport approach technology technique protocol realtime choose decide compare");
        return if asked.keys().any(|word| general.contains_key(word)) {
            PATTERNS.iter().collect()
        } else {
            Vec::new()
        };
    }
    scored.into_iter().filter(|(score, _)| *score > best / 2.0).map(|(_, pattern)| pattern).collect()
}

/// Advice in Markdown: in sentences, or as a table where there is much of it.
pub fn advice(patterns: &[&Pattern]) -> String {
    let mut text = String::new();
    if let [] | [_] | [_, _] = patterns {
        for Pattern { name, fits, why, see: (words, page), .. } in patterns {
            let _ = write!(text, "**{name}**, where {fits}. {why} Here: [{words}]({page}).\n\n");
        }
        return text;
    }
    text.push_str("| where | take | here |\n|---|---|---|\n");
    for Pattern { name, fits, see: (words, page), .. } in patterns {
        let _ = writeln!(text, "| {fits} | **{name}** | [{words}]({page}) |");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_finds_its_way() {
        for (question, name) in [
            ("Which pattern should I use for a dashboard of metrics?", "Server-sent events"),
            ("what is best for stock prices", "Server-sent events"),
            ("I want to show live scores", "Server-sent events"),
            ("Which pattern fits a chat?", "A WebSocket"),
            ("how would I build a multiplayer game", "A WebSocket"),
            ("showing who is typing", "A WebSocket"),
            ("which pattern for the progress of an upload?", "Polling"),
            ("The status of an order changes once an hour. What do I take?", "Polling"),
            ("which pattern for exports that take minutes", "Polling"),
            ("stream tokens from an LLM", "A streamed answer"),
            ("Which pattern for an AI assistant?", "A streamed answer"),
            ("Do I need Pusher or Ably?", "A channel and an API key"),
            ("my Python script has something to publish", "A channel and an API key"),
            ("notify people who are offline", "A durable topic of one person"),
        ] {
            let found: Vec<_> = fitting(question).iter().map(|pattern| pattern.name).collect();
            assert_eq!(found.first(), Some(&name), "{question}: {found:?}");
        }
    }

    #[test]
    fn who_compares_two_gets_two_and_who_says_nothing_of_their_use_gets_all() {
        let names = |question| fitting(question).iter().map(|pattern| pattern.name).collect::<Vec<_>>();
        let mut two = names("SSE or WebSocket?");
        two.sort_unstable();
        assert_eq!(two, ["A WebSocket", "Server-sent events"]);
        assert_eq!(names("Which pattern should I choose?").len(), PATTERNS.len());
        assert!(names("How does a stream resume?").is_empty());
    }

    #[test]
    fn advice_leads_to_pages_that_are_there() {
        let app = include_str!("../../app.rs");
        for Pattern { see: (_, page), .. } in PATTERNS {
            // The page of the assistant follows.
            assert!(app.contains(&format!("path!(\"{page}\")")) || *page == "/assistant", "{page}");
            assert!(advice(&PATTERNS.iter().collect::<Vec<_>>()).contains(&format!("]({page})")));
        }
    }
}
