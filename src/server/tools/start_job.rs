//! `start_job`: has work done in the background, once a person has said yes, and watches it for a while.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Context, Tool};
use crate::{
    server::transports::jobs::{order, owner},
    wire::job::JobStatus,
};

/// It is watched for so long; longer ones go on by themselves.
const WATCHED: Duration = Duration::from_secs(20);

const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct StartJob;

impl Tool for StartJob {
    fn name(&self) -> &'static str {
        "start_job"
    }

    fn description(&self) -> &'static str {
        "Has work done in the background about a room: `export` writes all its messages into a file to be downloaded, \
         `digest` counts who said how much and when. The person is asked for permission first, so do not ask them \
         yourself."
    }

    fn input(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "kind": { "type": "string", "enum": ["export", "digest"] },
                "room": { "type": "string", "description": "The room's id, as in /rooms/{id}; the lobby's is lobby." },
                "format": { "type": "string", "enum": ["markdown", "json", "csv"], "description": "Of an export." },
            },
            "required": ["kind", "room"],
        })
    }

    fn title(&self, input: &Value) -> String {
        let what = match input["kind"].as_str() {
            Some("export") => "Export the room",
            Some("digest") => "Make a digest of the room",
            _ => "Start a job about the room",
        };
        format!("{what} “{}”", super::shortened(&input["room"]))
    }

    fn changes(&self) -> bool {
        true
    }

    fn call<'c>(&'c self, context: &'c Context, input: &'c Value) -> BoxFuture<'c, Result<String, String>> {
        Box::pin(async move {
            let Context { state, asking } = context;
            let owner = owner(asking).ok_or("Whoever asks may not have jobs done.")?;
            let kind = input["kind"].as_str().ok_or("It takes a kind: export or digest.")?;
            let mut wanted = json!({ "room": input["room"] });
            if kind == "export" && !input["format"].is_null() {
                wanted["format"] = input["format"].clone();
            }
            let job = order(state, asking, owner, kind, &wanted, None).await.map_err(|error| format!("{error}."))?;
            let (page, begun) = (format!("/jobs/{}", job.id), Instant::now());
            loop {
                tokio::time::sleep(LOOK).await;
                let row = state.store.job(&job.id).await.ok().flatten().map(|(row, _)| row);
                let Some(row) = row else { return Err("The job is gone.".to_owned()) };
                match row.status {
                    JobStatus::Completed => return Ok(format!("{}: {} It is at {page}.", row.title, row.doing)),
                    JobStatus::Failed | JobStatus::Cancelled => {
                        let why = row.error.unwrap_or_else(|| "It was cancelled.".to_owned());
                        return Err(format!("{}: {why} See {page}.", row.title));
                    }
                    _ if begun.elapsed() > WATCHED => {
                        return Ok(format!("{}: {} %. It goes on; its page is {page}.", row.title, row.progress));
                    }
                    _ => {}
                }
            }
        })
    }
}
