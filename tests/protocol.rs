//! The frames recorded in `docs/protocol.md` are what the types of `src/wire` read: the document cannot drift from the
//! code without this test knowing.

use serde::de::DeserializeOwned;
use tidemark::wire::{
    feed::FeedSampled,
    inspector::Fields,
    job::{Job, JobStatus},
    notification::UserEvent,
    room::{History, RoomEvent},
    socket::{Command, EventSaid, FailedCode, Said},
    stream::{
        ChangeTopics, Connected, Draining, Joined, Keyed, Lost, Notice, Refused, RefusedCode, Reset, ResetReason,
        Snapshot,
    },
    topic::Mark,
};

const DOCUMENT: &str = include_str!("../docs/protocol.md");

/// The contents of the fenced blocks that open with these words.
fn blocks(opening: &str) -> Vec<&'static str> {
    let fence = format!("```{opening}\n");
    DOCUMENT.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

fn reads<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[test]
fn every_recorded_frame_is_read_by_the_wire_types() {
    let mut names = Vec::new();
    for frame in blocks("sse").iter().flat_map(|block| block.split("\n\n")).filter(|frame| !frame.trim().is_empty()) {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        if let Some(id) = field("id").filter(|id| *id != "!refused") {
            assert!(id.split(',').all(|mark| mark.parse::<Mark>().is_ok_and(|mark| mark.position.is_some())), "{id}");
        }
        let data = field("data").expect("every recorded frame has data");
        let name = field("event").unwrap_or("message");
        names.push(name);
        if name != "message" {
            reads::<Notice>(data);
        }
        match name {
            "connected" => drop(reads::<Connected>(data)),
            "subscribed" => drop(reads::<Joined>(data)),
            "reset" => drop(reads::<Reset<FeedSampled>>(data)),
            "draining" => assert!(reads::<Draining>(data).retry_ms > 0),
            "refused" => drop(reads::<Refused>(data)),
            "lost" => assert_eq!(reads::<Lost>(data).topic.to_string(), "room/plans"),
            "heartbeat" => assert_eq!((data, frame.lines().next()), ("{}", Some(": heartbeat"))),
            "message" if data == "connected" => {}
            "message" if field("id").is_some_and(|id| id.starts_with("user/")) => drop(reads::<UserEvent>(data)),
            "message" if field("id").is_some_and(|id| id.starts_with("inspector@")) => {
                drop(reads::<Keyed<Fields>>(data));
            }
            "message" => drop(reads::<FeedSampled>(data)),
            other => panic!("an event that nobody sends: {other}"),
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["connected", "draining", "heartbeat", "lost", "message", "refused", "reset", "subscribed"]);
}

#[test]
fn every_recorded_message_of_a_websocket_is_read_by_the_wire_types() {
    let [server] = blocks("ws server")[..] else { panic!("one block of what the server says") };
    for message in server.lines() {
        if message.starts_with(r#"{"type":"event""#) {
            assert!(reads::<EventSaid<RoomEvent>>(message).data.message.is_some_and(|message| message.id == 8));
        } else {
            // Nothing that is recorded has a field which the type does not know.
            let said: Said = reads(message);
            let again: serde_json::Value = serde_json::to_value(&said).expect("JSON");
            assert_eq!(again, reads::<serde_json::Value>(message));
        }
    }
    let [client] = blocks("ws client")[..] else { panic!("one block of what a client says") };
    for message in client.lines() {
        reads::<Command>(message);
    }
    for code in ["1002", "1003", "1007", "1009", "1012", "1013", "4401", "4406", "4429"] {
        assert!(DOCUMENT.contains(&format!("| {code} |")), "{code}");
    }
    for code in ["malformed", "invalid", "not-found", "too-many-topics", "too-fast", "unavailable"] {
        assert!(DOCUMENT.contains(&format!("| `{code}` |")), "{code}");
        reads::<FailedCode>(&format!("\"{code}\""));
    }
    let [history] = blocks("json history")[..] else { panic!("one history") };
    let shown: History = reads(history);
    assert!(shown.messages[0].edited && shown.messages[1].html.len() == 1);
    assert_eq!(serde_json::to_value(&shown).expect("JSON"), reads::<serde_json::Value>(history));
}

#[test]
fn recorded_bodies_are_read_too() {
    let [change] = blocks("json change")[..] else { panic!("one change") };
    assert_eq!(reads::<ChangeTopics>(change).subscribe.len(), 2);
    let [snapshot] = blocks("json snapshot")[..] else { panic!("one snapshot") };
    assert_eq!(reads::<Snapshot<FeedSampled>>(snapshot).events.len(), 1);
}

#[test]
fn recorded_jobs_are_whole_and_every_kind_and_status_is_explained() {
    let [jobs] = blocks("json job")[..] else { panic!("one block of jobs") };
    let statuses: Vec<_> = jobs.lines().map(|line| reads::<Job>(line).status).collect();
    assert_eq!(statuses, [JobStatus::Running, JobStatus::Completed, JobStatus::Failed]);
    for line in jobs.lines() {
        let again = serde_json::to_value(reads::<Job>(line)).expect("JSON");
        assert_eq!(again, reads::<serde_json::Value>(line), "nothing that is recorded is unknown");
    }
    let [order] = blocks("json job-order")[..] else { panic!("one order") };
    let order: serde_json::Value = reads(order);
    let kinds = tidemark::server::jobs::KINDS;
    let kind = kinds.iter().find(|kind| order["kind"] == kind.name()).expect("a kind that there is");
    assert!(kind.check(&order["input"]).is_ok());
    for kind in kinds {
        assert!(DOCUMENT.contains(&format!("| `{}` |", kind.name())), "{kind:?}");
    }
    for status in ["queued", "running", "completed", "failed", "cancelled"] {
        assert!(DOCUMENT.contains(&format!("`{status}`")), "{status}");
    }
}

#[test]
fn every_code_and_reason_is_explained() {
    use RefusedCode::{BadPosition, Draining, Overloaded, SignedOut, TooManyConnections, TooManyTopics, UnknownTopic};
    let codes = [UnknownTopic, BadPosition, TooManyTopics, TooManyConnections, Overloaded, Draining, SignedOut];
    let reasons = [ResetReason::UnknownEpoch, ResetReason::TooOld, ResetReason::AheadOfHead];
    let names = codes.map(|code| serde_json::json!(code)).into_iter().chain(reasons.map(|r| serde_json::json!(r)));
    for name in names {
        let row = format!("| `{}` |", name.as_str().expect("a name"));
        assert!(DOCUMENT.contains(&row), "{row}");
    }
}
