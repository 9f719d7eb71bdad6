//! Answers being written. A run belongs to the server: whoever watches it reads its topic, and nobody has to. What is
//! written is told at once, stored about once a second, and stored whole when it ends.

use std::{
    collections::HashMap,
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    answer::{self, Answer, Kept},
    chat::{Admission, ChatError},
};
use crate::{
    server::{
        model::{Call, ModelError, Part as Said, Piece, Role, Stop, Turn, Usage},
        store::StoreError,
        tools::Toolbox,
        topics::{Hold, Topics},
    },
    wire::{
        Position, Topic,
        assistant::{Cost, Part, RunEvent, RunEventKind, Status, ToolState, ToolUse},
        topic::Segment,
    },
};

/// What is written is told at most this often: twenty-five times a second is as fluent as it gets.
const TELL: Duration = Duration::from_millis(40);

/// And stored this often. A process that dies takes no more than this with it.
const SAVE: Duration = Duration::from_secs(1);

/// An answer whose process has not been heard of for so long is taken for interrupted: it survives four saves that fail.
pub const LEASE_MS: i64 = 5_000;

/// A model may ask for tools so many times in one answer.
const ROUNDS: usize = 8;

/// And for so many at a time: a question has few sides, and each call is work for the server, and read again in each round.
const CALLS: usize = 8;

/// Once tools have said so much in one answer, in bytes, no more of them are used: it is about 20,000 tokens, which the smallest
/// window that is usual (`context_tokens`) holds beside the question, and read again, and paid for, in each round that follows.
const RESULT_BYTES: usize = 64 * 1024;

const TOO_MANY_CALLS: &str = "This was not done: too many tools were asked for at once. Ask for fewer.";
const TOO_MUCH_SAID: &str =
    "This was not done: tools have said as much as they may in one answer. Answer with what there is.";

/// The end of an answer is tried to be stored so many times, with [`SAVE`] between them.
const TRIES: usize = 5;

/// What an answer that broke off is continued with. The last word is always a person's: models refuse an answer that is
/// begun for them.
const GO_ON: &str = "Your answer broke off. Continue it exactly where it ended, without repeating anything and without \
     an introduction.";

/// Where an answer is kept.
pub trait Keep: Send + Sync + fmt::Debug {
    /// Stores what was added (as [`Answer::take_unsaved`] has it), and that its process is alive.
    fn add(&self, added: Option<String>) -> BoxFuture<'_, Result<Go, StoreError>>;

    /// Stores it whole, and tells of it.
    fn end(&self, ended: Ended) -> BoxFuture<'_, Result<(), StoreError>>;

    /// What is to be done when its place is free again.
    fn after(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Whether an answer is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    On,
    /// Somebody wants it to stop.
    Stop,
    /// It is nobody's any more.
    Gone,
}

#[derive(Clone, Debug)]
pub struct Ended {
    pub parts: Vec<Kept>,
    pub status: Status,
    pub error: Option<String>,
    pub cost: Cost,
}

/// An answer to be written.
#[derive(Debug)]
pub struct Begin {
    pub id: Segment,
    /// What is there of it already, and what that has cost.
    pub earlier: Vec<Kept>,
    pub spent: Cost,
    /// What it answers: ends with a person's turn.
    pub turns: Vec<Turn>,
    pub admission: Admission,
    pub tools: Toolbox,
    pub keep: Arc<dyn Keep>,
    /// Where all of it is one text, as in a room: what that begins with.
    pub whole: Option<String>,
}

/// A name that no other run has.
pub fn new_run() -> Segment {
    // Hexadecimal digits are a segment.
    Segment::new(&format!("{:032x}", rand::random::<u128>())).unwrap_or_else(|_| unreachable!("digits"))
}

#[derive(Debug)]
pub struct Runs {
    topics: Arc<Topics>,
    tasks: TaskTracker,
    running: Mutex<HashMap<String, Arc<Running>>>,
    /// The process is about to end.
    interrupted: CancellationToken,
}

/// An answer that this process is writing.
#[derive(Debug)]
pub struct Running {
    topics: Arc<Topics>,
    topic: Topic,
    /// Its state and its topic's head change together.
    written: Mutex<Written>,
    stop: CancellationToken,
    /// However long it says nothing: its position, which pages and rows have, stays one.
    _hold: Hold,
}

#[derive(Debug)]
struct Written {
    answer: Answer,
    position: Position,
    /// Told already, the last event.
    end: Option<RunEvent>,
}

/// A run as it is now, and the position of its topic at which that is true.
#[derive(Clone, Debug)]
pub struct Seen {
    pub parts: Vec<Kept>,
    /// The event with which it has ended: nothing follows.
    pub end: Option<RunEvent>,
    pub position: Position,
}

impl Runs {
    pub fn new(topics: Arc<Topics>) -> Arc<Self> {
        Arc::new(Self {
            topics,
            tasks: TaskTracker::new(),
            running: Mutex::default(),
            interrupted: CancellationToken::new(),
        })
    }

    /// Begins to write, and returns what one may watch.
    pub fn begin(self: &Arc<Self>, begin: Begin) -> Arc<Running> {
        let topic = Topic::Run { id: begin.id.clone() };
        let hold = self.topics.hold(&topic);
        let position = self.topics.head(&topic);
        let answer = match &begin.whole {
            Some(before) => Answer::whole(before),
            None => Answer::begun(begin.earlier.clone()),
        };
        let stop = CancellationToken::new();
        let written = Mutex::new(Written { answer, position, end: None });
        let running = Arc::new(Running { topics: self.topics.clone(), topic, written, stop, _hold: hold });
        self.lock().insert(begin.id.to_string(), running.clone());
        let (runs, writing) = (self.clone(), running.clone());
        let keep = begin.keep.clone();
        self.tasks.spawn(async move {
            runs.write(begin, &writing).await;
            keep.after().await;
        });
        running
    }

    /// Whether the process is about to end: then nothing should be begun.
    pub fn is_closing(&self) -> bool {
        self.tasks.is_closed()
    }

    /// Sees something through to its end, even where whoever asked for it leaves: a handler is dropped with its connection.
    /// Nothing if it panicked.
    pub async fn see_through<R: Send + 'static>(&self, work: impl Future<Output = R> + Send + 'static) -> Option<R> {
        self.tasks.spawn(work).await.ok()
    }

    /// Where the topic of a run stands that has not begun.
    pub fn head(&self, id: &Segment) -> Position {
        self.topics.head(&Topic::Run { id: id.clone() })
    }

    /// The answer of this run, if this process writes it.
    pub fn find(&self, id: &str) -> Option<Arc<Running>> {
        self.lock().get(id).cloned()
    }

    /// Stops a run of this process, and the provider's work with it.
    pub fn stop(&self, id: &str) -> bool {
        self.find(id).map(|running| running.stop.cancel()).is_some()
    }

    /// Gives what is being written so long to end, then interrupts it. Returns when all of it is stored.
    pub async fn close(&self, grace: Duration) {
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            self.interrupted.cancel();
            self.tasks.wait().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(self: Arc<Self>, begin: Begin, running: &Running) {
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

impl Running {
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The answer as it is now, and the position of the topic at which that is true.
    pub fn view(&self) -> (Vec<Part>, String, Position) {
        let mut written = self.lock();
        self.tell(&mut written);
        (written.answer.view(), answer::text(written.answer.parts()), written.position)
    }

    /// The same as it is stored, and whether that is the end.
    pub fn seen(&self) -> Seen {
        let mut written = self.lock();
        self.tell(&mut written);
        Seen { parts: written.answer.parts().to_vec(), end: written.end.clone(), position: written.position }
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the answer and tells of it.
    fn change(&self, change: impl FnOnce(&mut Answer)) {
        let mut written = self.lock();
        change(&mut written.answer);
        self.tell(&mut written);
    }

    /// Before somebody looks too: what is shown before its event would come twice.
    fn tell(&self, written: &mut Written) {
        for event in written.answer.tell() {
            self.publish(written, &event);
        }
    }

    fn publish(&self, written: &mut Written, event: &RunEvent) {
        match self.topics.publish(&self.topic, event) {
            Ok(position) => written.position = position,
            Err(error) => tracing::error!(%error, "an answer's event could not be written"),
        }
    }
}

/// Why a run ends before its answer does.
enum End {
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
struct Writer<'r> {
    runs: &'r Runs,
    running: &'r Running,
    begin: &'r Begin,
    started: Instant,
    cost: Cost,
    /// Used in the rounds before, and in what is there already.
    before: Usage,
    told: Option<Instant>,
    saved: Instant,
}

impl Writer<'_> {
    async fn answer(&mut self) -> Result<Status, End> {
        // A person may have said yes to something since.
        self.use_tools().await?;
        for round in 0..ROUNDS {
            if round > 0 {
                self.begin.admission.check_tokens().await?;
            }
            let stop = self.round().await?;
            let asked = answer::tools(self.running.lock().answer.parts()).any(answer::is_open);
            match stop {
                // Some servers do not say that they wait for a tool.
                _ if asked => self.use_tools().await?,
                Stop::Done | Stop::Tools => return Ok(Status::Complete),
                Stop::TooLong => return Ok(Status::TooLong),
                Stop::Refused => return Ok(Status::Refused),
            }
            if answer::waits(self.running.lock().answer.parts()) {
                return Ok(Status::Waiting);
            }
        }
        Err(End::Failed(format!("The model used tools {ROUNDS} times without coming to an end.")))
    }

    /// One answer of the model, until it ends or waits for results.
    async fn round(&mut self) -> Result<Stop, End> {
        let mut turns = self.begin.turns.clone();
        turns.extend(answer::turns(self.running.lock().answer.parts()));
        if turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
            turns.push(Turn::user(GO_ON));
        }
        let model = self.begin.admission.model();
        let tools = if model.takes_tools() { self.begin.tools.described() } else { Vec::new() };
        let mut pieces = self.begin.admission.ask(turns, tools);
        self.cost.left_out = pieces.left_out() as u32;
        let mut calls = 0;
        loop {
            let tell_at = self.told.map_or_else(Instant::now, |told| told + TELL);
            let untold = !self.running.lock().answer.is_told();
            let piece = tokio::select! {
                biased;
                () = self.running.stop.cancelled() => return Err(End::As(Status::Stopped)),
                () = self.runs.interrupted.cancelled() => return Err(End::As(Status::Interrupted)),
                () = tokio::time::sleep_until(self.saved + SAVE) => {
                    self.save().await?;
                    continue;
                }
                () = tokio::time::sleep_until(tell_at), if untold => {
                    self.tell();
                    continue;
                }
                piece = pieces.next() => piece.unwrap_or(Err(ModelError::Broken))?,
            };
            if self.cost.first_ms == 0 && matches!(piece, Piece::Text(_) | Piece::Thinking(_) | Piece::Call(_)) {
                self.cost.first_ms = ms(self.started.elapsed()).max(1);
            }
            let usage = pieces.usage();
            self.cost.input_tokens = self.before.input_tokens + usage.input_tokens;
            self.cost.output_tokens = self.before.output_tokens + usage.output_tokens;
            match piece {
                Piece::Text(text) => self.running.lock().answer.add_text(&text),
                Piece::Thinking(text) => self.running.lock().answer.add_thinking(&text),
                Piece::Signature(signature) => self.running.lock().answer.sign_thinking(signature),
                Piece::Call(call) => {
                    calls += 1;
                    let tool = self.wanted(call);
                    let tool = if calls > CALLS { refused(tool, TOO_MANY_CALLS) } else { tool };
                    self.running.lock().answer.set_tool(tool);
                }
                Piece::Usage(_) => {}
                Piece::Stopped(stop) => {
                    self.before =
                        Usage { input_tokens: self.cost.input_tokens, output_tokens: self.cost.output_tokens };
                    self.tell();
                    // What the next round is allowed depends on it.
                    pieces.note().await;
                    return Ok(stop);
                }
            }
        }
    }

    /// A tool as a model asks for it.
    fn wanted(&self, call: Call) -> ToolUse {
        let tool = self.begin.tools.find(&call.name);
        let title = tool.map_or_else(|| format!("Use {}", call.name), |tool| tool.title(&call.input));
        let state = match tool {
            Some(tool) if tool.changes() => ToolState::Waiting,
            _ => ToolState::Running,
        };
        let input = call.input.to_string();
        ToolUse { id: self.unused(call.id), name: call.name, title, input, output: String::new(), state }
    }

    /// A call's id; another where it was given before in this conversation, as some servers do: results and decisions are
    /// told apart by it.
    fn unused(&self, id: String) -> String {
        let called = |part: &Said| matches!(part, Said::Call(call) if call.id == id);
        let is_used = self.begin.turns.iter().flat_map(|turn| &turn.parts).any(called)
            || answer::tools(self.running.lock().answer.parts()).any(|tool| tool.id == id);
        if is_used { format!("call_{:016x}", rand::random::<u64>()) } else { id }
    }

    /// Uses the tools that wait for nobody.
    async fn use_tools(&mut self) -> Result<(), End> {
        let wanted: Vec<_> = answer::tools(self.running.lock().answer.parts())
            .filter(|tool| tool.state == ToolState::Running)
            .cloned()
            .collect();
        for tool in wanted {
            let said: usize = answer::tools(self.running.lock().answer.parts()).map(|tool| tool.output.len()).sum();
            let changes = self.begin.tools.find(&tool.name).is_some_and(|tool| tool.changes());
            // What a person has said yes to is done.
            if said >= RESULT_BYTES && !changes {
                self.running.change(|answer| answer.set_tool(refused(tool, TOO_MUCH_SAID)));
                continue;
            }
            let (state, output) = match self.call(&tool).await? {
                Ok(output) => (ToolState::Done, output),
                Err(words) => (ToolState::Failed, words),
            };
            self.running.change(|answer| answer.set_tool(ToolUse { state, output, ..tool }));
            self.save().await?;
        }
        Ok(())
    }

    async fn call(&mut self, tool: &ToolUse) -> Result<Result<String, String>, End> {
        let input = serde_json::from_str(&tool.input).unwrap_or_default();
        let mut called = pin!(self.begin.tools.call(&tool.name, &input));
        loop {
            tokio::select! {
                biased;
                () = self.running.stop.cancelled() => return Err(End::As(Status::Stopped)),
                () = self.runs.interrupted.cancelled() => return Err(End::As(Status::Interrupted)),
                called = &mut called => return Ok(called),
                // Some take longer than a lease lasts.
                () = tokio::time::sleep_until(self.saved + SAVE) => self.save().await?,
            }
        }
    }

    fn tell(&mut self) {
        self.running.change(|_| {});
        self.told = Some(Instant::now());
    }

    async fn save(&mut self) -> Result<(), End> {
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

/// A call that is answered without being followed.
fn refused(tool: ToolUse, why: &str) -> ToolUse {
    ToolUse { state: ToolState::Failed, output: why.to_owned(), ..tool }
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
