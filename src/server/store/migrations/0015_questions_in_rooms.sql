-- Questions to the assistant in rooms that wait for their answer. One is written with the message that asks it, and is gone
-- with the beginning of its answer or the words that there is none.
CREATE TABLE room_question (
    message_id BIGINT PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    room_id TEXT NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    -- Whose ceilings the answer counts towards: see model_usage.
    payer TEXT NOT NULL,
    address TEXT NOT NULL,
    asked_ms BIGINT NOT NULL,
    -- Until when it is left to the process that took it, or that has written the answer before it.
    lease_ms BIGINT NOT NULL
);

CREATE INDEX room_question_room ON room_question (room_id, message_id);
