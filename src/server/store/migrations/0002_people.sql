-- People, and the browsers they use.

CREATE TABLE person (
    -- 128 random bits in hexadecimal: it stands in topic names, so it is not to be guessed or counted.
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- What the name looks like (Unicode TR39 skeleton, lower case): no two people look the same.
    name_skeleton TEXT NOT NULL UNIQUE,
    -- The colour: an angle in degrees.
    hue INTEGER NOT NULL,
    -- Lower case. Only of those who signed in.
    email TEXT UNIQUE,
    created_ms BIGINT NOT NULL
);

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    -- Signed out. The row stays as long as a cookie may live, so that the cookie does not come to life again.
    revoked_ms BIGINT
);

CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_revoked ON session (revoked_ms) WHERE revoked_ms IS NOT NULL;
