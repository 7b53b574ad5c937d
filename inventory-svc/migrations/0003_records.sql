-- One row for every write, in the write's own transaction: proof, audit trail and change feed in one.
-- Opaque ids and hashes only, never a name or free text, so that it can be kept for ever.
-- The service's database user may INSERT, SELECT and set `sequence`, nothing else.
CREATE TABLE records (
  -- UUIDv7: ascends with time.
  record_id BINARY(16) NOT NULL,
  -- Place in the sealed order, without gaps; NULL until sealed.
  sequence BIGINT UNSIGNED NULL,
  -- When the books took it, and when it is said to have happened.
  record_time DATETIME(6) NOT NULL,
  occurred_time DATETIME(6) NOT NULL,
  caller VARCHAR(80) NOT NULL,
  method VARCHAR(120) NOT NULL,
  resource VARCHAR(160) NOT NULL,
  request_id BINARY(16) NOT NULL,
  -- SHA-256 of the resource's canonical form before and after; NULL if there was none before.
  before_hash BINARY(32) NULL,
  after_hash BINARY(32) NOT NULL,
  trace_id VARCHAR(32) NOT NULL,
  CONSTRAINT pk_records PRIMARY KEY (record_id),
  -- Unique: a fork of the order cannot be stored. Also finds what is not sealed yet, oldest first.
  CONSTRAINT uk_records_sequence UNIQUE (sequence),
  INDEX ix_records_resource (resource, record_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was answered to which request, kept as long as the documents. Movements carry their request
-- id themselves.
CREATE TABLE requests (
  caller VARCHAR(80) NOT NULL,
  request_id BINARY(16) NOT NULL,
  method VARCHAR(120) NOT NULL,
  -- SHA-256 of the command's canonical form: tells a repetition from another request.
  content_hash BINARY(32) NOT NULL,
  -- The version that was answered, and is answered again.
  resource VARCHAR(160) NOT NULL,
  version INT UNSIGNED NOT NULL,
  CONSTRAINT pk_requests PRIMARY KEY (caller, request_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Every version of every document, append-only. The newest is the document.
CREATE TABLE document_versions (
  resource VARCHAR(160) NOT NULL,
  -- 1, 2, 3 …; the etag.
  version INT UNSIGNED NOT NULL,
  record_id BINARY(16) NOT NULL,
  record_time DATETIME(6) NOT NULL,
  -- Empty for what has no states.
  state VARCHAR(32) NOT NULL,
  actor VARCHAR(80) NOT NULL,
  -- The canonical form of the whole document.
  snapshot MEDIUMBLOB NOT NULL,
  CONSTRAINT pk_document_versions PRIMARY KEY (resource, version),
  CONSTRAINT fk_document_versions_record FOREIGN KEY (record_id) REFERENCES records (record_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The next steps that are open: what waits for a caller. One row for each verb that somebody could do
-- and each unit that the doer's grants must cover. Replaced with each transition of its document.
CREATE TABLE document_tasks (
  resource VARCHAR(160) NOT NULL,
  verb VARCHAR(32) NOT NULL,
  -- units/{unit}
  unit VARCHAR(69) NOT NULL,
  permission VARCHAR(64) NOT NULL,
  -- Who must not do it because they did another step, separated by commas.
  barred_actors VARCHAR(640) NOT NULL,
  CONSTRAINT pk_document_tasks PRIMARY KEY (resource, verb, unit),
  INDEX ix_document_tasks_unit (unit, permission, resource)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
