//! What is asked, asked anew, gone on with, allowed and stopped.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::{
    Asker, Assistant, ConversationError, Question, check_client, check_id, checked,
    place::{InConversation, Place, Writing, add_answer, add_question, cost_of, create, tell},
    topic,
    tree::{check_free, check_goes_on, find_answer, place_of, question_of, turns_to},
};
use crate::{
    server::{
        features::{
            answer,
            chat::Admission,
            runs::{Begin, Running, new_run},
        },
        model::Turn,
        store::{StoreError, Tx, conversations::TurnRow},
    },
    wire::assistant::{ConversationEventKind, Status},
};

impl Assistant {
    /// Asks something and has it answered. The conversation's id.
    pub async fn ask(&self, asker: &Asker, question: Question) -> Result<String, ConversationError> {
        let Question { conversation: id, text, mut client, model, instead_of } = question;
        let owner = asker.owner.clone().ok_or(ConversationError::Unknown)?;
        check_id(&id)?;
        check_client(&client)?;
        let text = checked(&text)?;
        let (known, turns) = self.known(&id).await?;
        if known.as_ref().is_some_and(|row| row.owner.as_ref() != Some(&owner)) {
            return Err(ConversationError::Unknown);
        }
        // One that arrives again costs nothing.
        if let Some(before) = turns.iter().find(|turn| turn.client.as_deref() == Some(&client)) {
            if question_of(before) == text {
                return Ok(id);
            }
            // Whoever goes back to a page without a script, and asks something else in its form.
            client = format!("{:032x}", rand::random::<u128>());
        }
        let leaf = known.and_then(|row| row.leaf);
        let parent = place_of(&turns, leaf, instead_of)?;
        let mut said = turns_to(&turns, parent);
        said.push(Turn::user(&text));
        let admission = asker.admitted(&self.chats, model.as_deref(), &said).await?;
        let (conversation, writing) = (id.clone(), Writing::by(&admission));
        let written = self.begin(asker, Some((admission, said)), move |tx| {
            Box::pin(async move {
                let now = tx.turns(&id).await?;
                // It has arrived twice at the same time.
                if now.iter().any(|turn| turn.client.as_deref() == Some(&client)) {
                    return Ok(None);
                }
                match tx.conversation(&id).await? {
                    // A tab that was away does not know yet, and would make it anew.
                    None if tx.knows(&topic(&id)?).await? => return Err(ConversationError::Deleted),
                    None => create(tx, &id, Some(owner), None, &text).await?,
                    // Somebody asked something else meanwhile: another tab.
                    Some(row) if row.leaf != leaf => return Err(ConversationError::Busy),
                    Some(_) => check_free(&now, parent)?,
                }
                let question = add_question(tx, &id, parent, Some(client), &text).await?;
                add_answer(tx, &id, Some(question), writing, None).await.map(Some)
            })
        });
        written.await.map(|_| conversation)
    }

    /// Has a question answered once more, beside the answers that there are. `message` is one of those.
    pub async fn again(
        &self,
        asker: &Asker,
        id: &str,
        message: u64,
        model: Option<String>,
    ) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let parent = find_answer(&turns, message)?.parent;
        let said = turns_to(&turns, parent);
        let admission = asker.admitted(&self.chats, model.as_deref(), &said).await?;
        let (id, writing) = (id.to_owned(), Writing::by(&admission));
        let written = self.begin(asker, Some((admission, said)), move |tx| {
            Box::pin(async move {
                check_free(&tx.turns(&id).await?, parent)?;
                add_answer(tx, &id, parent, writing, None).await.map(Some)
            })
        });
        written.await.map(drop)
    }

    /// Has an answer that broke off go on where it ended.
    pub async fn go_on(&self, asker: &Asker, id: &str, message: u64) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let broken = find_answer(&turns, message)?;
        if !matches!(
            Status::named(&broken.status),
            Status::Interrupted | Status::Stopped | Status::TooLong | Status::Failed
        ) {
            return Err(ConversationError::Whole);
        }
        let (admission, said) = self.admit_again(asker, &turns, broken).await?;
        let (id, parent, turn) = (broken.conversation.clone(), broken.parent, broken.id);
        let writing = Writing::by(&admission);
        let written = self.begin(asker, Some((admission, said)), move |tx| {
            Box::pin(async move {
                let row = tx.turn(turn).await?.ok_or(ConversationError::Message)?;
                check_goes_on(&tx.turns(&id).await?, &row)?;
                add_answer(tx, &id, parent, writing, Some(turn)).await.map(Some)
            })
        });
        written.await.map(drop)
    }

    /// Says yes or no to what a tool is to change. When nothing waits any more, the answer goes on: in the same write, so
    /// that nothing is decided that is then not done.
    pub async fn decide(
        &self,
        asker: &Asker,
        id: &str,
        message: u64,
        call: &str,
        yes: bool,
    ) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let waiting = find_answer(&turns, message)?;
        let mut parts = answer::from_json(&waiting.parts, &[]);
        if !answer::decide(&mut parts, call, yes) {
            return Err(ConversationError::Decided);
        }
        let admitted = if answer::waits(&parts) { None } else { Some(self.admit_again(asker, &turns, waiting).await?) };
        let (turn, call) = (waiting.id, call.to_owned());
        let writing = admitted.as_ref().map(|(admission, _)| Writing::by(admission));
        let decided = self.begin(asker, admitted, move |tx| {
            Box::pin(async move {
                let mut row = tx.turn(turn).await?.ok_or(ConversationError::Message)?;
                let mut parts = answer::from_json(&row.parts, &[]);
                if row.status != Status::Waiting.name() || !answer::decide(&mut parts, &call, yes) {
                    return Err(ConversationError::Decided);
                }
                row.parts = answer::to_json(&parts);
                tx.set_turn(&row).await?;
                if answer::waits(&parts) {
                    tell(tx, &row.conversation, ConversationEventKind::AnswerBegun, Some(turn)).await?;
                    return Ok(None);
                }
                // The other decision was made at the same moment: this one has to be made again, with leave to go on.
                let writing = writing.ok_or(ConversationError::Busy)?;
                check_goes_on(&tx.turns(&row.conversation).await?, &row)?;
                add_answer(tx, &row.conversation, row.parent, writing, Some(turn)).await.map(Some)
            })
        });
        decided.await.map(drop)
    }

    /// Stops an answer: the model too.
    pub async fn stop(&self, asker: &Asker, id: &str, message: u64) -> Result<(), ConversationError> {
        let turns = self.own(asker, id).await?;
        let row = find_answer(&turns, message)?;
        self.stop_turn(row).await
    }

    pub(super) async fn stop_turn(&self, row: &TurnRow) -> Result<(), ConversationError> {
        if row.status != Status::Running.name() || row.run.as_deref().is_some_and(|run| self.runs.stop(run)) {
            return Ok(());
        }
        // Another process writes it, which looks at this once a second.
        let turn = row.id;
        let written = self.store.write(move |tx| {
            Box::pin(async move {
                if let Some(mut row) = tx.turn(turn).await?
                    && row.status == Status::Running.name()
                {
                    row.stopping = true;
                    tx.set_turn(&row).await?;
                }
                Ok::<_, ConversationError>(())
            })
        });
        written.await
    }

    /// Leave to have an answer go on, by the model that wrote it if that is still there; and what it answers.
    async fn admit_again(
        &self,
        asker: &Asker,
        turns: &[TurnRow],
        row: &TurnRow,
    ) -> Result<(Admission, Vec<Turn>), ConversationError> {
        let said = turns_to(turns, row.parent);
        let model = cost_of(row).map(|cost| cost.model).filter(|model| self.chats.models().find(model).is_some());
        Ok((asker.admitted(&self.chats, model.as_deref(), &said).await?, said))
    }

    /// Writes down the place of an answer and begins the answer, both though whoever asks leaves in between: nothing stands
    /// as being written that is not. Its turn, if the write has made one.
    pub(super) async fn begin<W>(
        &self,
        asker: &Asker,
        admitted: Option<(Admission, Vec<Turn>)>,
        write: W,
    ) -> Result<Option<(u64, Arc<Running>)>, ConversationError>
    where
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Option<Place>, ConversationError>> + Send + 'static,
    {
        let (store, runs, tools) = (self.store.clone(), self.runs.clone(), asker.tools.clone());
        let both = self.runs.see_through(async move {
            let placed = store.write(write).await?;
            let (Some(place), Some((admission, turns))) = (placed, admitted) else { return Ok(None) };
            let Place { turn, run, earlier, spent } = place;
            let keep = Arc::new(InConversation { store, turn, run: run.clone() });
            let begin = Begin { id: run, earlier, spent, turns, admission, tools, keep, whole: None };
            Ok(Some((turn, runs.begin(begin))))
        });
        both.await.unwrap_or_else(|| Err(StoreError::Broken.into()))
    }
}

impl Writing {
    pub fn by(admission: &Admission) -> Self {
        Self { run: new_run(), model: admission.model().name().to_owned() }
    }
}
