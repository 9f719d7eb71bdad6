-- Full-text search over messages (SQLite FTS5; another database has its own). The index holds no texts of its own: it
-- reads them from the table, and triggers keep it true.
CREATE VIRTUAL TABLE message_search USING fts5 (
    text,
    content = 'message',
    content_rowid = 'id',
    tokenize = "unicode61 remove_diacritics 2"
);

-- What is taken out of it is gone, and not only marked as gone.
INSERT INTO message_search (message_search, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER message_search_added AFTER INSERT ON message BEGIN
    INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
END;

CREATE TRIGGER message_search_removed AFTER DELETE ON message BEGIN
    INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', old.id, old.text);
END;

CREATE TRIGGER message_search_changed AFTER UPDATE OF text ON message BEGIN
    INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
END;

INSERT INTO message_search (message_search) VALUES ('rebuild');
