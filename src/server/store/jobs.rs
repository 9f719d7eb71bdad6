//! Rows of jobs. Who runs one, and what its states mean, is `server/jobs`' business.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Connection, Store, StoreError, Tx, log};
use crate::wire::{Epoch, Position, Topic, job::JobStatus, topic::Segment};

/// Whose a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Person(String),
    /// Of an API key from the command line.
    Key(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    pub id: String,
    pub kind: String,
    /// JSON.
    pub input: String,
    pub title: String,
    pub owner: Owner,
    pub capability: String,
    pub idempotency_key: Option<String>,
    pub status: JobStatus,
    pub progress: u8,
    pub doing: String,
    pub error: Option<String>,
    /// JSON.
    pub result: Option<String>,
    pub result_bytes: u64,
    pub attempts: u32,
    pub due_ms: i64,
    /// The run that counts.
    pub run: Option<String>,
    pub lease_ms: i64,
    pub stopping: bool,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub ended_ms: Option<i64>,
}

const COLUMNS: &str = "id, kind, input, title, person_id, api_key_id, capability, idempotency_key, status, progress, \
     doing, error, result, attempts, due_ms, run, lease_ms, stopping, created_ms, updated_ms, ended_ms, result_bytes";

/// Of those that may be begun now, one of whoever has the fewest running, then the oldest: nobody waits behind another's
/// whole pile.
const DUE: &str = "(status = 'queued' AND due_ms <= $1) OR (status = 'running' AND lease_ms < $1)";
const FAIREST: &str = "(SELECT COUNT(*) FROM job AS other WHERE other.status = 'running' \
     AND COALESCE(other.person_id, other.api_key_id) = COALESCE(job.person_id, job.api_key_id)), created_ms, id";

impl Owner {
    fn columns(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Person(id) => (Some(id), None),
            Self::Key(id) => (None, Some(id)),
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Person(id) | Self::Key(id) => id,
        }
    }
}

/// The topic of a job's states.
pub fn topic(id: &str) -> Option<Topic> {
    Segment::new(id).ok().map(|id| Topic::Job { id })
}

impl Store {
    /// A job and the position its state is true at. One statement sees one state, as a transaction would, in one trip to
    /// the database instead of four: this is what is polled.
    pub async fn job(&self, id: &str) -> Result<Option<(JobRow, Position)>, StoreError> {
        let Some(topic) = topic(id) else { return Ok(None) };
        let text = format!(
            "SELECT {COLUMNS}, log_epoch, log_head FROM job LEFT JOIN \
             (SELECT epoch AS log_epoch, head AS log_head FROM topic WHERE name = $2) AS log ON TRUE WHERE id = $1"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(topic.to_string());
        let Some(row) = query.fetch_optional(&self.reads).await? else { return Ok(None) };
        let position = match row.get::<Option<i64>, _>("log_epoch") {
            Some(epoch) => Position { epoch: Epoch(epoch as u64), offset: row.get::<i64, _>("log_head") as u64 },
            None => self.unwritten(&topic),
        };
        Ok(Some((job_row(&row), position)))
    }

    /// The newest jobs of somebody.
    pub async fn jobs_of(&self, owner: &Owner, most: u32) -> Result<Vec<JobRow>, StoreError> {
        let column = if matches!(owner, Owner::Person(_)) { "person_id" } else { "api_key_id" };
        let text = format!("SELECT {COLUMNS} FROM job WHERE {column} = $1 ORDER BY created_ms DESC, id LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(owner.id()).bind(most).fetch_all(&self.reads).await?;
        Ok(rows.iter().map(job_row).collect())
    }

    /// Whether there is something to begin: a look that costs no write.
    pub async fn has_due_job(&self, now_ms: i64) -> Result<bool, StoreError> {
        let text = format!("SELECT 1 FROM job WHERE {DUE} LIMIT 1");
        let found: Option<i64> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(now_ms).fetch_optional(&self.reads).await?;
        Ok(found.is_some())
    }
}

impl Tx {
    pub async fn job(&mut self, id: &str) -> Result<Option<JobRow>, StoreError> {
        job(&mut self.connection, id).await
    }

    pub async fn add_job(&mut self, row: &JobRow) -> Result<(), StoreError> {
        let (person, key) = row.owner.columns();
        sqlx::query(
            "INSERT INTO job (id, kind, input, title, person_id, api_key_id, capability, idempotency_key, status, \
             progress, doing, attempts, due_ms, lease_ms, stopping, created_ms, updated_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, 0, $11, 0, FALSE, $11, $11)",
        )
        .bind(&row.id)
        .bind(&row.kind)
        .bind(&row.input)
        .bind(&row.title)
        .bind(person)
        .bind(key)
        .bind(&row.capability)
        .bind(&row.idempotency_key)
        .bind(row.status.as_str())
        .bind(&row.doing)
        .bind(row.created_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Writes everything of a job that changes.
    pub async fn save_job(&mut self, row: &JobRow) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE job SET status = $1, progress = $2, doing = $3, error = $4, result = $5, attempts = $6, due_ms = $7, \
             run = $8, lease_ms = $9, stopping = $10, updated_ms = $11, ended_ms = $12, result_bytes = $13 WHERE id = $14",
        )
        .bind(row.status.as_str())
        .bind(i64::from(row.progress))
        .bind(&row.doing)
        .bind(&row.error)
        .bind(&row.result)
        .bind(row.attempts)
        .bind(row.due_ms)
        .bind(&row.run)
        .bind(row.lease_ms)
        .bind(row.stopping)
        .bind(row.updated_ms)
        .bind(row.ended_ms)
        .bind(row.result_bytes as i64)
        .bind(&row.id)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// What this one asked for before under the same key.
    pub async fn job_asked_before(
        &mut self,
        owner: &Owner,
        idempotency_key: &str,
    ) -> Result<Option<JobRow>, StoreError> {
        let text =
            format!("SELECT {COLUMNS} FROM job WHERE COALESCE(person_id, api_key_id) = $1 AND idempotency_key = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(owner.id())
            .bind(idempotency_key)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.as_ref().map(job_row))
    }

    /// How many of somebody's jobs have not ended.
    pub async fn unfinished_jobs(&mut self, owner: &Owner) -> Result<u32, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM job WHERE COALESCE(person_id, api_key_id) = $1 AND ended_ms IS NULL",
        )
        .bind(owner.id())
        .fetch_one(&mut self.connection)
        .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The job that is to be begun next, if there is one: queued and due, or of a process that is not alive any more.
    pub async fn next_job(&mut self) -> Result<Option<JobRow>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM job WHERE {DUE} ORDER BY {FAIREST} LIMIT 1");
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(self.now_ms).fetch_optional(&mut self.connection).await?;
        Ok(row.as_ref().map(job_row))
    }

    /// The oldest results of somebody (or, without an owner, of all) beyond so many bytes of the newest, at most `most`.
    pub async fn results_beyond(
        &mut self,
        owner: Option<&Owner>,
        bytes: u64,
        most: u64,
    ) -> Result<Vec<JobRow>, StoreError> {
        let mine = if owner.is_some() { "AND COALESCE(person_id, api_key_id) = $3" } else { "AND $3 IS NULL" };
        let text = format!(
            "SELECT {COLUMNS} FROM (SELECT *, SUM(result_bytes) OVER (ORDER BY ended_ms DESC, id) AS kept FROM job \
             WHERE result IS NOT NULL {mine}) AS results WHERE kept > $1 AND result_bytes > 0 ORDER BY ended_ms LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .bind(most as i64)
            .bind(owner.map(Owner::id))
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(job_row).collect())
    }

    /// Some of the jobs whose results are older than this, in milliseconds since 1970.
    pub async fn jobs_to_expire(&mut self, before_ms: i64, most: u64) -> Result<Vec<JobRow>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM job WHERE ended_ms < $1 AND result IS NOT NULL LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(before_ms)
            .bind(most as i64)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(job_row).collect())
    }

    /// Forgets at most `most` jobs that ended before this time, and their topics. How many.
    pub async fn forget_jobs(&mut self, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE ended_ms < $1 LIMIT $2) RETURNING id",
        )
        .bind(before_ms)
        .bind(most as i64)
        .fetch_all(&mut self.connection)
        .await?;
        self.forget_topics(&ids).await?;
        Ok(ids.len() as u64)
    }

    /// Forgets somebody's oldest jobs that have ended, but for the newest `keep`; at most `most`.
    pub async fn forget_jobs_beyond(&mut self, owner: &Owner, keep: u64, most: u64) -> Result<(), StoreError> {
        let column = if matches!(owner, Owner::Person(_)) { "person_id" } else { "api_key_id" };
        let text = format!(
            "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE {column} = $1 AND ended_ms IS NOT NULL \
             ORDER BY created_ms DESC LIMIT $3 OFFSET $2) RETURNING id"
        );
        let ids: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(text))
            .bind(owner.id())
            .bind(keep as i64)
            .bind(most as i64)
            .fetch_all(&mut self.connection)
            .await?;
        self.forget_topics(&ids).await
    }

    /// Forgets the topics of jobs that went with whoever they belonged to; at most `most`.
    pub async fn forget_stray_job_topics(&mut self, most: u64) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM topic WHERE id IN (SELECT topic.id FROM topic WHERE name >= 'job/' AND name < 'job0' \
             AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = SUBSTR(topic.name, 5)) LIMIT $1)",
        )
        .bind(most as i64)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    async fn forget_topics(&mut self, jobs: &[String]) -> Result<(), StoreError> {
        for topic in jobs.iter().filter_map(|id| topic(id)) {
            log::forget(&mut self.connection, &topic).await?;
        }
        Ok(())
    }
}

async fn job(connection: &mut Connection, id: &str) -> Result<Option<JobRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM job WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).fetch_optional(connection).await?;
    Ok(row.as_ref().map(job_row))
}

fn job_row(row: &SqliteRow) -> JobRow {
    let owner = match row.get::<Option<String>, _>(4) {
        Some(person) => Owner::Person(person),
        None => Owner::Key(row.get::<Option<String>, _>(5).unwrap_or_default()),
    };
    let status = match row.get::<&str, _>(8) {
        "queued" => JobStatus::Queued,
        "running" => JobStatus::Running,
        "completed" => JobStatus::Completed,
        "cancelled" => JobStatus::Cancelled,
        _ => JobStatus::Failed,
    };
    JobRow {
        id: row.get(0),
        kind: row.get(1),
        input: row.get(2),
        title: row.get(3),
        owner,
        capability: row.get(6),
        idempotency_key: row.get(7),
        status,
        progress: row.get::<i64, _>(9).clamp(0, 100) as u8,
        doing: row.get(10),
        error: row.get(11),
        result: row.get(12),
        attempts: row.get(13),
        due_ms: row.get(14),
        run: row.get(15),
        lease_ms: row.get(16),
        stopping: row.get(17),
        created_ms: row.get(18),
        updated_ms: row.get(19),
        ended_ms: row.get(20),
        result_bytes: row.get::<i64, _>(21) as u64,
    }
}
