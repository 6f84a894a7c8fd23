/**
 * The tables, step by step: step n makes schema n of schema n-1. Steps that were released are never changed.
 *
 * Times are milliseconds since 1970. No token and no key is kept, only the SHA-256 of the tokens of devices (those are
 * 192 random bits, so that a fast hash is enough).
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    token_hash TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    revoked INTEGER,
    minutes_per_day REAL,
    cents_per_day REAL,
    calls_at_once INTEGER
  ) STRICT;

  -- device: NULL for the gateway's own token. upstream: id of the call there; NULL where it has none, or none is known.
  -- metered: 0 where nothing of what was used is seen. owner: the process that keeps it, as in the lock.
  CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    device INTEGER REFERENCES devices (id),
    mode TEXT NOT NULL,
    server TEXT NOT NULL,
    upstream TEXT,
    model TEXT,
    metered INTEGER NOT NULL,
    owner TEXT NOT NULL,
    started INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    ended INTEGER,
    why TEXT
  ) STRICT;
  CREATE INDEX calls_by_device ON calls (device, started);
  CREATE INDEX calls_open ON calls (id) WHERE ended IS NULL;

  -- kind: response or transcription; ref: id of the response or item. Cached tokens are part of the input tokens.
  -- nanodollars: NULL where the model has no price here.
  CREATE TABLE usage (
    call TEXT NOT NULL REFERENCES calls (id),
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    at INTEGER NOT NULL,
    model TEXT,
    text_in INTEGER NOT NULL,
    text_cached INTEGER NOT NULL,
    audio_in INTEGER NOT NULL,
    audio_cached INTEGER NOT NULL,
    image_in INTEGER NOT NULL,
    image_cached INTEGER NOT NULL,
    text_out INTEGER NOT NULL,
    audio_out INTEGER NOT NULL,
    seconds REAL NOT NULL,
    nanodollars INTEGER,
    PRIMARY KEY (call, kind, ref)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX usage_by_time ON usage (at);
  `,
];
