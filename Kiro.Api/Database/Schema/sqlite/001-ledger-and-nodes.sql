-- Times are milliseconds since 1970 in UTC, written by the nodes.
CREATE TABLE schema_version (
  version    INTEGER NOT NULL PRIMARY KEY,
  applied_at INTEGER NOT NULL
);

-- The route ledger: one row a client.
CREATE TABLE clients (
  client     TEXT NOT NULL PRIMARY KEY,
  node       TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  requests   INTEGER NOT NULL,
  moves      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX clients_last_seen ON clients (last_seen);

-- The last batch that each running process has written: a commit whose answer was lost is not applied twice.
CREATE TABLE ledger_batches (
  instance   TEXT NOT NULL PRIMARY KEY,
  batch      INTEGER NOT NULL,
  written_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE nodes (
  name           TEXT NOT NULL PRIMARY KEY,
  instance       TEXT NOT NULL,
  address        TEXT NOT NULL,
  version        TEXT NOT NULL,
  started_at     INTEGER NOT NULL,
  last_heartbeat INTEGER NOT NULL,
  stopped        INTEGER NOT NULL
) WITHOUT ROWID;
