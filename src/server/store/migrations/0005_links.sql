-- Links that sign somebody in: mailed to an address, or shown as a QR code to a person's own phone.

CREATE TABLE link (
    -- SHA-256 of the token, in hexadecimal; the token has 256 random bits.
    hash TEXT PRIMARY KEY,
    -- Who asked for it. A link for a phone leads to them.
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    -- Where it was mailed. It leads to whoever has this address; if nobody does, to who asked, whose address it becomes.
    email TEXT,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT
);

CREATE INDEX link_age ON link (expires_ms);
