-- Conversations with the assistant, their messages, and answers as they are written.
CREATE TABLE conversation (
    -- 128 random bits in hexadecimal: whoever has them may read the conversation while it is shared.
    id TEXT PRIMARY KEY,
    -- Whose it is: a person's, or an API key's from the command line, or nobody's (made by a program that showed nothing;
    -- whoever knows `chat` may go on with it).
    person_id TEXT REFERENCES person (id) ON DELETE CASCADE,
    api_key_id TEXT REFERENCES api_key (id) ON DELETE CASCADE,
    -- What its client calls it, at /api/chat.
    chat TEXT,
    title TEXT NOT NULL,
    shared BOOLEAN NOT NULL,
    -- The newest message of the path that is shown.
    leaf BIGINT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE INDEX conversation_person ON conversation (person_id, updated_ms);
CREATE INDEX conversation_api_key ON conversation (api_key_id, updated_ms);
CREATE INDEX conversation_nobody ON conversation (updated_ms) WHERE person_id IS NULL AND api_key_id IS NULL;
CREATE UNIQUE INDEX conversation_chat ON conversation (COALESCE(person_id, api_key_id, ''), chat) WHERE chat IS NOT NULL;

-- A tree: a message that was asked or answered anew stands beside the one it replaces.
CREATE TABLE turn (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    -- What it follows.
    parent BIGINT REFERENCES turn (id) ON DELETE CASCADE,
    answer BOOLEAN NOT NULL,
    -- What its client calls it: the same one is the same question.
    client TEXT,
    -- JSON, see features/answer.rs. Of an answer that is being written: without what is in `turn_chunk`.
    parts TEXT NOT NULL,
    -- running, complete, stopped, interrupted, failed, too-long, refused, waiting.
    status TEXT NOT NULL,
    error TEXT,
    -- The run that writes it or has written it last: a part of the topic's name; and until when its process is trusted to
    -- be alive.
    run TEXT,
    lease_ms BIGINT NOT NULL,
    -- Somebody wants it to stop.
    stopping BOOLEAN NOT NULL,
    -- JSON: what has answered, and what that took.
    cost TEXT,
    created_ms BIGINT NOT NULL
);

CREATE INDEX turn_conversation ON turn (conversation_id, id);
CREATE UNIQUE INDEX turn_client ON turn (conversation_id, client) WHERE client IS NOT NULL;
CREATE UNIQUE INDEX turn_run ON turn (run) WHERE run IS NOT NULL;
CREATE INDEX turn_lease ON turn (lease_ms) WHERE status = 'running';

-- What was added to an answer while it is being written, about once a second. Gone when it ends: then it is in `parts`.
CREATE TABLE turn_chunk (
    turn_id BIGINT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    -- JSON, as `parts`.
    added TEXT NOT NULL,
    PRIMARY KEY (turn_id, number)
);
