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
    Failure, InputError, Kind, Made, Progress, Run, Summarise,
    queue::{self, End, Go, Room},
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
    /// How much of it is kept.
    pub room: Room,
    /// What can be done: [`super::KINDS`].
    pub kinds: &'static [&'static dyn Kind],
}

type MayRead = Box<dyn Fn(Owner, Topic) -> BoxFuture<'static, Result<bool, StoreError>> + Send + Sync>;

/// What is not decided here: `features/jobs.rs` does.
pub struct Rules {
    /// Whether whoever owns a job may read this now.
    pub may_read: MayRead,
    /// Part of the write in which a job ends.
    pub ended: for<'t> fn(&'t mut Tx, &'t JobRow) -> BoxFuture<'t, Result<(), StoreError>>,
    pub summarise: Summarise,
}

pub struct Jobs {
    store: Store,
    settings: Settings,
    rules: Rules,
    wake: Notify,
    /// The runs of this process.
    running: Mutex<HashMap<String, CancellationToken>>,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Jobs {
    pub fn new(store: Store, settings: Settings, rules: Rules) -> Arc<Self> {
        Arc::new(Self { store, settings, rules, wake: Notify::new(), running: Mutex::default() })
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

    /// Stops a job's run at once, if it is one of this process.
    pub fn stop(&self, row: &JobRow) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = row.run.as_ref().and_then(|run| running.get(run)) {
            stop.cancel();
        }
    }

    /// Where the file is that a run of a job has made. Each run's is its own: one that does not count any more replaces
    /// nothing.
    pub fn file(&self, id: &str, run: &str) -> PathBuf {
        self.settings.results.join(format!("{id}.{run}"))
    }

    /// Whether whoever owns a job may still read what it is about.
    pub async fn may_still_read(&self, row: &JobRow) -> Result<bool, StoreError> {
        let Ok(kind) = self.kind(&row.kind) else { return Ok(false) };
        let input = serde_json::from_str(&row.input).unwrap_or_default();
        // An input of an older version that is not in order any more is about nothing that could be asked for.
        let Ok(checked) = kind.check(&input) else { return Ok(true) };
        for (topic, _) in checked.reads {
            if !(self.rules.may_read)(row.owner.clone(), topic).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Until `stop`; then gives back what is not done, and returns.
    pub async fn run(self: &Arc<Self>, stop: CancellationToken) {
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
            let mut parts = name.split('.');
            let (id, run) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let row = self.store.job(id).await?.map(|(row, _)| row);
            let made = row.as_ref().and_then(|row| serde_json::from_str(row.result.as_deref()?).ok());
            let is_result = matches!(&made, Some(Made::File { run: of, .. }) if of == run && !name.ends_with(".part"));
            let is_running = row.is_some_and(|row| queue::counts(&row, run));
            if !is_result
                && !is_running
                && let Err(error) = tokio::fs::remove_file(file.path()).await
            {
                tracing::error!(%error, name, "an old result could not be removed");
            }
        }
        Ok(())
    }

    /// For the owner alone: transcripts of private rooms are among what is in it.
    async fn make_folder(&self) {
        let folder = &self.settings.results;
        if let Err(error) = tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await {
            tracing::error!(%error, folder = %folder.display(), "results of jobs cannot be written");
        }
    }

    /// The next job that is to be run here.
    async fn claim(&self) -> Result<Option<JobRow>, StoreError> {
        loop {
            if !self.store.has_due_job(now_ms()).await? {
                return Ok(None);
            }
            let (run, ended) = (format!("{:016x}", rand::random::<u64>()), self.rules.ended);
            let claimed = self.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let claimed = queue::claim(tx, &run).await?;
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
        let (id, run, stop) = (row.id.clone(), row.run.clone().unwrap_or_default(), CancellationToken::new());
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone(), stop.clone());
        self.make_folder().await;
        let part = self.file(&id, &run).with_extension(format!("{run}.part"));
        let started = Instant::now();
        let (attempt, owner) = (row.attempts, row.owner.clone());
        let (progress, told) = watch::channel(Progress { percent: 0, doing: row.doing.clone() });
        let how = tokio::select! {
            biased;
            () = draining.cancelled() => Some(End::Released),
            () = stop.cancelled() => Some(End::Cancelled),
            how = self.keep(&id, &run, told) => how,
            how = self.attempt(row, &run, &part, progress) => Some(how),
        };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
        // What is left of it is of no use to anybody.
        let _ = tokio::fs::remove_file(&part).await;
        let Some(how) = how else { return };
        tracing::info!(id, attempt, ms = started.elapsed().as_millis() as u64, how = ?Summary(&how), "a job's run ended");
        match self.finish(&id, &run, owner, how).await {
            // Some results gave way, or this one does not count.
            Ok(true) => {
                if let Err(error) = self.remove_stray_files().await {
                    tracing::error!(%error, "old results could not be removed; they are tried again in an hour");
                }
            }
            Ok(false) => {}
            // Its lease runs out, and it is begun again.
            Err(error) => tracing::error!(%error, id, "the end of a job could not be stored"),
        }
    }

    /// Stores how far a run is, and that it is alive. Returns when it is to end: cancelled, or (nothing) not ours any more.
    async fn keep(&self, id: &str, run: &str, mut told: watch::Receiver<Progress>) -> Option<End> {
        loop {
            tokio::time::sleep(TELL).await;
            let _ = tokio::time::timeout(RENEW - TELL, told.changed()).await;
            let now = told.borrow_and_update().clone();
            let (job, run) = (id.to_owned(), run.to_owned());
            let noted = self.store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { queue::note_progress(tx, &job, &run, now).await })
            });
            match noted.await {
                Ok(Go::On) => {}
                Ok(Go::Stop) => return Some(End::Cancelled),
                Ok(Go::Lost) => return None,
                Err(error) => tracing::error!(%error, id, "the progress of a job could not be stored"),
            }
        }
    }

    async fn attempt(&self, row: JobRow, run: &str, part: &Path, progress: watch::Sender<Progress>) -> End {
        let failed = |why: &str, is_final| End::Failed { why: why.to_owned(), is_final };
        let Ok(kind) = self.kind(&row.kind) else {
            return failed("This server does not know this kind of job any more.", true);
        };
        match self.may_still_read(&row).await {
            Ok(true) => {}
            Ok(false) => return failed("What it is about may not be read any more.", true),
            Err(error) => return failed(&Failure::from(error).to_string(), false),
        }
        let job = Run {
            store: self.store.clone(),
            id: row.id.clone(),
            input: serde_json::from_str(&row.input).unwrap_or_default(),
            name: run.to_owned(),
            file: part.to_owned(),
            summarise: self.rules.summarise.clone(),
            owner: row.owner,
            progress,
        };
        let done = tokio::time::timeout(kind.timeout(), AssertUnwindSafe(kind.run(&job)).catch_unwind()).await;
        let made = match done {
            Err(_) => return failed("It took too long.", false),
            Ok(Err(_panic)) => return failed("Something went wrong on the server.", false),
            Ok(Ok(Err(failure))) => {
                tracing::error!(?failure, id = row.id, "a job failed");
                return failed(&failure.to_string(), failure.is_final());
            }
            Ok(Ok(Ok(made))) => made,
        };
        match &made {
            Made::File { .. } => match put_in_place(part, &self.file(&row.id, run)).await {
                Ok(()) => End::Completed(made),
                Err(error) => {
                    tracing::error!(%error, id = row.id, "a result could not be put in its place");
                    failed(&Failure::from(error).to_string(), false)
                }
            },
            Made::Digest(_) => End::Completed(made),
        }
    }

    /// Whether there may be files now that are nobody's result.
    async fn finish(&self, id: &str, run: &str, owner: Owner, how: End) -> Result<bool, StoreError> {
        let (job, run, ended, room) = (id.to_owned(), run.to_owned(), self.rules.ended, self.settings.room);
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let Some(row) = queue::finish(tx, &job, &run, how).await? else { return Ok(true) };
                    if row.status.has_ended() {
                        ended(tx, &row).await?;
                    }
                    if row.result_bytes > 0 { queue::make_room(tx, &owner, room).await } else { Ok(false) }
                })
            })
            .await
    }
}

/// The whole file or none: it is on the disk before it has its name.
async fn put_in_place(part: &Path, file: &Path) -> std::io::Result<()> {
    tokio::fs::File::open(part).await?.sync_all().await?;
    tokio::fs::rename(part, file).await
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
