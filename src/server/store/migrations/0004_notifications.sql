-- What people are told when they are not looking. Each is told live by an event of the topic user/{person}.

CREATE TABLE notification (
    id INTEGER PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    -- What happened, in the past tense: Deployed, Mentioned.
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    -- A path of this site, or nothing.
    link TEXT,
    created_ms BIGINT NOT NULL,
    read_ms BIGINT
);

CREATE INDEX notification_person ON notification (person_id, id);
CREATE INDEX notification_unread ON notification (person_id) WHERE read_ms IS NULL;
