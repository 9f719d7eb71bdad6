//! What the assistant can do besides writing. A model asks for a tool by its name, with an input; what comes of it is shown
//! in the answer and given back to the model. What changes something is asked about first.
//!
//! **A new tool** is a file that implements [`Tool`], and a line in [`TOOLS`].

mod read_guide;
mod search_messages;
mod start_job;

use std::{fmt, time::Duration};

use futures::future::BoxFuture;
use serde_json::Value;

use super::{model, session::Asking, state::AppState};

/// Every tool there is.
pub const TOOLS: &[&dyn Tool] = &[&search_messages::SearchMessages, &read_guide::ReadGuide, &start_job::StartJob];

/// A tool that has not come to an end by then has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a model is given back is at most so long, in bytes: it is read again with each answer that follows.
const OUTPUT_BYTES: usize = 16 * 1024;

pub trait Tool: Sync + fmt::Debug {
    /// What models call it: letters, digits, `_` and `-`.
    fn name(&self) -> &'static str;

    /// What it is good for, for models.
    fn description(&self) -> &'static str;

    /// The JSON schema of its input.
    fn input(&self) -> Value;

    /// What it does with this input, for people. The input may be anything.
    fn title(&self, input: &Value) -> String;

    /// Whether it changes something: then a person is asked first.
    fn changes(&self) -> bool {
        false
    }

    /// Does it, with the rights of whoever asks the assistant. The error is for the model, and is shown.
    fn call<'c>(&'c self, context: &'c Context, input: &'c Value) -> BoxFuture<'c, Result<String, String>>;
}

/// For whom tools are used.
#[derive(Clone, Debug)]
pub struct Context {
    pub state: AppState,
    pub asking: Asking,
}

/// The tools that an answer may use.
#[derive(Clone, Debug)]
pub struct Toolbox {
    tools: Vec<&'static dyn Tool>,
    context: Context,
}

impl Toolbox {
    /// All of them.
    pub fn of(context: Context) -> Self {
        Self { tools: TOOLS.to_vec(), context }
    }

    /// Those that change nothing.
    pub fn reading(context: Context) -> Self {
        Self { tools: TOOLS.iter().copied().filter(|tool| !tool.changes()).collect(), context }
    }

    /// These alone.
    pub fn only(names: &[&str], context: Context) -> Self {
        let named = |tool: &&dyn Tool| names.contains(&tool.name());
        Self { tools: TOOLS.iter().copied().filter(named).collect(), context }
    }

    /// As models are told of them.
    pub fn described(&self) -> Vec<model::Tool> {
        let described = |tool: &&dyn Tool| model::Tool {
            name: tool.name().to_owned(),
            description: tool.description().to_owned(),
            input: tool.input(),
        };
        self.tools.iter().map(described).collect()
    }

    pub fn find(&self, name: &str) -> Option<&'static dyn Tool> {
        self.tools.iter().copied().find(|tool| tool.name() == name)
    }

    /// Uses a tool.
    ///
    /// # Errors
    /// What went wrong, for the model.
    pub async fn call(&self, name: &str, input: &Value) -> Result<String, String> {
        let tool = self.find(name).ok_or_else(|| format!("There is no tool called {name}."))?;
        let called = tokio::time::timeout(PATIENCE, tool.call(&self.context, input)).await;
        let mut output = called.unwrap_or_else(|_| Err("It took too long.".to_owned()))?;
        if output.len() > OUTPUT_BYTES {
            output.truncate(output.floor_char_boundary(OUTPUT_BYTES));
            output.push_str("\n… (there is more; ask for less at once)");
        }
        Ok(output)
    }
}

/// A text of an input, as far as it fits into a title.
fn shortened(text: &Value) -> String {
    const TITLE_CHARS: usize = 60;
    let line = text.as_str().unwrap_or("…").split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TITLE_CHARS) {
        Some((end, _)) => [&line[..end], "…"].concat(),
        None => line,
    }
}
