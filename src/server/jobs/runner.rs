//! Runs jobs: so many at once, each with a lease that says that this process is alive, a way to stop it, and a limit.
//! Owned by `boot.rs`.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Failure, InputError, Kind, Made, Progress, Run,
    queue::{self, End, Go},
};
use crate::{
    server::store::{
        Store, StoreError, Tx,
        jobs::{JobRow, Owner},
        now_ms,
    },
    wire::Topic,
};

/// Progress is stored and told at most this often: four times a second is what an eye follows.
const TELL: Duration = Duration::from_millis(250);

/// The lease ([`queue::LEASE`], 10 s) is renewed at least this often: it survives two that come late.
const RENEW: Duration = Duration::from_secs(3);

/// Jobs that other processes asked for, pauses that end and leases that run out are noticed after this long.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub struct Settings {
    /// So many at once.
    pub workers: usize,
    /// Where the files are that jobs make.
    pub results: PathBuf,
    /// What can be done: [`super::KINDS`].
    pub kinds: &'static [&'static dyn Kind],
}

/// What is not decided here: `features/jobs.rs` does.
pub struct Rules {
    /// Whether whoever owns a job may read this now.
    pub may_read: Box<dyn Fn(Owner, Topic) -> BoxFuture<'static, Result<bool, StoreError>> + Send + Sync>,
    /// Part of the write in which a job ends.
    pub ended: for<'t> fn(&'t mut Tx, &'t JobRow) -> BoxFuture<'t, Result<(), StoreError>>,
}

pub struct Jobs {
    store: Store,
    settings: Settings,
    rules: Rules,
    /// The name of this process: random.
    runner: String,
    wake: Notify,
    running: Mutex<HashMap<String, CancellationToken>>,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Jobs {
    pub fn new(store: Store, settings: Settings, rules: Rules) -> Arc<Self> {
        let runner = format!("{:016x}", rand::random::<u64>());
        Arc::new(Self { store, settings, rules, runner, wake: Notify::new(), running: Mutex::default() })
    }

    /// The kind of this name.
    ///
    /// # Errors
    /// Names those that there are.
    pub fn kind(&self, name: &str) -> Result<&'static dyn Kind, InputError> {
        let kinds = self.settings.kinds;
        let known = || kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        let found = kinds.iter().copied().find(|kind| kind.name() == name);
        found.ok_or_else(|| InputError::new("kind", format!("one of {}", known())))
    }

    /// There is something to begin.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops a job at once, if it runs in this process.
    pub fn stop(&self, id: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = running.get(id) {
            stop.cancel();
        }
    }

    /// Where a job's result is, if it is a file.
    pub fn file(&self, id: &str) -> PathBuf {
        self.settings.results.join(id)
    }

    /// Until `stop`; then gives back what is not done, and returns.
    pub async fn run(self: &Arc<Self>, stop: CancellationToken) {
        if let Err(error) = tokio::fs::create_dir_all(&self.settings.results).await {
            tracing::error!(%error, folder = %self.settings.results.display(), "results of jobs cannot be written");
        }
        let mut tasks = JoinSet::new();
        while !stop.is_cancelled() {
            while tasks.len() < self.settings.workers {
                match self.claim().await {
                    Ok(Some(row)) => drop(tasks.spawn(self.clone().work(row, stop.clone()))),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::error!(%error, "the next job could not be looked up");
                        break;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                Some(_) = tasks.join_next() => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Removes files that are no job's result: of jobs that were forgotten, or of processes that died in the middle.
    pub async fn remove_stray_files(&self) -> Result<(), StoreError> {
        let Ok(mut files) = tokio::fs::read_dir(&self.settings.results).await else { return Ok(()) };
        while let Ok(Some(file)) = files.next_entry().await {
            let name = file.file_name().to_string_lossy().into_owned();
            let id = name.split('.').next().unwrap_or_default();
            if !self.store.has_file(id).await?
                && let Err(error) = tokio::fs::remove_file(file.path()).await
            {
                tracing::error!(%error, name, "an old result could not be removed");
            }
        }
        Ok(())
    }

    /// The next job that is to be run here.
    async fn claim(&self) -> Result<Option<JobRow>, StoreError> {
        loop {
            if !self.store.has_due_job(now_ms()).await? {
                return Ok(None);
            }
            let (runner, ended) = (self.runner.clone(), self.rules.ended);
            let claimed = self.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let claimed = queue::claim(tx, &runner).await?;
                    match &claimed {
                        Some(row) if row.status.has_ended() => ended(tx, row).await?,
                        _ => {}
                    }
                    Ok(claimed)
                })
            });
            match claimed.await? {
                // It was not begun, but ended; perhaps there is another.
                Some(row) if row.status.has_ended() => {}
                claimed => return Ok(claimed),
            }
        }
    }

    async fn work(self: Arc<Self>, row: JobRow, draining: CancellationToken) {
        let (id, attempt, stop) = (row.id.clone(), row.attempts, CancellationToken::new());
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), stop.clone());
        let file = self.settings.results.join(format!("{id}.{}.{attempt}.part", self.runner));
        let started = Instant::now();
        let (progress, told) = watch::channel(Progress { percent: 0, doing: row.doing.clone() });
        let how = tokio::select! {
            biased;
            () = draining.cancelled() => Some(End::Released),
            () = stop.cancelled() => Some(End::Cancelled),
            how = self.keep(&id, attempt, told) => how,
            how = self.attempt(row, &file, progress) => Some(how),
        };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(how) = how {
            tracing::info!(id, attempt, ms = started.elapsed().as_millis() as u64, how = ?Summary(&how), "a job's run ended");
            if let Err(error) = self.finish(&id, attempt, how).await {
                // Its lease runs out, and it is begun again.
                tracing::error!(%error, id, "the end of a job could not be stored");
            }
        }
        // What is left of it is of no use to anybody.
        let _ = tokio::fs::remove_file(&file).await;
    }

    /// Stores how far a run is, and that it is alive. Returns when it is to end: cancelled, or (nothing) not ours any more.
    async fn keep(&self, id: &str, attempt: u32, mut told: watch::Receiver<Progress>) -> Option<End> {
        loop {
            tokio::time::sleep(TELL).await;
            let _ = tokio::time::timeout(RENEW - TELL, told.changed()).await;
            let now = told.borrow_and_update().clone();
            let (job, runner) = (id.to_owned(), self.runner.clone());
            let noted = self.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { queue::note_progress(tx, &job, &runner, attempt, now).await })
            });
            match noted.await {
                Ok(Go::On) => {}
                Ok(Go::Stop) => return Some(End::Cancelled),
                Ok(Go::Lost) => return None,
                Err(error) => tracing::error!(%error, id, "the progress of a job could not be stored"),
            }
        }
    }

    async fn attempt(&self, row: JobRow, file: &Path, progress: watch::Sender<Progress>) -> End {
        let failed = |why: &str, is_final| End::Failed { why: why.to_owned(), is_final };
        let Ok(kind) = self.kind(&row.kind) else {
            return failed("This server does not know this kind of job any more.", true);
        };
        let input = serde_json::from_str(&row.input).unwrap_or_default();
        match self.may_begin(kind, &row, &input).await {
            Ok(true) => {}
            Ok(false) => return failed("What it is about may not be read any more.", true),
            Err(error) => return failed(&Failure::from(error).to_string(), false),
        }
        let run = Run { store: self.store.clone(), id: row.id.clone(), input, file: file.to_owned(), progress };
        let done = tokio::time::timeout(kind.timeout(), AssertUnwindSafe(kind.run(&run)).catch_unwind()).await;
        let made = match done {
            Err(_) => return failed("It took too long.", false),
            Ok(Err(_panic)) => return failed("Something went wrong on the server.", false),
            Ok(Ok(Err(failure))) => {
                tracing::error!(error = %failure, id = row.id, "a job failed");
                return failed(&failure.to_string(), failure.is_final());
            }
            Ok(Ok(Ok(made))) => made,
        };
        match &made {
            Made::File { .. } => match self.put_in_place(file, &row.id).await {
                Ok(()) => End::Completed(made),
                Err(error) => failed(&Failure::from(error).to_string(), false),
            },
            Made::Digest(_) => End::Completed(made),
        }
    }

    async fn may_begin(&self, kind: &dyn Kind, row: &JobRow, input: &serde_json::Value) -> Result<bool, StoreError> {
        // An input of an older version that is not in order any more fails in its own words.
        let Ok(checked) = kind.check(input) else { return Ok(true) };
        for (topic, _) in checked.reads {
            if !(self.rules.may_read)(row.owner.clone(), topic).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The whole file or none: it is on the disk before it has its name.
    async fn put_in_place(&self, file: &Path, id: &str) -> std::io::Result<()> {
        tokio::fs::File::open(file).await?.sync_all().await?;
        tokio::fs::rename(file, self.file(id)).await
    }

    async fn finish(&self, id: &str, attempt: u32, how: End) -> Result<(), StoreError> {
        let (job, runner, ended) = (id.to_owned(), self.runner.clone(), self.rules.ended);
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    match queue::finish(tx, &job, &runner, attempt, how).await? {
                        Some(row) if row.status.has_ended() => ended(tx, &row).await,
                        _ => Ok(()),
                    }
                })
            })
            .await
    }
}

/// An end without what was made: that may be long.
struct Summary<'a>(&'a End);

impl std::fmt::Debug for Summary<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            End::Completed(_) => f.write_str("Completed"),
            other => other.fmt(f),
        }
    }
}
