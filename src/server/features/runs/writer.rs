//! What writes one answer, from its beginning to its end: told and stored on the way, stored whole when it is over. One task
//! an answer, which [`Runs::begin`] starts.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Begin, Ended, Go, Running, Runs};
use crate::{
    server::{
        features::{answer::Answer, chat::ChatError},
        model::{ModelError, Usage},
    },
    wire::{
        assistant::{Cost, RunEvent, RunEventKind, Status},
        topic::Segment,
    },
};

/// What is written is told at most this often: twenty-five times a second is as fluent as it gets.
pub(super) const TELL: Duration = Duration::from_millis(40);

/// And stored this often. A process that dies takes no more than this with it.
pub(super) const SAVE: Duration = Duration::from_secs(1);

/// The end of an answer is tried to be stored so many times, with [`SAVE`] between them.
const TRIES: usize = 5;

/// Why a run ends before its answer does.
pub(super) enum End {
    As(Status),
    /// Why, for people.
    Failed(String),
    /// Nobody keeps it any more.
    Gone,
}

impl From<ModelError> for End {
    fn from(error: ModelError) -> Self {
        let mut words = error.to_string();
        words[..1].make_ascii_uppercase();
        Self::Failed(words + ".")
    }
}

impl From<ChatError> for End {
    fn from(error: ChatError) -> Self {
        if let ChatError::Store(error) = error {
            tracing::error!(%error, "whether an answer may go on could not be found out");
            return Self::Failed("The server cannot reach its data.".to_owned());
        }
        let mut words = error.to_string();
        words[..1].make_ascii_uppercase();
        Self::Failed(words + ".")
    }
}

/// What writes one answer.
pub(super) struct Writer<'r> {
    pub runs: &'r Runs,
    pub running: &'r Running,
    pub begin: &'r Begin,
    pub started: Instant,
    pub cost: Cost,
    /// Used in the rounds before, and in what is there already.
    pub before: Usage,
    pub told: Option<Instant>,
    pub saved: Instant,
}

impl Runs {
    pub(super) async fn write(self: Arc<Self>, begin: Begin, running: &Running) {
        let cost = Cost { model: begin.admission.model().name().to_owned(), ..begin.spent.clone() };
        let mut writer = Writer {
            runs: &self,
            running,
            begin: &begin,
            started: Instant::now(),
            before: Usage { input_tokens: cost.input_tokens, output_tokens: cost.output_tokens },
            cost,
            told: None,
            saved: Instant::now(),
        };
        let (status, error) = match writer.answer().await {
            Ok(status) => (status, None),
            Err(End::As(status)) => (status, None),
            Err(End::Failed(words)) => (Status::Failed, Some(words)),
            // There is nothing to be stored; whoever reads it is told as ever.
            Err(End::Gone) => {
                self.finish(&begin.id, running, Status::Interrupted, None);
                return;
            }
        };
        let took = begin.spent.total_ms.saturating_add(ms(writer.started.elapsed()));
        writer.cost.total_ms = took.max(writer.cost.first_ms);
        let cost = writer.cost;
        if status != Status::Waiting {
            running.change(Answer::end_tools);
        }
        running.change(Answer::close);
        let parts = running.lock().answer.parts().to_vec();
        let ended = Ended { parts, status, error: error.clone(), cost };
        let mut tries = 0;
        while let Err(failure) = begin.keep.end(ended.clone()).await {
            tries += 1;
            tracing::error!(error = %failure, tries, "an answer could not be stored");
            if tries == TRIES {
                break;
            }
            tokio::time::sleep(SAVE).await;
        }
        self.finish(&begin.id, running, status, error);
    }

    /// Tells of the end. Nothing follows it.
    fn finish(&self, id: &Segment, running: &Running, status: Status, error: Option<String>) {
        let end = RunEvent {
            kind: RunEventKind::RunEnded,
            part: 0,
            text: String::new(),
            patches: Vec::new(),
            tool: None,
            status: Some(status),
            error,
        };
        {
            let mut written = running.lock();
            running.tell(&mut written);
            running.publish(&mut written, &end);
            written.end = Some(end);
        }
        self.lock().remove(id.as_str());
    }
}

impl Writer<'_> {
    pub(super) fn tell(&mut self) {
        self.running.change(|_| {});
        self.told = Some(Instant::now());
    }

    pub(super) async fn save(&mut self) -> Result<(), End> {
        let unsaved = self.running.lock().answer.take_unsaved();
        let saved = self.begin.keep.add(unsaved).await;
        self.saved = Instant::now();
        match saved {
            Ok(Go::On) => Ok(()),
            Ok(Go::Stop) => Err(End::As(Status::Stopped)),
            Ok(Go::Gone) => Err(End::Gone),
            // The end is stored whole, so nothing is lost by this but for a process that dies.
            Err(error) => {
                tracing::error!(%error, "what was added to an answer could not be stored");
                Ok(())
            }
        }
    }
}

pub(super) fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
