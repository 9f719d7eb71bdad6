-- Durable topics: the newest offset of each, and the events that are kept.

-- One row: where the epochs of topics come from that have no row yet.
CREATE TABLE life (
    epoch_seed BIGINT NOT NULL,
    -- Set in a backup: who opens it gives every topic a new epoch, because clients know offsets that it does not.
    is_copy BOOLEAN NOT NULL
);

CREATE TABLE topic (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- 64 random bits, as a signed number.
    epoch BIGINT NOT NULL,
    -- The newest offset; offsets rise by one, in the order of commits.
    head BIGINT NOT NULL
);

CREATE TABLE event (
    topic_id BIGINT NOT NULL REFERENCES topic (id) ON DELETE CASCADE,
    "offset" BIGINT NOT NULL,
    -- JSON on one line.
    payload TEXT NOT NULL,
    -- Milliseconds since 1970 (UTC).
    published_ms BIGINT NOT NULL,
    PRIMARY KEY (topic_id, "offset")
);

CREATE INDEX event_age ON event (published_ms);
