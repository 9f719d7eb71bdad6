-- What has to be undone everywhere: rights that ended in another process, and texts that were taken back.

-- Who is no member any longer. Other processes look here, and end what is live; whoever comes back leaves it.
CREATE TABLE removal (
    room_id TEXT NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    removed_ms BIGINT NOT NULL,
    PRIMARY KEY (room_id, person_id)
);

CREATE INDEX removal_age ON removal (removed_ms);
CREATE INDEX removal_person ON removal (person_id);

-- Which events of the room's topic hold a message's text: when it is deleted, they lose it.
CREATE TABLE message_event (
    message_id BIGINT NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    "offset" BIGINT NOT NULL,
    PRIMARY KEY (message_id, "offset")
);
