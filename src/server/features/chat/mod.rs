//! Answers of a language model: who may have how many, what they cost, and that they stop when nobody wants them. What an
//! answer becomes (an event stream, a row of a conversation) is its caller's business.

mod ceilings;
mod places;
mod written;

use std::{sync::Arc, time::Duration};

use tokio_util::task::TaskTracker;

pub use ceilings::{Ceilings, ChatError, Payer, Whose};
pub use written::Written;

use crate::server::{
    model::{self, Model, Models, Prompt, Tool, Turn},
    rate_limit::Writes,
    store::{Store, StoreError, now_ms},
};
use places::{Place, Places, whose};
use written::Spent;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Under this name stands what all have used. No person, key or address is called so.
const ALL: &str = "all";

/// The models, and the answers that are being written.
#[derive(Debug)]
pub struct Chats {
    models: Models,
    system: String,
    ceilings: Ceilings,
    store: Store,
    places: Arc<Places>,
    by_person: Arc<Writes>,
    by_address: Arc<Writes>,
    by_all: Arc<Writes>,
    /// Owns the notes of what was used.
    tasks: TaskTracker,
}

/// Leave to ask a model for an answer to one question. Its place is free again when it and all its answers are dropped.
#[derive(Clone, Debug)]
pub struct Admission {
    chats: Arc<Chats>,
    model: Arc<dyn Model>,
    place: Arc<Place>,
    /// What the model is told besides the house's own words.
    besides: String,
}

/// What somebody has used today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Of both together. None where the default model is free.
    pub ceiling: Option<u64>,
}

impl Chats {
    pub fn new(models: Models, system: String, ceilings: Ceilings, store: Store) -> Arc<Self> {
        Arc::new(Self {
            models,
            system,
            store,
            places: Arc::default(),
            by_person: Writes::new(ceilings.requests_a_minute_per_person),
            by_address: Writes::new(ceilings.requests_a_minute_per_address),
            by_all: Writes::new(ceilings.requests_a_minute),
            ceilings,
            tasks: TaskTracker::new(),
        })
    }

    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Of the newest message, in characters.
    pub fn longest_question(&self) -> usize {
        (self.ceilings.message_chars as usize).min(self.ceilings.conversation_chars as usize)
    }

    /// Whether a conversation may be of so many messages: for whoever has to know before they look at them.
    pub fn check_count(&self, messages: usize) -> Result<(), ChatError> {
        let most = self.ceilings.conversation_messages;
        if messages > most as usize { Err(ChatError::TooManyMessages(most)) } else { Ok(()) }
    }

    /// Checks every ceiling and takes a place; nothing is asked of the model yet. `turns` end with the question.
    pub async fn admit(
        self: &Arc<Self>,
        payer: &Payer,
        model: Option<&str>,
        turns: &[Turn],
    ) -> Result<Admission, ChatError> {
        self.check_length(turns)?;
        let found = model.map_or(Some(self.models.default()), |name| self.models.find(name));
        let Some(model) = found.cloned() else {
            return Err(ChatError::NoSuchModel(self.models.names().collect::<Vec<_>>().join(", ")));
        };
        let place = self.places.take(payer, &self.ceilings)?;
        self.check_pace(payer)?;
        if model.is_paid() {
            self.check_tokens(payer).await?;
        }
        Ok(Admission { chats: self.clone(), model, place: Arc::new(place), besides: String::new() })
    }

    /// What this one used today, and how much they may: for pages.
    pub async fn used_today(&self, payer: &Payer) -> Result<Used, StoreError> {
        let [used] = self.store.model_usage(day(now_ms()), [&payer.who]).await?;
        let ceiling = if payer.is_address() {
            self.ceilings.tokens_a_day_per_address
        } else {
            self.ceilings.tokens_a_day_per_person
        };
        Ok(Used {
            input_tokens: used.input,
            output_tokens: used.output,
            ceiling: self.models.default().is_paid().then_some(ceiling),
        })
    }

    /// Forgets who asked how often, of those who have not for a while. Call it once a minute or so.
    pub fn forget_idle(&self) {
        [&self.by_person, &self.by_address, &self.by_all].into_iter().for_each(|asked| asked.forget_idle());
    }

    /// Returns when what was used is noted. No answers are begun any more.
    pub async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// What people and models have written. What tools have said is nobody's to shorten: the oldest of it is left out when
    /// it does not fit any more.
    fn check_length(&self, turns: &[Turn]) -> Result<(), ChatError> {
        let ceilings = &self.ceilings;
        let last = turns.last().filter(|turn| turn.is_asked()).ok_or(ChatError::Conversation)?;
        if last.text().trim().is_empty() {
            return Err(ChatError::Conversation);
        }
        self.check_count(model::messages_in(turns))?;
        if last.chars() > ceilings.message_chars as usize {
            return Err(ChatError::MessageTooLong(ceilings.message_chars));
        }
        if turns.iter().map(Turn::chars).sum::<usize>() > ceilings.conversation_chars as usize {
            return Err(ChatError::ConversationTooLong(ceilings.conversation_chars));
        }
        Ok(())
    }

    /// A question that one's own budget refuses costs nobody else's.
    fn check_pace(&self, payer: &Payer) -> Result<(), ChatError> {
        let ceilings = &self.ceilings;
        let budgets = whose(
            payer,
            (&self.by_person, ceilings.requests_a_minute_per_person),
            (&self.by_address, ceilings.requests_a_minute_per_address),
        );
        for (whose, name, (budget, most)) in budgets {
            if let Some(wait) = budget.ask(name) {
                return Err(ChatError::TooFast { whose, most, wait });
            }
        }
        self.by_all.ask(ALL).map_or(Ok(()), |wait| Err(ChatError::Crowded { wait }))
    }

    async fn check_tokens(&self, payer: &Payer) -> Result<(), ChatError> {
        let now = now_ms();
        let ceilings = &self.ceilings;
        let [own, address, all] = self.store.model_usage(day(now), [&payer.who, &payer.address, ALL]).await?;
        let wait = Duration::from_millis((DAY_MS - now.rem_euclid(DAY_MS)) as u64);
        let budgets =
            whose(payer, (own, ceilings.tokens_a_day_per_person), (address, ceilings.tokens_a_day_per_address));
        for (whose, _, (used, most)) in budgets {
            if used.input + used.output >= most {
                return Err(ChatError::Spent { whose, wait });
            }
        }
        if all.input + all.output >= ceilings.tokens_a_day {
            return Err(ChatError::AllSpent { wait });
        }
        Ok(())
    }
}

impl Admission {
    pub fn model(&self) -> &Arc<dyn Model> {
        &self.model
    }

    /// Tells the model this besides, before all else.
    pub fn telling(mut self, besides: impl Into<String>) -> Self {
        self.besides = besides.into();
        self
    }

    /// Whether more may be asked: what came meanwhile counts too, of this answer and of others.
    pub async fn check_tokens(&self) -> Result<(), ChatError> {
        if self.model.is_paid() { self.chats.check_tokens(&self.place.payer).await } else { Ok(()) }
    }

    /// Asks the model; more than once, where it calls tools in between. Turns that do not fit into its window are left out,
    /// the oldest first. Without tools, or where the model takes none, what tools have said is told in words.
    pub fn ask(&self, turns: Vec<Turn>, tools: Vec<Tool>) -> Written {
        let Chats { system, ceilings, .. } = &*self.chats;
        let system = [system, &*self.besides].join("\n\n").trim().to_owned();
        let turns = model::paired(turns);
        let (turns, tools) = match self.model.takes_tools() && !tools.is_empty() {
            true => (turns, tools),
            false => (model::without_tools(turns), Vec::new()),
        };
        let tool = |tool: &Tool| {
            model::tokens_of(&tool.name)
                + model::tokens_of(&tool.description)
                + model::tokens_of(&tool.input.to_string())
        };
        let around = model::tokens_of(&system) + tools.iter().map(tool).sum::<usize>();
        let around = u32::try_from(around).unwrap_or(u32::MAX);
        let room = self.model.window().saturating_sub(ceilings.output_tokens).saturating_sub(around);
        let (turns, left_out) = model::fitting(turns, room);
        let input = around as usize + turns.iter().map(model::tokens_of_turn).sum::<usize>();
        let prompt = Prompt { system, turns, tools, max_tokens: ceilings.output_tokens };
        let pieces = self.model.answer(prompt);
        let spent = Spent::new(self.chats.clone(), self.place.clone(), self.model.is_paid(), input);
        Written { pieces, left_out, spent }
    }
}

fn day(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

/// Forgets what was used long ago.
pub async fn tidy(store: &Store) -> Result<(), StoreError> {
    const REMEMBERED_DAYS: i64 = 400;
    let forgotten = store.write::<_, StoreError, _>(|tx| {
        Box::pin(async move { tx.forget_model_usage(day(tx.now_ms) - REMEMBERED_DAYS).await })
    });
    forgotten.await
}
