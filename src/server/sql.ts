// Every statement of the database, by name. A session comes with the name of its machine.

const SESSION = `SELECT s.id, device_id, d.name AS device_name, devbox, started_at, ended_at, end_reason, exit_code, signal,
    heard_at, cwd, command, claude_version, title, status, waiting_for, hooks, terminal, cols, rows, permission_mode,
    conversation, launch, s.name, (SELECT opening FROM conversations c WHERE c.id = s.conversation) AS opening
  FROM sessions s JOIN devices d ON d.id = s.device_id AND s.deleted_at IS NULL`;

/** With what the prompt it is about asked at that moment, if it is about one. */
const AUDIT = `SELECT a.*, coalesce(a.asked, CASE WHEN a.action IN ('answer', 'answer refused', 'delivered', 'accepted',
    'too_late', 'withdrawn', 'not_applied') THEN (SELECT p.asked FROM audit_log p
      WHERE p.subject = a.subject AND p.asked IS NOT NULL AND p.id < a.id ORDER BY p.id DESC LIMIT 1) END) AS asked
  FROM audit_log a`;

export const SQL = {
  device: "SELECT * FROM devices WHERE id = $id",
  devices: "SELECT * FROM devices ORDER BY created_at",
  addDevice: "INSERT OR IGNORE INTO devices VALUES ($id, $name, $now, $now, NULL)",
  seenDevice: "UPDATE devices SET last_seen = $now WHERE id = $id",
  revokeDevice: "UPDATE devices SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",

  session: `${SESSION} WHERE s.id = $id`,
  openSessions: `${SESSION} WHERE ended_at IS NULL ORDER BY started_at DESC`,
  // One that is being deleted is not there any more, but it is still somebody's.
  ownerOf: "SELECT device_id FROM sessions WHERE id = $id",
  endedSessions: `${SESSION} WHERE ended_at IS NOT NULL AND (ended_at, s.id) < ($before, $id)
    ORDER BY ended_at DESC, s.id DESC LIMIT $limit`,
  nameSession: "UPDATE sessions SET name = $name WHERE id = $id AND deleted_at IS NULL",
  deleteSession:
    "UPDATE sessions SET deleted_at = $now WHERE id = $id AND ended_at IS NOT NULL AND deleted_at IS NULL",
  deleted: "SELECT id FROM sessions WHERE deleted_at IS NOT NULL LIMIT 1",
  // A session that was given up as lost and speaks again has not ended.
  stateSession: `INSERT INTO sessions (id, device_id, started_at, heard_at, cwd, command, claude_version, title, status,
      waiting_for, hooks, terminal, cols, rows, permission_mode, conversation, launch,
      devbox)
    VALUES ($id, $device_id, $started_at, $now, $cwd, $command, $claude_version, $title, $status,
      $waiting_for, $hooks, $terminal, $cols, $rows, $permission_mode, $conversation, $launch,
      (SELECT name FROM devboxes WHERE device_id = $device_id))
    ON CONFLICT (id) DO UPDATE SET heard_at = $now, cwd = $cwd, command = $command, claude_version = $claude_version,
      title = $title, status = iif(ended_at IS NULL OR end_reason = 'lost', $status, status),
      waiting_for = $waiting_for, hooks = $hooks, terminal = $terminal, cols = $cols, rows = $rows,
      permission_mode = $permission_mode, conversation = $conversation,
      ended_at = iif(end_reason = 'lost', NULL, ended_at), end_reason = iif(end_reason = 'lost', NULL, end_reason),
      deleted_at = NULL`,
  setState: `UPDATE sessions SET heard_at = $now, title = $title, status = $status, waiting_for = $waiting_for,
    hooks = $hooks, terminal = $terminal, cols = $cols, rows = $rows, permission_mode = $permission_mode,
    conversation = $conversation WHERE id = $id AND ended_at IS NULL`,
  endSession: `UPDATE sessions SET status = 'ended', ended_at = $now, end_reason = $reason, exit_code = $code,
    signal = $signal, waiting_for = NULL WHERE id = $id AND ended_at IS NULL`,
  heard: "UPDATE sessions SET heard_at = $at WHERE id = $id AND heard_at < $at",
  screen: "SELECT last_screen FROM sessions WHERE id = $id",
  saveScreen: "UPDATE sessions SET last_screen = $screen WHERE id = $id",

  addConversation: "INSERT OR IGNORE INTO conversations (id, created_at) VALUES ($id, $now)",
  openConversation: "UPDATE conversations SET opening = $opening WHERE id = $id AND opening IS NULL",
  joinConversation: "INSERT OR IGNORE INTO session_conversations VALUES ($session, $id)",
  addMessage: `INSERT OR IGNORE INTO messages (conversation_id, uuid, seq, role, body, created_at)
    VALUES ($conversation, $uuid, $seq, $role, $body, $at)`,
  conversationsOf: `SELECT conversation_id AS id FROM session_conversations WHERE session_id = $session ORDER BY rowid`,
  grewConversation: "UPDATE conversations SET bytes = bytes + $bytes WHERE id = $id RETURNING bytes",
  messageCursor: "SELECT max(seq) AS upto FROM messages WHERE conversation_id = $id",
  messagesSince: `SELECT m.* FROM messages m JOIN session_conversations c USING (conversation_id)
    WHERE c.session_id = $session AND m.id > $after ORDER BY m.id LIMIT $limit`,
  messagesAfter: `SELECT * FROM messages WHERE conversation_id = $id AND seq > $after ORDER BY seq LIMIT $limit`,
  messagesBefore: `SELECT * FROM messages WHERE conversation_id = $id AND seq < $before ORDER BY seq DESC LIMIT $limit`,
  trimMessages: `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id = $id
    AND seq < (SELECT max(seq) FROM messages WHERE conversation_id = $id) ORDER BY seq LIMIT $rows)
    RETURNING length(body) AS bytes`,

  addLine: `INSERT OR IGNORE INTO output_log (session_id, line_no, epoch, source, timestamp, line, count)
    VALUES ($session, $line_no, $epoch, $source, $timestamp, $line, $count)`,
  grewLog: "UPDATE sessions SET log_bytes = log_bytes + $bytes WHERE id = $id RETURNING log_bytes AS bytes",
  lineCursor:
    "SELECT line_no + coalesce(count, 1) - 1 AS upto FROM output_log WHERE session_id = $id ORDER BY line_no DESC LIMIT 1",
  linesSince: "SELECT * FROM output_log WHERE session_id = $session AND id > $after ORDER BY id LIMIT $limit",
  linesAfter: `SELECT * FROM output_log WHERE session_id = $session AND line_no > $after ORDER BY line_no LIMIT $limit`,
  linesBefore: `SELECT * FROM output_log WHERE session_id = $session AND line_no < $before ORDER BY line_no DESC
    LIMIT $limit`,
  trimLines: `DELETE FROM output_log WHERE id IN (SELECT id FROM output_log WHERE session_id = $id
    AND line_no < (SELECT max(line_no) FROM output_log WHERE session_id = $id) ORDER BY line_no LIMIT $rows)
    RETURNING length(line) AS bytes`,
  // Several records of one answer say what is known by then: the most of it is what it was.
  addUsage: `INSERT INTO usage (id, session_id, conversation_id, at, model, input, output, cache_read, cache_write, worked_ms)
    VALUES ($id, $session, $conversation, $at, $model, $input, $output, $cache_read, $cache_write, $worked_ms)
    ON CONFLICT (id) DO UPDATE SET input = max(input, $input), output = max(output, $output),
      cache_read = max(cache_read, $cache_read), cache_write = max(cache_write, $cache_write)`,
  costOf: "SELECT total(cost_usd) AS usd FROM usage WHERE id > $id || ' ' AND id < $id || '!'",
  addCost: `INSERT OR IGNORE INTO usage (id, session_id, conversation_id, at, model, input, output, cache_read, cache_write,
      cost_usd, worked_ms) VALUES ($id, $session, $conversation, $at, '', 0, 0, 0, 0, $usd, 0)`,
  newest: `SELECT (SELECT coalesce(max(id), 0) FROM output_log) AS line, (SELECT coalesce(max(id), 0) FROM messages)
    AS message`,

  prompt: "SELECT * FROM prompts WHERE id = $id",
  openPrompts:
    "SELECT * FROM prompts WHERE responded_at IS NULL AND withdrawn_at IS NULL ORDER BY created_at",
  unfinishedPrompts:
    "SELECT * FROM prompts WHERE withdrawn_at IS NULL AND outcome IS NULL ORDER BY created_at",
  prompts: "SELECT * FROM prompts ORDER BY created_at DESC LIMIT $limit",
  sessionPrompts: `SELECT * FROM prompts WHERE session_id = $session AND withdrawn_at IS NULL AND outcome IS NULL
    ORDER BY created_at`,
  addPrompt: `INSERT INTO prompts (id, session_id, created_at, kind, prompt_text, detail, options, digest)
    VALUES ($id, $session, $created_at, $kind, $prompt_text, $detail, $options, $digest)`,
  changePrompt: `UPDATE prompts SET kind = $kind, prompt_text = $prompt_text, detail = $detail, options = $options,
    digest = $digest WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL`,
  answerPrompt: `UPDATE prompts SET response = $response, answer_id = $answer_id, responded_at = $now, responded_by = $by
    WHERE id = $id AND responded_at IS NULL AND withdrawn_at IS NULL AND digest = $digest`,
  delivered: `UPDATE prompts SET delivered_at = $now WHERE id = $id AND answer_id = $answer_id AND delivered_at IS NULL`,
  // What ended only because its session was given up may still learn how it really did.
  accepted: `UPDATE prompts SET outcome = 'accepted', outcome_at = $now, delivered_at = coalesce(delivered_at, $now),
      withdrawn_by = NULL
    WHERE id = $id AND responded_at IS NOT NULL
      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by = 'unknown'))`,
  tooLate: `UPDATE prompts SET outcome = coalesce($chosen, 'too_late'), outcome_at = $now, withdrawn_by = $by
    WHERE id = $id AND responded_at IS NOT NULL
      AND (outcome IS NULL OR (outcome = 'too_late' AND withdrawn_by IN ('unknown', $by)
        AND NOT (withdrawn_by = $by AND $chosen IS NULL)))`,
  // Nobody said that it ended, and its wrapper says that it has not. An answer that never arrived has not been given.
  reopen: `UPDATE prompts SET response = NULL, answer_id = NULL, responded_at = NULL, responded_by = NULL,
      withdrawn_at = NULL, withdrawn_by = NULL, outcome = NULL, outcome_at = NULL
    WHERE id = $id AND withdrawn_by = 'unknown' AND delivered_at IS NULL
      AND (outcome = 'too_late' OR (outcome IS NULL AND outcome_at IS NULL))
      AND EXISTS (SELECT 1 FROM sessions WHERE id = $session AND ended_at IS NULL)`,
  // As if it had not been given: whoever retries, or answers otherwise, wins.
  notApplied: `UPDATE prompts SET response = NULL, answer_id = NULL, responded_at = NULL, responded_by = NULL,
    delivered_at = NULL WHERE id = $id AND answer_id = $answer_id AND withdrawn_at IS NULL AND outcome IS NULL`,
  // What was withdrawn only because nobody spoke of it any more may still learn who ended it, and any what was chosen.
  // `outcome_at` is when its wrapper spoke of the end ($told).
  withdraw: `UPDATE prompts SET withdrawn_at = coalesce(withdrawn_at, $now), withdrawn_by = $by, outcome = $chosen,
      outcome_at = iif($told OR $chosen IS NOT NULL, $now, NULL)
    WHERE id = $id AND responded_at IS NULL AND (withdrawn_at IS NULL OR (withdrawn_by IN ('unknown', $by)
      AND outcome IS NULL AND NOT (withdrawn_by = $by AND $chosen IS NULL AND (outcome_at IS NOT NULL OR NOT $told))))`,

  addViewer: "INSERT INTO viewers VALUES ($id, $name, $address, $hash, $now, $now, NULL)",
  viewers: "SELECT * FROM viewers WHERE revoked_at IS NULL ORDER BY created_at",
  viewerOf: "SELECT * FROM viewers WHERE login_hash = $hash",
  seenViewer: "UPDATE viewers SET last_seen = max(last_seen, $now) WHERE id = $id",
  renameViewer: "UPDATE viewers SET name = $name WHERE id = $id AND revoked_at IS NULL",
  revokeViewer: "UPDATE viewers SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",
  addToken: `INSERT INTO tokens VALUES ($id, $name, $hash, $scopes, $device_id, $now, $expires_at, NULL, NULL)`,
  tokenOf: "SELECT * FROM tokens WHERE hash = $hash AND revoked_at IS NULL",
  tokens: "SELECT * FROM tokens WHERE revoked_at IS NULL AND expires_at > $now ORDER BY created_at",
  tokensOf: "SELECT id FROM tokens WHERE device_id = $device AND revoked_at IS NULL",
  usedToken: "UPDATE tokens SET last_used = max(coalesce(last_used, 0), $now) WHERE id = $id",
  revokeToken: "UPDATE tokens SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL",
  oldTokens: "DELETE FROM tokens WHERE revoked_at < $before OR expires_at < $before",

  audit: `INSERT INTO audit_log (at, actor, name, address, session_id, action, subject, detail, asked, total)
    VALUES ($now, $actor, $name, $address, $session, $action, $subject, $detail, $asked,
      $bytes + coalesce((SELECT total FROM audit_log ORDER BY id DESC LIMIT 1), 0))`,
  auditBefore: `${AUDIT} WHERE id < $before ORDER BY id DESC LIMIT $limit`,
  auditAfter: `${AUDIT} WHERE id > $after AND id <= $upto ORDER BY id LIMIT $limit`,
  auditEnd: "SELECT coalesce(max(id), 0) AS id FROM audit_log",

  expired: "SELECT id FROM sessions WHERE ended_at < $before ORDER BY ended_at LIMIT 1",
  // Numbers alone, for the sums of the days.
  unlinkUsage: "UPDATE usage SET session_id = NULL WHERE session_id = $id",
  oldUsage: "DELETE FROM usage WHERE at < $before",
  dropSession: "DELETE FROM sessions WHERE id = $id",
  dropPrompts: "DELETE FROM prompts WHERE session_id = $id",
  dropLines: `DELETE FROM output_log WHERE id IN (SELECT id FROM output_log WHERE session_id = $id LIMIT $rows)`,
  dropMessages: `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id = $id LIMIT $rows)`,
  dropJoins: "DELETE FROM session_conversations WHERE session_id = $id",
  orphan: `SELECT id FROM conversations WHERE id NOT IN (SELECT conversation_id FROM session_conversations) LIMIT 1`,
  dropConversation: "DELETE FROM conversations WHERE id = $id",
  // The oldest rows up to the first one that has to stay.
  oldAudit: `DELETE FROM audit_log WHERE id < (
    SELECT coalesce(min(oldest.id) FILTER (WHERE oldest.at >= $before AND oldest.id > newest.id - $most
      AND oldest.total > newest.total - $bytes), max(oldest.id) + 1)
    FROM (SELECT id, at, total FROM audit_log ORDER BY id LIMIT $rows) AS oldest,
      (SELECT id, total FROM audit_log ORDER BY id DESC LIMIT 1) AS newest)`,
  oldViewers: "DELETE FROM viewers WHERE revoked_at < $before OR created_at < $lifetime",
} as const;
