//! What people do in a conversation with the assistant: forms, with or without a script. `conversation` is its id, which
//! whoever begins one makes: 32 hexadecimal digits.

use leptos::prelude::*;

use crate::error::AppError;

/// Asks something: at the conversation's end, or in place of one's question `instead_of`. The conversation begins with it
/// if there is none of that id. The same `client` is the same question, however often it arrives.
#[server(prefix = "/api/fn", endpoint = "ask-assistant")]
pub async fn ask_assistant(
    conversation: String,
    text: String,
    client: String,
    model: Option<String>,
    instead_of: Option<u64>,
) -> Result<(), AppError> {
    use crate::server::{asker, features::conversations::Question, flash};
    let asked = match asker::current() {
        Ok((assistant, asker)) => {
            let question = Question { conversation, text, client, model, instead_of };
            assistant.ask(&asker, question).await.map_err(AppError::from)
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(conversation) => flash::answer_at(Ok(()), &format!("/assistant/{conversation}")),
        Err(error) => flash::answer(Err(error)),
    }
}

/// Has a question answered once more: another version beside those that there are.
#[server(prefix = "/api/fn", endpoint = "answer-again")]
pub async fn answer_again(conversation: String, message: u64, model: Option<String>) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    flash::answer(match asker::current() {
        Ok((assistant, asker)) => assistant.again(&asker, &conversation, message, model).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}

/// Has an answer that broke off go on where it ended.
#[server(prefix = "/api/fn", endpoint = "continue-answer")]
pub async fn continue_answer(conversation: String, message: u64) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    flash::answer(match asker::current() {
        Ok((assistant, asker)) => assistant.go_on(&asker, &conversation, message).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}

/// Stops an answer: the model too.
#[server(prefix = "/api/fn", endpoint = "stop-answer")]
pub async fn stop_answer(conversation: String, message: u64) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    flash::answer(match asker::current() {
        Ok((assistant, asker)) => assistant.stop(&asker, &conversation, message).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}

/// Says yes or no to what a tool is to change.
#[server(prefix = "/api/fn", endpoint = "decide-call")]
pub async fn decide_call(conversation: String, message: u64, call: String, yes: bool) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    flash::answer(match asker::current() {
        Ok((assistant, asker)) => {
            assistant.decide(&asker, &conversation, message, &call, yes).await.map_err(Into::into)
        }
        Err(error) => Err(error),
    })
}

/// Shows another version of a question or an answer, and what followed it.
#[server(prefix = "/api/fn", endpoint = "choose-version")]
pub async fn choose_version(conversation: String, message: u64) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    flash::answer(match asker::current() {
        Ok((assistant, asker)) => assistant.choose(&asker, &conversation, message).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}

#[server(prefix = "/api/fn", endpoint = "rename-conversation")]
pub async fn rename_conversation(conversation: String, title: String) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    flash::answer(match asker::current() {
        Ok((assistant, asker)) => assistant.rename(&asker, &conversation, &title).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}

/// Removes a conversation for good, and goes where a new one can be begun.
#[server(prefix = "/api/fn", endpoint = "delete-conversation")]
pub async fn delete_conversation(conversation: String) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    let deleted = match asker::current() {
        Ok((assistant, asker)) => assistant.delete(&asker, &conversation).await.map_err(AppError::from),
        Err(error) => Err(error),
    };
    match deleted {
        Ok(()) => flash::answer_at(Ok(()), "/assistant"),
        Err(error) => flash::answer(Err(error)),
    }
}

/// Lets whoever knows a conversation's address read it, or ends that: whoever reads it then receives nothing more.
#[server(prefix = "/api/fn", endpoint = "share-conversation")]
pub async fn share_conversation(conversation: String, shared: bool) -> Result<(), AppError> {
    use crate::server::{asker, flash};
    flash::answer(match asker::current() {
        Ok((assistant, asker)) => assistant.share(&asker, &conversation, shared).await.map_err(Into::into),
        Err(error) => Err(error),
    })
}
