-- Jobs: work that is done in the background. A row and the event of its topic are written together.
CREATE TABLE job (
    -- 64 random bits in hexadecimal; part of the topic's name.
    id TEXT PRIMARY KEY,
    -- Which code does it, and with what: JSON, checked when it was asked for.
    kind TEXT NOT NULL,
    input TEXT NOT NULL,
    -- What it does, for people.
    title TEXT NOT NULL,
    -- Whose it is: a person's, or else an API key's from the command line.
    person_id TEXT REFERENCES person (id) ON DELETE CASCADE,
    api_key_id TEXT REFERENCES api_key (id) ON DELETE CASCADE,
    -- 128 random bits in hexadecimal. Whoever has them beside the id may read this one job, and nothing else.
    capability TEXT NOT NULL,
    -- What its client said to recognise it by when it is asked for again.
    idempotency_key TEXT,
    -- queued, running, completed, failed, cancelled.
    status TEXT NOT NULL,
    progress INTEGER NOT NULL,
    doing TEXT NOT NULL,
    error TEXT,
    -- JSON: the file that it made, or what it found out. Emptied when it expires.
    result TEXT,
    -- Of its file: what somebody keeps is limited.
    result_bytes BIGINT NOT NULL DEFAULT 0,
    -- How often it was begun.
    attempts INTEGER NOT NULL,
    -- Not to be begun before this: the pause after a failure.
    due_ms BIGINT NOT NULL,
    -- The run that counts, a random name, and until when its process is trusted to be alive.
    run TEXT,
    lease_ms BIGINT NOT NULL,
    -- Somebody wants it to stop.
    stopping BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    ended_ms BIGINT
);

CREATE INDEX job_person ON job (person_id, created_ms);
CREATE INDEX job_api_key ON job (api_key_id, created_ms);
CREATE INDEX job_waiting ON job (due_ms) WHERE status = 'queued';
CREATE INDEX job_lease ON job (lease_ms) WHERE status = 'running';
CREATE INDEX job_running ON job (COALESCE(person_id, api_key_id)) WHERE status = 'running';
CREATE INDEX job_unfinished ON job (COALESCE(person_id, api_key_id)) WHERE ended_ms IS NULL;
CREATE INDEX job_ended ON job (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX job_result ON job (ended_ms) WHERE result IS NOT NULL;
CREATE UNIQUE INDEX job_idempotency ON job (COALESCE(person_id, api_key_id), idempotency_key);
