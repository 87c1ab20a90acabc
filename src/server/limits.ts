// Every limit of the server, once, with its unit and its reason. Each has a test that goes over it.
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const KIB = 1_024;
const MIB = 1_024 * KIB;

/** So many requests of one kind by one caller (a paired phone or a token) within so long; past that 429. */
export const RATES = {
  /** Whatever changes something, unless it has a kind of its own: a held-down arrow key is 30 a second. */
  writes: { most: 400, withinMs: 10 * SECOND },
  /** Pieces of files for claude, beside the writes, so that who hands a film over can still answer. */
  pieces: { most: 400, withinMs: 10 * SECOND },
  /** Searches: one at each pause of who types, and pages. */
  searches: { most: 60, withinMs: 10 * SECOND },
  /** Sessions started on devboxes: each logs in somewhere and may put a program there. */
  launches: { most: 30, withinMs: MINUTE },
  /** Test notifications of one phone: whoever holds the button down needs no more. */
  tests: { most: 6, withinMs: MINUTE },
} as const;
export type RateName = keyof typeof RATES;

export const LIMITS = {
  /** Bytes of a request body: the longest text to claude fits, with room. */
  bodyBytes: 256 * KIB,
  /** Characters of a text to claude; more is a file, not a message. */
  textChars: 100_000,
  /** Bytes of a file for claude: a phone's photo as it comes, or a short recording. */
  fileBytes: 24 * MIB,
  /** Bytes of it on their way to a wrapper: an answer waits behind no more than that. */
  filePieceBytes: 48 * KIB,
  /** Files that viewers hand over to one session, and pieces under way at once in it. */
  files: 200,
  filesAtOnce: 4,
  /** A wrapper writes a piece down within milliseconds; one that has not by then is out of reach. */
  filePieceMs: 10 * SECOND,
  /** Characters of a file's name, which is only shown. */
  fileNameChars: 120,
  /** Slash commands of a session, characters of one's name, and of what is said about it. */
  commands: 500,
  commandChars: 100,
  commandAboutChars: 200,
  /** Sessions whose commands are kept; the wrapper of one that is connected says them again. */
  commandSessions: 500,

  /** Characters of a viewer's or a device's name. */
  nameChars: 60,
  /** The same of a session's: two lines of a phone. */
  titleChars: 100,
  /** Callers whose requests are counted; past that those whose time is over are forgotten. */
  countedCallers: 1_000,
  /** Characters of an X-Forwarded-For that is read, where a proxy of ours sent it. */
  forwardedChars: 2_000,

  /** Event streams of one viewer, and of all unless `max_streams` says otherwise; past that the oldest is closed. */
  streamsPerViewer: 8,
  streams: 256,
  /** Bytes on their way to one viewer; past that it is slow, and gets only what is newest. */
  streamBytes: 64 * KIB,
  /** A viewer that has taken nothing for this long is closed; it resumes from its cursor. */
  stalledMs: 30 * SECOND,
  /** A request for events is held this long: a page that hears nothing for 15 s takes the server for dead. */
  pollMs: 10 * SECOND,
  /** Facts waiting for a slow viewer; past that it gets one whole `state` instead. */
  pendingEvents: 200,
  /** Log lines and messages read at once for a viewer that catches up. */
  catchUpLines: 100,
  catchUpMessages: 10,
  /** Rows of one page of a REST listing. */
  pageRows: 500,
  /** Bytes of messages in one page of them; a single one may be larger. */
  pageBytes: 512 * KIB,
  /** Ended sessions in `state`. */
  endedSessions: 50,

  /** Characters and words of what is searched for: more is a text, not a question. */
  searchChars: 200,
  searchWords: 12,
  /** Letters from which on a word may be a beginning, and words of the index that are tried for it: 30 µs each. */
  searchBeginning: 3,
  searchBeginnings: 200,
  /** Words that have to follow one another: each looks at all places of all of them. */
  searchPhrase: 4,
  /** Hits of one page. */
  searchHits: 50,
  /** Rows of the index, of messages and of the log that one slice of a search takes: a few milliseconds at most. */
  searchIndexRows: 2_000,
  searchMessages: 32,
  searchLines: 256,
  /** Bytes of a message that is read whole; a larger one is found by the index alone. */
  searchBytes: MIB,
  /** So long a search looks before everybody else has a turn, and before it answers with what it has. */
  searchSliceMs: 5,
  searchMs: 1_500,
  /** Searches at once; each takes half a core. */
  searches: 4,

  /** Wrappers connected at once, unless `max_wrappers` says otherwise. */
  wrappers: 200,
  /** Connections that have not proved who they are; past that the oldest of them is closed. */
  handshakes: 20,
  /** Bytes of one frame of a wrapper: a large edit with the file before and after, a message with an image. */
  frameBytes: 8 * MIB,
  /** Frames of one wrapper a second: an honest one sends at most 10 to 30 and some log. */
  framesPerSecond: 2_000,
  /** Bytes waiting to be sent to one wrapper; it does not read any more. */
  uplinkBytes: 8 * MIB,
  /** A handshake takes milliseconds; one that takes this long is a slow client. */
  handshakeMs: 5 * SECOND,
  /** An answer that was not confirmed is sent again after this. */
  answerAgainMs: 2 * SECOND,

  /** Open prompts of one session; claude asks one after another, subagents a few at once, a wrapper holds up to 256. */
  openPrompts: 300,
  /** Texts and keys remembered for a session, so that a repeated one is the same one. */
  inputs: 200,
  /** Log lines of one message, and characters of one line; the rest of a longer one is cut. */
  linesPerMessage: 1_000,
  lineChars: 20_000,

  /** Tokens in force at once: each is a key that somebody has to remember. */
  tokens: 100,
  /** Days a token lives unless told, at most, and an operator's: long enough not to be renewed by habit. */
  tokenDays: 90,
  tokenMostDays: 365,
  operatorDays: 180,

  /** Devboxes known at once: a person has a handful. */
  devboxes: 100,
  /** Sessions being started from phones at once: each may copy a hundred megabytes, and nobody starts more by hand. */
  launches: 4,
  /** All of a launch: a hundred megabytes at 1 Mbit/s. What takes longer will not come. */
  launchMs: 20 * MINUTE,
  /** Folders of a devbox in one answer: nobody reads more on a phone, who rather types another letter. */
  directories: 100,
  /** Listings of folders, and tests of devboxes, under way at once: each holds a shell there. */
  listings: 8,
  devboxTests: 4,

  /** How long a pairing code lives, and how many wrong tries all together. */
  pairingMs: 5 * MINUTE,
  pairingTries: 5,
  /** A login dies after this long without use, and after this long at all. */
  loginIdleMs: 30 * DAY,
  loginMs: 180 * DAY,
  /** The clock went back by more than this since the last use: no telling how old the login is. */
  clockSlackMs: 5 * MINUTE,

  /** What has ended is kept this long; the audit longer. */
  keepMs: 30 * DAY,
  auditMs: 365 * DAY,
  /** What was used, as numbers alone: a year of days, and one more to compare it with. */
  usageMs: 396 * DAY,
  /** Rows and bytes of the audit: a year of 2,700 rows a day. The database itself refuses to lose any before that. */
  auditRows: 1_000_000,
  auditBytes: 512 * MIB,
  /** Of an audit that is full, rows dropped for each new one: fewer than a flood adds would not do. */
  auditDrops: 8,
  /** Rows and bytes of one page of the audit; a single row may be larger. */
  auditPageRows: 100,
  auditPageBytes: MIB,
  /** Exports of the audit under way; each reads the whole table. */
  exports: 2,
  /** Refused devices written down in `refusalsWithinMs`; whoever knocks is not let in, so anybody can. */
  refusals: 20,
  refusalsWithinMs: 5 * MINUTE,
  /** Bytes of log, and of conversation, kept of one session. */
  logBytes: 200 * MIB,
  /** Rows dropped at once where that is too much. */
  trimRows: 100,
  /** A session not heard of for this long has ended (`lost`). */
  lostMs: DAY,
  /** Rows deleted in one step of the retention, so that nobody waits for it. */
  sweepRows: 2_000,
  /** The same of messages: to take one out of the full-text index costs 0.1 ms. */
  sweepMessages: 100,
  /** Bytes of the log file before it is turned over; one old one is kept. */
  logFileBytes: 5 * MIB,
} as const;
