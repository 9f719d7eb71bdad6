-- Answers of the assistant in rooms: messages that are being written.

-- The run that writes the message, or has written it: a part of the topic's name. It stays, so that whoever comes late to the
-- topic is still told of the room's rule and not of a topic that nobody knows.
ALTER TABLE message ADD COLUMN run TEXT;
-- Where the run's topic stood before it: from there on, all of the text is on it.
ALTER TABLE message ADD COLUMN run_position TEXT;
-- Until when its process is trusted to be alive. Nothing once the message is whole.
ALTER TABLE message ADD COLUMN run_lease_ms BIGINT;

CREATE UNIQUE INDEX message_run ON message (run) WHERE run IS NOT NULL;
CREATE INDEX message_run_lease ON message (run_lease_ms) WHERE run_lease_ms IS NOT NULL;
