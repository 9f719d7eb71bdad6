-- When a browser was last seen, to the day: what nobody comes back to is removed one day.

ALTER TABLE session ADD COLUMN seen_ms BIGINT NOT NULL DEFAULT 0;

UPDATE session SET seen_ms = created_ms;

CREATE INDEX session_seen ON session (seen_ms);
CREATE INDEX notification_age ON notification (created_ms);
CREATE INDEX api_key_person ON api_key (person_id);
