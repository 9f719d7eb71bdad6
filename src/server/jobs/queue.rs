//! What may happen to a job, each in one write with the event that tells of it. Pure rules over rows; nothing runs here.

use std::time::Duration;

use super::{Made, Progress};
use crate::{
    server::store::{
        StoreError, Tx,
        jobs::{JobRow, Owner, topic},
    },
    wire::{
        Position,
        job::{Job, JobStatus},
    },
};

/// A process that has not said for so long that it is alive is dead, and its jobs are begun again.
pub const LEASE: Duration = Duration::from_secs(10);

/// A job is begun at most this often.
pub const ATTEMPTS: u32 = 5;

/// The pause after the first failure; each further one is twice as long, up to the longest. A random part of it is waited,
/// so that jobs that failed together do not come back together.
const FIRST_PAUSE_MS: u64 = 2_000;
const LONGEST_PAUSE_MS: u64 = 60_000;

/// How a job's run ended.
#[derive(Debug)]
pub enum End {
    Completed(Made),
    /// Why, for people, and whether another time may help.
    Failed {
        why: String,
        is_final: bool,
    },
    Cancelled,
    /// The process stops; the job goes on elsewhere, or after the restart.
    Released,
}

/// What a job looks like from outside.
pub fn view(row: &JobRow) -> Job {
    let made = row.result.as_deref().and_then(|json| serde_json::from_str::<Made>(json).ok());
    let result = made.map(|made| match made {
        Made::File { .. } => format!("/api/jobs/{}/result", row.id),
        Made::Digest(_) => format!("/jobs/{}/digest", row.id),
    });
    Job {
        id: row.id.clone(),
        kind: row.kind.clone(),
        title: row.title.clone(),
        status: row.status,
        progress: row.progress,
        doing: row.doing.clone(),
        created: row.created_ms as u64,
        updated: row.updated_ms as u64,
        result,
        error: row.error.clone(),
    }
}

/// Takes a job on.
pub async fn add(tx: &mut Tx, row: &JobRow) -> Result<Position, StoreError> {
    tx.add_job(row).await?;
    tell(tx, row).await
}

/// Takes the next job for a run of this name, which nothing else has, if there is one to begin. One that was begun too often
/// fails instead, and is returned as it then is.
pub async fn claim(tx: &mut Tx, run: &str) -> Result<Option<JobRow>, StoreError> {
    let Some(mut row) = tx.next_job().await? else { return Ok(None) };
    if row.stopping {
        // Its process died before it could stop it.
        end(tx, &mut row, End::Cancelled).await?;
    } else if row.attempts >= ATTEMPTS {
        let why = "The server stopped in the middle of it, time and again.".to_owned();
        end(tx, &mut row, End::Failed { why, is_final: true }).await?;
    } else {
        row.status = JobStatus::Running;
        row.attempts += 1;
        row.progress = 0;
        row.doing = "Beginning".to_owned();
        row.error = None;
        row.run = Some(run.to_owned());
        row.lease_ms = tx.now_ms + LEASE.as_millis() as i64;
        save(tx, &mut row).await?;
    }
    Ok(Some(row))
}

/// Whether this run is still the one that counts.
pub fn counts(row: &JobRow, run: &str) -> bool {
    row.status == JobStatus::Running && row.run.as_deref() == Some(run)
}

/// Notes how far a running job is, and that its process is alive. What is to be done now: go on, or stop.
pub async fn note_progress(tx: &mut Tx, id: &str, run: &str, now: Progress) -> Result<Go, StoreError> {
    let Some(mut row) = tx.job(id).await?.filter(|row| counts(row, run)) else { return Ok(Go::Lost) };
    row.lease_ms = tx.now_ms + LEASE.as_millis() as i64;
    if (row.progress, &row.doing) == (now.percent, &now.doing) {
        tx.save_job(&row).await?;
    } else {
        row.progress = now.percent;
        row.doing = now.doing;
        save(tx, &mut row).await?;
    }
    Ok(if row.stopping { Go::Stop } else { Go::On })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    On,
    /// Somebody wants it to stop.
    Stop,
    /// Another process has it now, or it is gone.
    Lost,
}

/// Ends a run. The row as it then is, unless the run did not count any more.
pub async fn finish(tx: &mut Tx, id: &str, run: &str, how: End) -> Result<Option<JobRow>, StoreError> {
    let Some(mut row) = tx.job(id).await?.filter(|row| counts(row, run)) else { return Ok(None) };
    end(tx, &mut row, how).await?;
    Ok(Some(row))
}

async fn end(tx: &mut Tx, row: &mut JobRow, how: End) -> Result<(), StoreError> {
    row.run = None;
    row.lease_ms = 0;
    match how {
        End::Completed(made) => {
            row.status = JobStatus::Completed;
            row.progress = 100;
            row.doing = "Done".to_owned();
            row.result_bytes = made.bytes();
            row.result = Some(serde_json::to_string(&made)?);
        }
        // Somebody asked for it to stop, so it is not tried again.
        End::Failed { .. } | End::Cancelled if row.stopping => {
            row.status = JobStatus::Cancelled;
            row.doing = "Cancelled".to_owned();
        }
        End::Cancelled => {
            row.status = JobStatus::Cancelled;
            row.doing = "Cancelled".to_owned();
        }
        End::Failed { why, is_final } if is_final || row.attempts >= ATTEMPTS => {
            row.status = JobStatus::Failed;
            row.doing = "Failed".to_owned();
            row.error = Some(why);
        }
        End::Failed { why, .. } => {
            row.status = JobStatus::Queued;
            let pause = pause_ms(row.attempts, rand::random());
            row.due_ms = tx.now_ms + pause as i64;
            row.doing = format!("Waiting {} s before another try", pause.div_ceil(1_000));
            row.error = Some(why);
        }
        End::Released => {
            row.status = JobStatus::Queued;
            row.due_ms = tx.now_ms;
            row.attempts = row.attempts.saturating_sub(1);
            row.doing = "Waiting for the server to restart".to_owned();
        }
    }
    if row.status.has_ended() {
        row.ended_ms = Some(tx.now_ms);
    }
    save(tx, row).await
}

/// Has a job stop: at once if it waits, as soon as its process hears of it if it runs. Nothing happens to one that has
/// ended.
pub async fn cancel(tx: &mut Tx, mut row: JobRow) -> Result<JobRow, StoreError> {
    match row.status {
        JobStatus::Queued => end(tx, &mut row, End::Cancelled).await?,
        JobStatus::Running if !row.stopping => {
            row.stopping = true;
            row.doing = "Stopping".to_owned();
            save(tx, &mut row).await?;
        }
        _ => {}
    }
    Ok(row)
}

/// Has a job that failed or was cancelled, or whose result is gone, begin again, from the start.
pub async fn retry(tx: &mut Tx, mut row: JobRow) -> Result<JobRow, StoreError> {
    if row.status.has_ended() && row.result.is_none() {
        row.status = JobStatus::Queued;
        row.doing = "Waiting".to_owned();
        row.progress = 0;
        row.error = None;
        row.attempts = 0;
        row.due_ms = tx.now_ms;
        row.stopping = false;
        row.ended_ms = None;
        save(tx, &mut row).await?;
    }
    Ok(row)
}

/// Forgets what a job made; its file is the caller's to remove.
pub async fn expire(tx: &mut Tx, mut row: JobRow) -> Result<(), StoreError> {
    row.result = None;
    row.result_bytes = 0;
    row.doing = "Its result was kept for a while and is gone".to_owned();
    save(tx, &mut row).await
}

/// Makes the oldest results give way to the newest, of this owner and of all. Whether there were any.
pub async fn make_room(tx: &mut Tx, owner: &Owner, room: Room) -> Result<bool, StoreError> {
    /// In one write; the next job's end goes on.
    const BATCH: u64 = 100;
    let mut gone = tx.results_beyond(Some(owner), room.bytes_per_owner, BATCH).await?;
    let of_all = tx.results_beyond(None, room.bytes, BATCH).await?;
    gone.extend(of_all.into_iter().filter(|row| gone.iter().all(|other| other.id != row.id)).collect::<Vec<_>>());
    let any = !gone.is_empty();
    for row in gone {
        expire(tx, row).await?;
    }
    Ok(any)
}

/// How much is kept of what jobs make.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub bytes_per_owner: u64,
    pub bytes: u64,
}

async fn save(tx: &mut Tx, row: &mut JobRow) -> Result<(), StoreError> {
    row.updated_ms = tx.now_ms;
    tx.save_job(row).await?;
    tell(tx, row).await.map(drop)
}

async fn tell(tx: &mut Tx, row: &JobRow) -> Result<Position, StoreError> {
    let topic = topic(&row.id).ok_or(StoreError::Broken)?;
    tx.publish(&topic, &view(row)).await
}

/// Full jitter, but never less than half a second: what failed needs a moment.
fn pause_ms(attempts: u32, random: f64) -> u64 {
    let longest = (FIRST_PAUSE_MS << attempts.saturating_sub(1).min(10)).min(LONGEST_PAUSE_MS);
    ((longest as f64 * random) as u64).max(500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_spread_and_bounded() {
        assert_eq!([1, 2, 3].map(|attempts| pause_ms(attempts, 1.0)), [2_000, 4_000, 8_000]);
        assert_eq!((pause_ms(40, 1.0), pause_ms(2, 0.5), pause_ms(1, 0.0)), (60_000, 2_000, 500));
    }
}
