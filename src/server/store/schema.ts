// The database as it is made, and how an older one becomes it. A migration that was released is never changed.

/** One entry for each version: `user_version` says how many were run. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE devices (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    revoked_at INTEGER
  ) STRICT;
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY, device_id TEXT NOT NULL, devbox TEXT,
    started_at INTEGER NOT NULL, ended_at INTEGER, end_reason TEXT, exit_code INTEGER, signal TEXT,
    heard_at INTEGER NOT NULL, cwd TEXT NOT NULL, command TEXT NOT NULL, claude_version TEXT,
    title TEXT NOT NULL, status TEXT NOT NULL, waiting_for TEXT, hooks TEXT NOT NULL, terminal INTEGER NOT NULL,
    cols INTEGER NOT NULL, rows INTEGER NOT NULL, permission_mode TEXT, conversation TEXT,
    last_screen TEXT, log_bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX sessions_by_end ON sessions (ended_at);
  CREATE TABLE conversations (
    id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE session_conversations (
    session_id TEXT NOT NULL, conversation_id TEXT NOT NULL, PRIMARY KEY (session_id, conversation_id)
  ) STRICT;
  CREATE INDEX session_conversations_back ON session_conversations (conversation_id);
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, conversation_id TEXT NOT NULL, uuid TEXT NOT NULL, seq INTEGER NOT NULL,
    role TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (conversation_id, uuid)
  ) STRICT;
  CREATE INDEX messages_by_seq ON messages (conversation_id, seq);
  CREATE TABLE prompts (
    id TEXT PRIMARY KEY, session_id TEXT NOT NULL, created_at INTEGER NOT NULL, kind TEXT NOT NULL,
    prompt_text TEXT NOT NULL, detail TEXT NOT NULL, options TEXT NOT NULL, digest TEXT NOT NULL,
    response TEXT, answer_id TEXT, responded_at INTEGER, responded_by TEXT, delivered_at INTEGER,
    withdrawn_at INTEGER, withdrawn_by TEXT, outcome TEXT, outcome_at INTEGER
  ) STRICT;
  CREATE INDEX prompts_by_session ON prompts (session_id, created_at);
  CREATE INDEX prompts_unfinished ON prompts (session_id) WHERE withdrawn_at IS NULL AND outcome IS NULL;
  CREATE TABLE output_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, line_no INTEGER NOT NULL, epoch INTEGER NOT NULL,
    source TEXT NOT NULL, timestamp INTEGER NOT NULL, line TEXT NOT NULL, count INTEGER,
    UNIQUE (session_id, line_no)
  ) STRICT;
  CREATE TABLE viewers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL, login_hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, last_seen INTEGER NOT NULL, revoked_at INTEGER
  ) STRICT;
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL, last_seen INTEGER NOT NULL, revoked_at INTEGER
  ) STRICT;
  CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL, detail TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_log_is_kept_a_year BEFORE DELETE ON audit_log
    WHEN old.at > (unixepoch() - 365 * 86400) * 1000
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  // `asked` stands where a prompt opened or changed; `total` is the bytes of all rows so far, so that the difference of
  // two tells what is between them. What goes is the oldest row, and only past a year, a million rows or 512 MiB.
  `
  DROP TRIGGER audit_log_is_never_changed;
  DROP TRIGGER audit_log_is_kept_a_year;
  ALTER TABLE audit_log ADD COLUMN name TEXT;
  ALTER TABLE audit_log ADD COLUMN address TEXT;
  ALTER TABLE audit_log ADD COLUMN session_id TEXT;
  ALTER TABLE audit_log ADD COLUMN asked TEXT;
  ALTER TABLE audit_log ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
  UPDATE audit_log SET asked = detail, detail = '{}' WHERE action = 'prompt';
  UPDATE audit_log SET total = sums.total FROM (
    SELECT id, sum(octet_length(detail) + coalesce(octet_length(asked), 0) + 300) OVER (ORDER BY id) AS total FROM audit_log
  ) AS sums WHERE sums.id = audit_log.id;
  CREATE INDEX audit_log_asked ON audit_log (subject, id) WHERE asked IS NOT NULL;
  CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_log_is_never_replaced BEFORE INSERT ON audit_log
    WHEN new.id <> -1 AND new.id <= (SELECT coalesce(max(id), 0) FROM audit_log)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_log_loses_only_its_oldest BEFORE DELETE ON audit_log
    WHEN old.id <> (SELECT min(id) FROM audit_log) OR NOT (
      old.at < (unixepoch() - 365 * 86400) * 1000
      OR old.id <= (SELECT max(id) FROM audit_log) - 1000000
      OR old.total <= (SELECT total FROM audit_log ORDER BY id DESC LIMIT 1) - 512 * 1048576
    )
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  // What is said in a message, indexed by the message's id: every text in it but the names that hold it together. The text
  // stands in the message alone, so what leaves the index is told again as it was; nothing of it stays readable.
  `
  CREATE VIRTUAL TABLE messages_text USING fts5(text, content = '');
  INSERT INTO messages_text (messages_text, rank) VALUES ('secure-delete', 1);
  CREATE TRIGGER messages_text_gains AFTER INSERT ON messages BEGIN
    INSERT INTO messages_text (rowid, text) VALUES (new.id, (SELECT group_concat(atom, char(10))
      FROM json_tree(new.body) WHERE type = 'text' AND coalesce(key, '') NOT IN ('type', 'call', 'event', 'media_type')));
  END;
  CREATE TRIGGER messages_text_loses AFTER DELETE ON messages BEGIN
    INSERT INTO messages_text (messages_text, rowid, text) VALUES ('delete', old.id, (SELECT group_concat(atom, char(10))
      FROM json_tree(old.body) WHERE type = 'text' AND coalesce(key, '') NOT IN ('type', 'call', 'event', 'media_type')));
  END;
  CREATE TRIGGER messages_are_never_changed BEFORE UPDATE ON messages
    BEGIN SELECT RAISE(ABORT, 'a message is never changed'); END;
  `,
  // Beside the core: src/server/push/. A row for each paired browser that has said what it is; `endpoint` only where it
  // wants pushes.
  `
  CREATE TABLE push_subscriptions (
    viewer_id TEXT PRIMARY KEY, platform TEXT NOT NULL, permission TEXT NOT NULL,
    endpoint TEXT, p256dh TEXT, auth TEXT, reason TEXT, refused_at INTEGER, tested_at INTEGER, sent_at INTEGER,
    private INTEGER NOT NULL DEFAULT 0, quiet TEXT
  ) STRICT;
  CREATE TABLE push_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, viewer_id TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
    topic TEXT NOT NULL, subject TEXT NOT NULL, title TEXT NOT NULL, outcome TEXT NOT NULL, status INTEGER, reason TEXT
  ) STRICT;
  CREATE INDEX push_deliveries_by_viewer ON push_deliveries (viewer_id, id);
  CREATE TABLE push_snoozes (session_id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
  `,
  // Beside the core: src/devbox/. One that was removed keeps its row, since sessions of it are still told of.
  `
  CREATE TABLE devboxes (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, host TEXT, user TEXT, port INTEGER, key TEXT, dir TEXT,
    device_id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, last_used INTEGER, seen_at INTEGER, state TEXT NOT NULL,
    error TEXT, fingerprint TEXT
  ) STRICT;
  CREATE TABLE devbox_choices (
    devbox TEXT NOT NULL, dir TEXT NOT NULL, mode TEXT, used_at INTEGER NOT NULL, PRIMARY KEY (devbox, dir)
  ) STRICT;
  ALTER TABLE sessions ADD COLUMN launch TEXT;
  CREATE INDEX sessions_by_launch ON sessions (launch) WHERE launch IS NOT NULL;
  `,
  // Credentials of programs. `device_id`: the machine whose operator it belongs to, and ends with. Nothing made any before.
  `
  DROP TABLE tokens;
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL, device_id TEXT,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, last_used INTEGER, revoked_at INTEGER
  ) STRICT;
  `,
  // Search, names and usage. What an answer took is nothing that was said. `messages_words`: the words of the full-text index, so that a beginning is looked up as the
  // words that begin so. A row of `usage` outlives its session as numbers alone; `id` is claude's own of what it counts.
  `
  DROP TRIGGER messages_text_gains;
  DROP TRIGGER messages_text_loses;
  CREATE TRIGGER messages_text_gains AFTER INSERT ON messages BEGIN
    INSERT INTO messages_text (rowid, text) VALUES (new.id, (SELECT group_concat(atom, char(10))
      FROM json_tree(json_remove(new.body, '$.usage'))
      WHERE type = 'text' AND coalesce(key, '') NOT IN ('type', 'call', 'event', 'media_type')));
  END;
  CREATE TRIGGER messages_text_loses AFTER DELETE ON messages BEGIN
    INSERT INTO messages_text (messages_text, rowid, text) VALUES ('delete', old.id, (SELECT group_concat(atom, char(10))
      FROM json_tree(json_remove(old.body, '$.usage'))
      WHERE type = 'text' AND coalesce(key, '') NOT IN ('type', 'call', 'event', 'media_type')));
  END;
  CREATE VIRTUAL TABLE messages_words USING fts5vocab('messages_text', 'instance');
  ALTER TABLE sessions ADD COLUMN name TEXT;
  ALTER TABLE sessions ADD COLUMN deleted_at INTEGER;
  CREATE INDEX sessions_deleted ON sessions (deleted_at) WHERE deleted_at IS NOT NULL;
  ALTER TABLE conversations ADD COLUMN opening TEXT;
  UPDATE conversations SET opening = (
    SELECT substr(trim(part.value ->> 'text'), 1, 200) FROM messages AS m, json_each(m.body, '$.parts') AS part
    WHERE m.conversation_id = conversations.id AND m.role = 'user' AND part.type = 'object'
      AND part.value ->> 'type' = 'text' ORDER BY m.seq LIMIT 1);
  CREATE TRIGGER session_leaves_no_snooze AFTER DELETE ON sessions
    BEGIN DELETE FROM push_snoozes WHERE session_id = old.id; END;
  CREATE TABLE usage (
    id TEXT PRIMARY KEY, session_id TEXT, conversation_id TEXT NOT NULL, at INTEGER NOT NULL, model TEXT NOT NULL,
    input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,
    cost_usd REAL, worked_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_by_session ON usage (session_id) WHERE session_id IS NOT NULL;
  CREATE INDEX usage_by_conversation ON usage (conversation_id);
  CREATE INDEX usage_by_time ON usage (at);
  `,
];
