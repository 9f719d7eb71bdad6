//! `read_guide`: looks something up in the documentation that is in this binary.

use std::{fmt::Write as _, sync::LazyLock};

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Context, Tool};
use crate::server::model::{
    Library,
    documents::{address, linked},
};

/// So many passages answer one question.
const SHOWN: usize = 4;

static GUIDE: LazyLock<Library> = LazyLock::new(Library::embedded);

#[derive(Debug)]
pub struct ReadGuide;

impl Tool for ReadGuide {
    fn name(&self) -> &'static str {
        "read_guide"
    }

    fn description(&self) -> &'static str {
        "Finds passages in the documentation of Tidemark, the real-time starter that this assistant is a part of: which \
         real-time pattern (server-sent events, WebSocket, polling, streaming of answers) fits which need, how resuming \
         works, the protocol, the settings. Use it before you answer a question about Tidemark or real-time patterns."
    }

    fn input(&self) -> Value {
        json!({
            "type": "object",
            "properties": { "question": { "type": "string", "description": "What to look for, in English." } },
            "required": ["question"],
        })
    }

    fn title(&self, input: &Value) -> String {
        format!("Look up “{}” in the documentation", super::shortened(&input["question"]))
    }

    fn call<'c>(&'c self, _: &'c Context, input: &'c Value) -> BoxFuture<'c, Result<String, String>> {
        Box::pin(async move {
            let question = input["question"].as_str().ok_or("It takes a question: {\"question\":\"…\"}.")?;
            let mut text = String::new();
            for passage in GUIDE.find(question, SHOWN) {
                let (document, at) = (passage.document, address(passage.document, &passage.anchor));
                let words = linked(document, passage.text.trim());
                let _ = write!(text, "## {} ([{document}]({at}))\n\n{words}\n\n", passage.heading);
            }
            Ok(if text.is_empty() { "Nothing in the documentation fits these words.".to_owned() } else { text })
        })
    }
}
