//! Conversations with the assistant: what the page shows of them, and the events of the topics `conversation/{id}` (which
//! say that something is another now), `conversations/{person}` (that their list is) and `run/{id}` (an answer as it is
//! written).

use serde::{Deserialize, Serialize};

use super::{Position, markdown::Patch, topic::Segment};

/// A conversation along the path that is shown, and the position of its topic at which that is true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    pub id: Segment,
    pub title: String,
    pub position: Position,
    /// Whether whoever looks is the one who asks. Others may only read.
    pub mine: bool,
    /// Whether whoever knows its address may read it.
    pub shared: bool,
    /// Oldest first; a question, its answer, and so on.
    pub messages: Vec<Message>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: u64,
    /// The assistant's, or else a person's.
    pub answer: bool,
    /// As it was typed or written (Markdown), to be copied or edited.
    pub text: String,
    /// What an answer consists of, in order. Of a question nothing.
    pub parts: Vec<Part>,
    pub status: Status,
    /// What is wrong, for people; nothing if all is well.
    pub error: Option<String>,
    /// While it is being written.
    pub run: Option<Run>,
    /// Which of the versions at this place it is, counted from 1, and how many there are.
    pub version: u32,
    pub versions: u32,
    /// The versions before and after it.
    pub previous: Option<u64>,
    pub next: Option<u64>,
    /// What has answered, and what that took.
    pub cost: Option<Cost>,
    /// Milliseconds since 1970 (UTC).
    pub time: u64,
}

/// The topic of an answer that is being written, and the position at which the message is true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: Segment,
    pub position: Position,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    pub model: String,
    /// As the provider counts; 0 where it does not.
    pub input_tokens: u32,
    pub output_tokens: u32,
    /// Until the first piece came, and until the last, in milliseconds.
    pub first_ms: u32,
    pub total_ms: u32,
    /// So many of the oldest messages did not fit into what the model can read.
    pub left_out: u32,
}

/// How an answer stands. A question is always complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Running,
    Complete,
    /// By whoever asked.
    Stopped,
    /// The server stopped, or its process died. It can be continued.
    Interrupted,
    /// See `error`. It can be tried again.
    Failed,
    /// It is longer than an answer may be. It can be continued.
    TooLong,
    /// The model does not want to answer.
    Refused,
    /// It waits for a yes or no to what a tool is to change.
    Waiting,
}

/// A part of an answer. One type for all kinds: each more would be code for every visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub kind: PartKind,
    /// Of thinking: its text. Of a text nothing: see `blocks`.
    pub text: String,
    /// Of a text: its blocks as HTML, safe to be shown.
    pub blocks: Vec<String>,
    pub tool: Option<ToolUse>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    Text,
    Thinking,
    Tool,
}

/// A tool that the model uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUse {
    /// The call's.
    pub id: String,
    pub name: String,
    /// What it does with this input, for people.
    pub title: String,
    /// JSON, and what came of it: text.
    pub input: String,
    pub output: String,
    pub state: ToolState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolState {
    /// A person has to say yes or no.
    Waiting,
    Running,
    Done,
    Failed,
    Declined,
}

/// An event of `run/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEvent {
    #[serde(rename = "type")]
    pub kind: RunEventKind,
    /// Which part of the answer it is about; the next number is a new part.
    pub part: u32,
    /// What was added to it, as written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What that changes of the part's blocks; in a room of the message's, whose parts are one text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// What the tool's part is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolUse>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunEventKind {
    TextAdded,
    ThinkingAdded,
    /// A tool is used, or has come to an end.
    ToolUsed,
    /// The last one.
    RunEnded,
}

/// An event of `conversation/{id}`: look again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationEvent {
    #[serde(rename = "type")]
    pub kind: ConversationEventKind,
    /// The message that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<u64>,
}

/// An event of `conversations/{person}`: what was an event of this one of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEvent {
    #[serde(rename = "type")]
    pub kind: ConversationEventKind,
    pub conversation: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConversationEventKind {
    QuestionAsked,
    AnswerBegun,
    AnswerEnded,
    /// Another version is shown.
    VersionChosen,
    ConversationRenamed,
    ConversationShared,
    ConversationDeleted,
}

/// How [`ConversationEventKind::ConversationDeleted`] is written.
pub const DELETED: &str = "ConversationDeleted";

/// A conversation in the list of one person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationItem {
    pub id: String,
    pub title: String,
    pub shared: bool,
    /// Of its last message, in milliseconds since 1970 (UTC).
    pub updated: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_is_written_as_pages_look_for_it() {
        assert_eq!(serde_json::to_value(ConversationEventKind::ConversationDeleted).unwrap(), DELETED);
    }
}
