//! What clients ask for in rooms, over a WebSocket or, where those are blocked, over `POST /api/command`.

use std::time::Instant;

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    server::{
        asker,
        features::{
            messages::{self, Posted},
            rooms::{self, RoomError},
        },
        session::Asking,
        state::AppState,
        store::people::Person,
    },
    wire::{
        Position,
        socket::{Command, FailedCode, Said},
        topic::Segment,
    },
};

/// What came of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub message: Option<u64>,
    pub position: Option<Position>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub code: FailedCode,
    pub message: String,
    pub retry_ms: Option<u32>,
}

impl Failed {
    pub fn new(code: FailedCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_ms: None }
    }

    pub fn said(self, id: Option<&str>) -> Said {
        Said::Failed { id: id.map(str::to_owned), code: self.code, message: self.message, retry_ms: self.retry_ms }
    }
}

/// What is to be said to this command: nothing if it was done and has no id.
pub fn answer(id: Option<&str>, result: Result<Done, Failed>) -> Option<Said> {
    match result {
        Ok(Done { message, position }) => id.map(|id| Said::Done { id: id.to_owned(), message, position }),
        Err(failed) => Some(failed.said(id)),
    }
}

/// Reads a message from a client. If it is no command, its id may be there all the same.
pub fn parse(text: &[u8]) -> Result<Command, (Option<String>, Failed)> {
    /// A longer one is nobody's who would wait for it.
    const ID_CHARS: usize = 100;
    #[derive(serde::Deserialize)]
    struct Named {
        id: String,
    }
    serde_json::from_slice(text).map_err(|error| {
        let words: String = error.to_string().chars().take(200).collect();
        let id = serde_json::from_slice::<Named>(text).ok().map(|Named { id }| id.chars().take(ID_CHARS).collect());
        (id, Failed::new(FailedCode::Malformed, format!("this is not a command: {words}")))
    })
}

/// Does what somebody asks for in a room.
pub async fn perform(state: &AppState, asking: &Asking, command: &Command) -> Result<Done, Failed> {
    let person = asking.person.as_ref().ok_or_else(|| {
        Failed::new(FailedCode::NotFound, "only visitors may do that: load a page first, and send its cookie")
    })?;
    let outcome = match command {
        Command::Post { room, client, text, .. } => {
            let posted = post(state, asking, person, room, client, text).await;
            posted.map(|posted| Done { message: Some(posted.message), position: posted.position })
        }
        Command::Edit { room, message, text, .. } => {
            let edited = messages::edit(&state.store, &person.id, room, *message, text).await;
            edited.map(|position| Done { message: Some(*message), position: Some(position) })
        }
        Command::Delete { room, message, .. } => {
            let deleted = messages::delete(&state.store, &person.id, room, *message).await;
            deleted.map(|()| Done { message: Some(*message), position: None })
        }
        Command::Read { room, message, .. } => {
            messages::note_read(&state.store, person, room, *message).await.map(|()| Done::default())
        }
        Command::Typing { room, .. } => {
            // Who is not there is not heard: presence knows who may be.
            if let Ok(room) = Segment::new(room) {
                state.presence.types(&room, &rooms::visitor(person), Instant::now());
            }
            Ok(Done::default())
        }
        Command::Subscribe { .. } | Command::Unsubscribe { .. } | Command::Heartbeat => {
            return Err(Failed::new(FailedCode::Malformed, "that takes a WebSocket"));
        }
    };
    outcome.map_err(Failed::from)
}

async fn post(
    state: &AppState,
    asking: &Asking,
    by: &Person,
    room: &str,
    client: &str,
    text: &str,
) -> Result<Posted, RoomError> {
    let posted = asker::say_in_room(state, asking, by, room, client, text).await?;
    if let Ok(room) = Segment::new(room) {
        state.presence.sent(&room, &by.id);
    }
    Ok(posted)
}

impl From<RoomError> for Failed {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::Store(error) => {
                tracing::error!(%error, "a command failed");
                Self::new(FailedCode::Unavailable, "the server cannot reach its data; try again in a moment")
            }
            RoomError::Unknown | RoomError::Message => Self::new(FailedCode::NotFound, error.to_string()),
            error => Self::new(FailedCode::Invalid, error.to_string()),
        }
    }
}

/// `POST /api/command`: one command, one answer.
pub async fn over_http(State(state): State<AppState>, Extension(asking): Extension<Asking>, body: Bytes) -> Response {
    let (id, result) = match parse(&body) {
        Ok(command) => (command.id().map(str::to_owned), perform(&state, &asking, &command).await),
        Err((id, failed)) => (id, Err(failed)),
    };
    let status = match &result {
        Ok(_) => StatusCode::OK,
        Err(failed) => match failed.code {
            FailedCode::Malformed | FailedCode::Invalid | FailedCode::TooManyTopics => StatusCode::UNPROCESSABLE_ENTITY,
            FailedCode::NotFound => StatusCode::NOT_FOUND,
            FailedCode::TooFast => StatusCode::TOO_MANY_REQUESTS,
            FailedCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        },
    };
    let said = answer(Some(id.as_deref().unwrap_or_default()), result);
    let json = serde_json::to_string(&said).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], json).into_response()
}
