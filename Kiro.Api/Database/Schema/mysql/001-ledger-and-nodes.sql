-- Times are milliseconds since 1970 in UTC, written by the nodes. Every statement can be repeated.
CREATE TABLE IF NOT EXISTS schema_version (
  version    INT NOT NULL PRIMARY KEY,
  applied_at BIGINT NOT NULL
) ENGINE = InnoDB;

-- The route ledger: one row a client.
CREATE TABLE IF NOT EXISTS clients (
  client     VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  node       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  first_seen BIGINT NOT NULL,
  last_seen  BIGINT NOT NULL,
  requests   BIGINT NOT NULL,
  moves      BIGINT NOT NULL,
  KEY clients_last_seen (last_seen)
) ENGINE = InnoDB;

-- The last batch that each running process has written: a commit whose answer was lost is not applied twice.
CREATE TABLE IF NOT EXISTS ledger_batches (
  instance   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  batch      BIGINT NOT NULL,
  written_at BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS nodes (
  name           VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  instance       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address        VARCHAR(255) CHARACTER SET ascii NOT NULL,
  version        VARCHAR(64) CHARACTER SET ascii NOT NULL,
  started_at     BIGINT NOT NULL,
  last_heartbeat BIGINT NOT NULL,
  stopped        INT NOT NULL
) ENGINE = InnoDB;
