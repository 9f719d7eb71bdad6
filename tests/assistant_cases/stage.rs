//! A server with a scripted model, people who ask it, and a reader of what it tells.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidemark::{
    server::{
        config::Config,
        features::{
            chat::Payer,
            conversations::{Asker, Assistant, ConversationError, Question},
            runs::Runs,
        },
        model::Model,
        session::Asking,
        store::{StoreError, conversations::TurnRow, jobs::Owner, people::Person},
        tools::{Context, Toolbox},
        topics::{Cursor, From, Mailbox, Read},
    },
    wire::{
        Topic,
        assistant::{Conversation, Message, PartKind, RunEvent, RunEventKind, Status},
    },
};

use super::script::Script;
use crate::http::server::Server;

pub const ID: &str = "0123456789abcdef0123456789abcdef";

pub struct Stage {
    pub server: Server,
    pub script: Arc<Script>,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let script = Arc::<Script>::default();
        Self { server: Server::with_model(change, script.clone()).await, script }
    }

    /// With a model besides, for those who choose it.
    pub async fn beside(other: Arc<dyn Model>) -> Self {
        let script = Arc::<Script>::default();
        Self { server: Server::with_models(|_| {}, vec![script.clone(), other]).await, script }
    }

    /// The same database, as another process sees it.
    pub fn other_process(&self) -> Arc<Assistant> {
        let state = &self.server.state;
        Assistant::new(state.store.clone(), state.chats.clone(), Runs::new(Arc::default()), Arc::default())
    }

    /// A turn as it is stored.
    pub async fn stored(&self, turn: u64) -> TurnRow {
        self.change(turn, |_| {}).await
    }

    /// As if nothing had been heard for long of the process that writes this turn.
    pub async fn lapse(&self, turn: u64) {
        self.change(turn, |row| row.lease_ms = 0).await;
    }

    pub async fn change(&self, turn: u64, change: impl FnOnce(&mut TurnRow) + Send + 'static) -> TurnRow {
        let written = self.server.state.store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let mut row = tx.turn(turn).await?.expect("a turn");
                change(&mut row);
                tx.set_turn(&row).await?;
                Ok(row)
            })
        });
        written.await.expect("the store")
    }

    /// Returns when everything that was asked to be written is.
    pub async fn settled(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let nothing = self.server.state.store.write::<_, StoreError, _>(|_| Box::pin(async { Ok(()) }));
        nothing.await.expect("the store");
    }

    /// Somebody who may ask.
    pub async fn person(&self, name: &str) -> Asker {
        let person = Person { id: format!("p-{name}"), name: name.to_owned(), hue: 1, email: None };
        let row = person.clone();
        let added =
            self.server.state.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { tx.add_person(&row, &row.name.clone()).await })
            });
        added.await.expect("a person");
        let asking = Asking { person: Some(person.clone()), ..Asking::default() };
        let context = Context { state: self.server.state.clone(), asking };
        Asker { owner: Some(Owner::Person(person.id)), payer: Payer::new(None, name), tools: Toolbox::of(context) }
    }

    pub async fn ask(&self, asker: &Asker, client: &str, text: &str) -> Result<String, ConversationError> {
        self.ask_instead(asker, client, text, None).await
    }

    pub async fn ask_instead(
        &self,
        asker: &Asker,
        client: &str,
        text: &str,
        instead_of: Option<u64>,
    ) -> Result<String, ConversationError> {
        let question =
            Question { conversation: ID.into(), text: text.into(), client: client.into(), model: None, instead_of };
        self.server.state.assistant.ask(asker, question).await
    }

    pub async fn view(&self, asker: &Asker) -> Conversation {
        self.seen_by(asker).await.expect("it is theirs to read")
    }

    pub async fn seen_by(&self, asker: &Asker) -> Option<Conversation> {
        let Some(Owner::Person(person)) = &asker.owner else { panic!("a person") };
        self.server.state.assistant.view(ID, Some(person)).await.expect("the store")
    }

    /// The newest message of the conversation.
    pub async fn newest(&self, asker: &Asker) -> Message {
        self.view(asker).await.messages.pop().expect("a message")
    }

    /// The newest message, once its answer has come to an end.
    pub async fn ended(&self, asker: &Asker) -> Message {
        let ended = async {
            loop {
                let newest = self.newest(asker).await;
                if newest.status != Status::Running {
                    return newest;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends")
    }

    /// Follows an answer from what a page shows of it.
    pub fn follow(&self, message: &Message) -> Follower {
        let run = message.run.clone().expect("it is being written");
        let mailbox = Arc::<Mailbox>::default();
        let topic = Topic::Run { id: run.id };
        let cursor = self.server.state.topics.subscribe(&topic, From::After(run.position), &mailbox, 0, 0);
        let parts = message.parts.iter().enumerate().map(|(at, part)| {
            assert_ne!(part.kind, PartKind::Tool);
            (at as u32, part.blocks.clone())
        });
        Follower { cursor, mailbox, blocks: parts.collect(), text: message.text.clone(), end: None }
    }
}

/// Somebody in front of a page, who applies what comes.
pub struct Follower {
    cursor: Cursor,
    mailbox: Arc<Mailbox>,
    pub blocks: BTreeMap<u32, Vec<String>>,
    pub text: String,
    pub end: Option<Status>,
}

impl Follower {
    /// Reads until this text is there.
    pub async fn until(&mut self, text: &str) {
        while !self.text.contains(text) {
            self.read().await;
        }
    }

    pub async fn until_the_end(&mut self) {
        while self.end.is_none() {
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let batch = match self.cursor.read(1 << 20, 0) {
            Read::Events(batch) => batch,
            Read::Reset(reset) => panic!("their place is lost: {:?}", reset.reason),
            _ => {
                let marked = std::future::poll_fn(|context| {
                    self.mailbox.register(context.waker());
                    if self.mailbox.take() == 0 { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
                });
                return tokio::time::timeout(Duration::from_secs(5), marked).await.expect("more comes");
            }
        };
        for entry in batch.entries {
            let event: RunEvent = serde_json::from_slice(&entry.payload).expect("an event");
            let blocks = self.blocks.entry(event.part).or_default();
            event.patches.into_iter().for_each(|patch| patch.apply(blocks));
            if event.kind == RunEventKind::TextAdded {
                self.text.push_str(&event.text);
            }
            self.end = event.status.or(self.end);
        }
    }
}
