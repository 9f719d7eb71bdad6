-- Links that sign somebody in: mailed to an address, or shown as a QR code to a person's own phone.

CREATE TABLE link (
    -- SHA-256 of the token, in hexadecimal; the token has 256 random bits.
    hash TEXT PRIMARY KEY,
    -- One of the two: a mailed link leads to whoever has this address, or gives it to whoever opens it first.
    email TEXT,
    person_id TEXT REFERENCES person (id) ON DELETE CASCADE,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT
);

CREATE INDEX link_age ON link (expires_ms);
