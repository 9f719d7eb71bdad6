-- Programs that publish and read from outside, and what they asked for once.

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- SHA-256 of the key, in hexadecimal. The key itself has 192 random bits, so it needs no salt and no slow hash.
    hash TEXT NOT NULL UNIQUE,
    -- Who made it on a page; none if it was made on the command line.
    person_id TEXT REFERENCES person (id) ON DELETE CASCADE,
    -- What it may do: words such as publish:channel/shop/*, separated by spaces.
    grants TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);

-- What was published under an idempotency key: the same again gets the same answer and publishes nothing.
CREATE TABLE published (
    api_key_id TEXT NOT NULL REFERENCES api_key (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL,
    -- SHA-256 of topic and event: the same key for something else is a mistake that is pointed out.
    fingerprint TEXT NOT NULL,
    position TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, idempotency_key)
);

CREATE INDEX published_age ON published (created_ms);
