//! Who may have which work done in the background, and who is told of its end. `server/jobs` does it.

use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::{chat::Chats, keys::Key, notifications, summaries};
use crate::{
    server::{
        jobs::{self, InputError, Jobs, Rules, queue},
        store::{
            Store, StoreError, Tx,
            jobs::{JobRow, Owner},
        },
    },
    wire::{Position, Topic, job::JobStatus},
};

/// An idempotency key is at most this long, in bytes.
const IDEMPOTENCY_KEY_BYTES: usize = 128;

/// So many jobs of somebody that have ended are remembered; each new one makes some of the older ones go.
const REMEMBERED: u64 = 500;
const FORGOTTEN_AT_ONCE: u64 = 10;

/// A job's id and its capability, in hexadecimal digits.
const ID_DIGITS: usize = 16;
const CAPABILITY_DIGITS: usize = 32;

#[derive(Debug, Error)]
pub enum JobError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("an idempotency key is 1 to {IDEMPOTENCY_KEY_BYTES} printable ASCII characters")]
    IdempotencyKey,
    #[error("this idempotency key was used for another job")]
    Reused,
    #[error("{0} of your jobs wait or run already; wait until one has ended, or cancel one")]
    TooMany(u32),
    #[error("a job that is completed, and whose result is there, is not begun again; ask for another")]
    Completed,
    #[error("there is no such job, or it is not for you")]
    Unknown,
    #[error("a job's id is 16 hexadecimal digits; for others, a dot and 32 more follow")]
    Malformed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody asks for, whom it will belong to, and what the thing is called that it is about.
#[derive(Clone, Debug)]
pub struct Order {
    pub owner: Owner,
    pub kind: &'static dyn jobs::Kind,
    pub input: Value,
    pub about: String,
    pub idempotency_key: Option<String>,
}

/// The name by which a job is asked for: its id, and perhaps the right to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub id: String,
    pub capability: Option<String>,
}

impl std::str::FromStr for Name {
    type Err = JobError;

    fn from_str(text: &str) -> Result<Self, JobError> {
        let (id, capability) = match text.split_once('.') {
            Some((id, capability)) => (id, Some(capability)),
            None => (text, None),
        };
        let hex = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        if !hex(id, ID_DIGITS) || capability.is_some_and(|capability| !hex(capability, CAPABILITY_DIGITS)) {
            return Err(JobError::Malformed);
        }
        Ok(Self { id: id.to_owned(), capability: capability.map(str::to_owned) })
    }
}

/// The path at which anybody who knows it may read this job, and nothing else.
pub fn shared_path(row: &JobRow) -> String {
    format!("/api/jobs/{}.{}", row.id, row.capability)
}

/// Takes a job on; under an idempotency key once, however often it is asked for. The job, and whether it was there before.
/// The caller has asked the door for what it reads.
pub async fn start(store: &Store, jobs: &Jobs, order: Order, most: u32) -> Result<(JobRow, bool), JobError> {
    let idempotency_key = order.idempotency_key.clone();
    if idempotency_key.is_some_and(|key| {
        !(1..=IDEMPOTENCY_KEY_BYTES).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    }) {
        return Err(JobError::IdempotencyKey);
    }
    let input = order.input.to_string();
    let title = order.kind.title(&order.input, &order.about);
    let started = store.write(move |tx| {
        Box::pin(async move {
            if let Some(key) = &order.idempotency_key
                && let Some(before) = tx.job_asked_before(&order.owner, key).await?
            {
                let same = before.kind == order.kind.name() && before.input == input;
                return if same { Ok((before, true)) } else { Err(JobError::Reused) };
            }
            if tx.unfinished_jobs(&order.owner).await? >= most {
                return Err(JobError::TooMany(most));
            }
            let row = JobRow {
                id: format!("{:016x}", rand::random::<u64>()),
                kind: order.kind.name().to_owned(),
                input,
                title,
                owner: order.owner,
                capability: format!("{:032x}", rand::random::<u128>()),
                idempotency_key: order.idempotency_key,
                status: JobStatus::Queued,
                progress: 0,
                doing: "Waiting".to_owned(),
                error: None,
                result: None,
                result_bytes: 0,
                attempts: 0,
                due_ms: tx.now_ms,
                run: None,
                lease_ms: 0,
                stopping: false,
                created_ms: tx.now_ms,
                updated_ms: tx.now_ms,
                ended_ms: None,
            };
            queue::add(tx, &row).await?;
            tx.forget_jobs_beyond(&row.owner, REMEMBERED, FORGOTTEN_AT_ONCE).await?;
            Ok((row, false))
        })
    });
    let started = started.await?;
    jobs.wake();
    Ok(started)
}

/// A job, if whoever asks may read it: its owner, or whoever knows its capability.
pub async fn find(
    store: &Store,
    name: &Name,
    may_read: impl AsyncFnOnce(&JobRow) -> bool,
) -> Result<(JobRow, Position), JobError> {
    let (row, position) = store.job(&name.id).await?.ok_or(JobError::Unknown)?;
    let may = match &name.capability {
        Some(capability) => is_same(capability, &row.capability),
        None => may_read(&row).await,
    };
    if may { Ok((row, position)) } else { Err(JobError::Unknown) }
}

/// In the same time, however much of it is the same.
fn is_same(shown: &str, held: &str) -> bool {
    shown.len() == held.len() && shown.bytes().zip(held.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// Has one's own job stop.
pub async fn cancel(store: &Store, jobs: &Jobs, owner: &Owner, id: &str) -> Result<JobRow, JobError> {
    let row = change(store, owner, id, |tx, row| Box::pin(queue::cancel(tx, row))).await?;
    jobs.stop(&row);
    Ok(row)
}

/// Has one's own job that failed or was cancelled begin again.
pub async fn retry(store: &Store, jobs: &Jobs, owner: &Owner, id: &str, most: u32) -> Result<JobRow, JobError> {
    let row = change(store, owner, id, move |tx, row| {
        Box::pin(async move {
            if row.result.is_some() {
                return Err(JobError::Completed);
            }
            if row.status.has_ended() && tx.unfinished_jobs(&row.owner).await? >= most {
                return Err(JobError::TooMany(most));
            }
            Ok(queue::retry(tx, row).await?)
        })
    })
    .await?;
    jobs.wake();
    Ok(row)
}

async fn change<E>(
    store: &Store,
    owner: &Owner,
    id: &str,
    change: impl for<'t> FnOnce(&'t mut Tx, JobRow) -> futures::future::BoxFuture<'t, Result<JobRow, E>> + Send + 'static,
) -> Result<JobRow, JobError>
where
    JobError: From<E>,
    E: 'static,
{
    let (owner, id) = (owner.clone(), id.parse::<Name>()?.id);
    store
        .write(move |tx| {
            Box::pin(async move {
                let row = tx.job(&id).await?.filter(|row| row.owner == owner).ok_or(JobError::Unknown)?;
                Ok(change(tx, row).await?)
            })
        })
        .await
}

/// Whose the jobs are that a key asks for: its maker's, or its own if it was made on the command line.
pub fn owner_of_key(key: &Key) -> Owner {
    key.person.clone().map_or_else(|| Owner::Key(key.id.clone()), Owner::Person)
}

/// What `server/jobs` is told to ask.
pub fn rules(store: Store, chats: Arc<Chats>) -> Rules {
    Rules {
        summarise: summaries::by_model(store.clone(), chats),
        may_read: Box::new(move |owner, topic| {
            let store = store.clone();
            Box::pin(async move { may_still_read(&store, &owner, &topic).await })
        }),
        ended: |tx, row| Box::pin(tell_owner(tx, row)),
    }
}

async fn may_still_read(store: &Store, owner: &Owner, topic: &Topic) -> Result<bool, StoreError> {
    let Some(room) = topic.room() else { return Ok(false) };
    let Some(found) = store.room(room.as_str()).await? else { return Ok(false) };
    match owner {
        Owner::Person(person) if found.private => store.is_member(room.as_str(), person).await,
        Owner::Person(_) | Owner::Key(_) => Ok(true),
    }
}

/// Who cancelled a job knows of it.
async fn tell_owner(tx: &mut Tx, row: &JobRow) -> Result<(), StoreError> {
    let Owner::Person(person) = &row.owner else { return Ok(()) };
    let (kind, text) = match row.status {
        JobStatus::Completed => ("JobCompleted", format!("Done: {}", row.title)),
        JobStatus::Failed => {
            ("JobFailed", format!("Failed: {}. {}", row.title, row.error.as_deref().unwrap_or_default()))
        }
        _ => return Ok(()),
    };
    let text: String = text.chars().take(400).collect();
    notifications::notify(tx, person, kind, &text, Some(&format!("/jobs/{}", row.id))).await.map(drop)
}

/// Removes what jobs have made after so many days, and jobs themselves later.
pub async fn tidy(store: &Store, jobs: &Arc<Jobs>, result_days: u32) -> Result<(), StoreError> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    /// A job without its result is remembered for so long.
    const REMEMBERED_DAYS: i64 = 90;
    /// In one write.
    const BATCH: u64 = 200;
    loop {
        let (results_ms, jobs_ms) =
            (i64::from(result_days) * DAY_MS, (i64::from(result_days) + REMEMBERED_DAYS) * DAY_MS);
        let removed = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let expired = tx.jobs_to_expire(tx.now_ms - results_ms, BATCH).await?;
                let count = expired.len() as u64;
                for row in expired {
                    queue::expire(tx, row).await?;
                }
                tx.forget_stray_job_topics(BATCH).await?;
                Ok(count.max(tx.forget_jobs(tx.now_ms - jobs_ms, BATCH).await?))
            })
        });
        if removed.await? < BATCH {
            break;
        }
    }
    jobs.remove_stray_files().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_id_and_perhaps_a_capability_and_nothing_else() {
        let (id, capability) = ("0123456789abcdef", "0123456789abcdef0123456789abcdef");
        assert_eq!(id.parse::<Name>().unwrap(), Name { id: id.into(), capability: None });
        let both = format!("{id}.{capability}");
        assert_eq!(both.parse::<Name>().unwrap(), Name { id: id.into(), capability: Some(capability.into()) });
        for text in
            ["", "1", "0123456789ABCDEF", "0123456789abcdeg", "0123456789abcdef.", "0123456789abcdef.00", "../x"]
        {
            assert!(matches!(text.parse::<Name>(), Err(JobError::Malformed)), "{text}");
        }
    }

    #[test]
    fn capabilities_are_compared_whole() {
        assert!(is_same("abc", "abc") && !is_same("abc", "abd") && !is_same("ab", "abc") && !is_same("", "a"));
    }
}
