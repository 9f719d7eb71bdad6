-- Rooms, who belongs to them, and what is said in them.

CREATE TABLE room (
    -- A part of the topic's name: a word for the lobby, random for the others.
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    -- For members only.
    private BOOLEAN NOT NULL,
    owner_id TEXT REFERENCES person (id) ON DELETE SET NULL,
    created_ms BIGINT NOT NULL,
    -- Nothing more may be said in it.
    archived_ms BIGINT
);

CREATE TABLE member (
    room_id TEXT NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    joined_ms BIGINT NOT NULL,
    -- The newest message they have seen.
    read_id BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, person_id)
);

CREATE INDEX member_person ON member (person_id);
CREATE INDEX room_owner ON room (owner_id);

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    room_id TEXT NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    -- A person's id or an API key's. What they wrote stays when they are gone, under the name they had.
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL,
    author_hue INTEGER NOT NULL,
    bot BOOLEAN NOT NULL,
    -- Made by the author's client: sent twice, written once.
    client_id TEXT NOT NULL,
    text TEXT NOT NULL,
    -- A JSON list of the names that were mentioned.
    mentions TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    edited_ms BIGINT,
    deleted_ms BIGINT,
    UNIQUE (author_id, client_id)
);

CREATE INDEX message_room ON message (room_id, id);

-- One link a room that brings people in, for some days.
CREATE TABLE invitation (
    room_id TEXT PRIMARY KEY REFERENCES room (id) ON DELETE CASCADE,
    -- SHA-256 of the token, in hexadecimal.
    hash TEXT NOT NULL UNIQUE,
    expires_ms BIGINT NOT NULL
);
