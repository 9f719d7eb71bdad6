//! Whose a conversation is, and what sharing it means.

use axum::http::StatusCode;
use serde_json::json;
use tidemark::{
    server::{
        asker,
        features::{
            conversations::{self, ConversationError, list_topic},
            keys::{self, Action},
        },
        model::{Call, Piece, Stop},
        session::{Asking, may},
        store::StoreError,
    },
    wire::{Topic, topic::Segment},
};

use super::stage::{ID, Stage};

#[tokio::test]
async fn what_people_and_models_wrote_is_found_in_any_case_and_script_and_gone_when_it_is() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "Über die Gezeiten").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    let call = Call { id: "c1".into(), name: "read_guide".into(), input: json!({ "question": "hiddenword" }) };
    pen.piece(Piece::Call(call));
    pen.piece(Piece::Stopped(Stop::Tools));
    let (_, pen) = stage.script.next().await;
    pen.write("Grüße, \\n こんにちは世界 \"quoted\"");
    pen.end();
    stage.ended(&ada).await;
    assistant.rename(&ada, ID, "Ebbe und Öde").await.expect("renamed");
    let found = async |search: &str| assistant.list("p-Ada", search, 10).await.expect("the store").len();
    for there in
        ["über", "ÜBER", "uber", "gezeit", "grüße", "世界", "にちは", "ÖDE", "ebbe öde", "die", "de", "\"quoted", "\\n"]
    {
        assert_eq!(found(there).await, 1, "{there}");
    }
    for not_there in ["hiddenword", "read_guide", "question", "c1", "output", "über ebbe", "世 界人", "xy", "?!"] {
        assert_eq!(found(not_there).await, 0, "{not_there}");
    }
    assistant.delete(&ada, ID).await.expect("deleted");
    assert_eq!(found("über").await, 0);
}

#[tokio::test]
async fn a_conversation_is_its_owner_s_unless_it_is_shared_and_then_it_can_be_read_only() {
    let stage = Stage::new().await;
    let (ada, eve) = (stage.person("Ada").await, stage.person("Eve").await);
    let assistant = stage.server.state.assistant.clone();
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    let answer = stage.newest(&ada).await;
    let run = answer.run.clone().expect("it is being written").id;
    let topics = [Topic::Run { id: run }, Topic::Conversation { id: Segment::new(ID).expect("a segment") }];
    let person = |name: &str| Asking {
        person: Some(tidemark::server::store::people::Person {
            id: format!("p-{name}"),
            name: name.into(),
            hue: 1,
            email: None,
        }),
        ..Asking::default()
    };
    let state = &stage.server.state;
    for shared in [false, true, false] {
        assistant.share(&ada, ID, shared).await.expect("the owner's to say");
        for topic in &topics {
            assert!(may(state, &person("Ada"), Action::Read, topic).await.expect("the store"));
            assert_eq!(may(state, &person("Eve"), Action::Read, topic).await.expect("the store"), shared);
            assert_eq!(may(state, &Asking::default(), Action::Read, topic).await.expect("the store"), shared);
            assert!(!may(state, &person("Ada"), Action::Publish, topic).await.expect("the store"));
        }
        // What is shared is one conversation, not that there are others.
        let list = list_topic("p-Ada").expect("a topic");
        assert!(may(state, &person("Ada"), Action::Read, &list).await.expect("the store"));
        assert!(!may(state, &person("Eve"), Action::Read, &list).await.expect("the store"));
        assert!(!may(state, &Asking::default(), Action::Read, &list).await.expect("the store"));
        let seen = stage.seen_by(&eve).await;
        assert_eq!(seen.map(|seen| (seen.mine, seen.shared)), shared.then_some((false, true)));
        let status = stage.server.get(&format!("/api/conversations/{ID}"), &[]).await.status();
        assert_eq!(status, if shared { StatusCode::OK } else { StatusCode::NOT_FOUND });
        assert!(stage.ask(&eve, "q2", "Two?").await.is_err());
        assert!(assistant.stop(&eve, ID, answer.id).await.is_err());
        assert!(assistant.again(&eve, ID, answer.id, None).await.is_err());
        assert!(assistant.share(&eve, ID, true).await.is_err());
        assert!(assistant.rename(&eve, ID, "Mine").await.is_err());
        assert!(assistant.delete(&eve, ID).await.is_err());
    }
    pen.end();
    stage.ended(&ada).await;
}

#[tokio::test]
async fn a_deleted_conversation_is_not_begun_anew_by_who_was_away_and_the_list_hears_of_all() {
    let stage = Stage::new().await;
    let (ada, state) = (stage.person("Ada").await, &stage.server.state);
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.end();
    stage.ended(&ada).await;
    state.assistant.rename(&ada, ID, "Another").await.expect("renamed");
    state.assistant.delete(&ada, ID).await.expect("deleted");
    // Whoever comes back the next day, too: the housekeeping was there in between.
    for _ in 0..2 {
        let late = stage.ask(&ada, "q2", "Two?").await;
        assert!(matches!(late, Err(ConversationError::Deleted)), "{late:?}");
        conversations::tidy(&state.store).await.expect("tidied");
    }
    assert!(state.assistant.list("p-Ada", "", 10).await.expect("the store").is_empty());
    let told = state.store.newest(&list_topic("p-Ada").expect("a topic"), 10, 1 << 16).await.expect("the store");
    let told = told.newest.iter().map(|event| {
        let event: serde_json::Value = serde_json::from_slice(&event.payload).expect("JSON");
        assert_eq!(event["conversation"], ID);
        event["type"].as_str().unwrap_or_default().to_owned()
    });
    let kinds = ["QuestionAsked", "AnswerBegun", "AnswerEnded", "ConversationRenamed", "ConversationDeleted"];
    assert_eq!(told.collect::<Vec<_>>(), kinds);

    // One day it is forgotten, too.
    let topic = Topic::Conversation { id: Segment::new(ID).expect("a segment") };
    let aged = state.store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            sqlx::query("UPDATE event SET published_ms = 0").execute(&mut tx.connection).await?;
            Ok(())
        })
    });
    aged.await.expect("the store");
    conversations::tidy(&state.store).await.expect("tidied");
    let known = state.store.write::<_, StoreError, _>(move |tx| Box::pin(async move { tx.knows(&topic).await }));
    assert!(!known.await.expect("the store"));
}

#[tokio::test]
async fn a_program_talks_and_reads_only_with_a_key_that_is_for_it() {
    let stage = Stage::new().await;
    let (ada, state) = (stage.person("Ada").await, &stage.server.state);
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.end();
    stage.ended(&ada).await;
    let topic = Topic::Conversation { id: Segment::new(ID).expect("a segment") };
    for (grants, maker, reads, talks) in [
        ("publish:channel/p-Ada/* read:room/lobby", "p-Ada", false, false),
        ("read:conversation/*", "p-Ada", true, false),
        ("publish:conversation/*", "p-Ada", true, true),
        ("publish:conversation/* read:conversation/*", "p-Eve", false, true),
    ] {
        if maker == "p-Eve" {
            stage.person("Eve").await;
        }
        let shown = keys::create(&state.store, "test", grants, Some(maker)).await.expect("a key");
        let key = keys::find(&state.store, &shown).await.expect("the store");
        let asking = Asking { key, ..Asking::default() };
        let may_read = may(state, &asking, Action::Read, &topic).await.expect("the store");
        let asker = asker::of(state, &asking, "1.2.3.4".into());
        let pays = !asker.payer.is_address();
        assert_eq!((may_read, asker.owner.is_some(), pays), (reads, talks, talks), "{grants} of {maker}");
    }
}

#[tokio::test]
async fn whoever_waits_for_what_is_shared_hears_no_more_when_sharing_ends() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    stage.server.state.assistant.share(&ada, ID, true).await.expect("shared");
    let run = stage.newest(&ada).await.run.expect("it is being written");
    let poll = format!("/api/topics/run/{}/events?after={}&wait=30", run.id, run.position);
    let waiting = stage.server.get(&poll, &[]);
    let ending = async {
        stage.settled().await;
        stage.server.state.assistant.share(&ada, ID, false).await.expect("not any more");
        pen.write("unseen");
    };
    let (answer, ()) = tokio::join!(waiting, ending);
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    pen.end();
    stage.ended(&ada).await;
}

#[tokio::test]
async fn whoever_reads_what_is_shared_loses_it_when_sharing_ends() {
    let stage = Stage::new().await;
    let ada = stage.person("Ada").await;
    let assistant = stage.server.state.assistant.clone();
    stage.ask(&ada, "q1", "One?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    assistant.share(&ada, ID, true).await.expect("shared");
    let run = stage.newest(&ada).await.run.expect("it is being written");
    let mark = format!("/api/stream?topic=run/{}@{}", run.id, run.position);
    let mut stream = stage.server.get(&mark, &[("accept", "text/event-stream")]).await;
    pen.write("seen");
    stream.read_until("seen").await;
    assistant.share(&ada, ID, false).await.expect("not any more");
    stream.read_until("event: lost").await;
    pen.write("unseen");
    pen.end();
    stage.ended(&ada).await;
}

#[tokio::test]
async fn conversations_are_listed_renamed_and_found_by_what_is_in_them() {
    let stage = Stage::new().await;
    let (ada, assistant) = (stage.person("Ada").await, stage.server.state.assistant.clone());
    stage.ask(&ada, "q1", "What is 100% of \"it\"?\nReally?").await.expect("asked");
    let (_, pen) = stage.script.next().await;
    pen.write("Everything_there is.");
    pen.end();
    stage.ended(&ada).await;
    let titles = async |search: &str| -> Vec<String> {
        let found = assistant.list("p-Ada", search, 10).await.expect("the store");
        found.into_iter().map(|item| item.title).collect()
    };
    assert_eq!(titles("").await, ["What is 100% of \"it\"? Really?"]);
    for found in ["100%", "\"it\"", "everything_", "REALLY"] {
        assert_eq!(titles(found).await.len(), 1, "{found}");
    }
    for not_found in ["200%", "every%there", "nothing"] {
        assert!(titles(not_found).await.is_empty(), "{not_found}");
    }
    // What is stored beside the text is no text.
    for not_found in ["text", "type", "parts", "[{", "tool", "it\",\"type"] {
        assert!(titles(not_found).await.is_empty(), "{not_found}");
    }
    assistant.rename(&ada, ID, "  All   of it ").await.expect("renamed");
    assert_eq!(titles("").await, ["All of it"]);
    for bad in ["", " ", "\u{200b}", &"x".repeat(81)] {
        assert!(assistant.rename(&ada, ID, bad).await.is_err(), "{bad:?}");
    }
    assert!(assistant.list("p-Eve", "", 10).await.expect("the store").is_empty());
}
