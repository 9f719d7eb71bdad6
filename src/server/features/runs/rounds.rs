//! The rounds of an answer: the model is asked until it asks for no more tools. `writer.rs` begins them, `calls.rs` uses the
//! tools in between.

use futures::StreamExt;
use tokio::time::Instant;

use super::{
    calls::refused,
    writer::{End, SAVE, TELL, Writer, ms},
};
use crate::{
    server::{
        features::answer,
        model::{ModelError, Piece, Role, Stop, Turn, Usage},
    },
    wire::assistant::Status,
};

/// A model may ask for tools so many times in one answer.
const ROUNDS: usize = 8;

/// And for so many at a time: a question has few sides, and each call is work for the server, and read again in each round.
const CALLS: usize = 8;

const TOO_MANY_CALLS: &str = "This was not done: too many tools were asked for at once. Ask for fewer.";

impl Writer<'_> {
    pub(super) async fn answer(&mut self) -> Result<Status, End> {
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
            turns.push(Turn::go_on());
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
}
