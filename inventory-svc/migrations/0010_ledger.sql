-- Goods of one item, one origin, one expiry. Never changed, never deleted: movements point here.
CREATE TABLE IF NOT EXISTS lots (
  lot_id INT UNSIGNED NOT NULL AUTO_INCREMENT,
  item_id INT UNSIGNED NOT NULL,
  -- The last part of the name, unique within the item.
  name VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  origin TINYINT UNSIGNED NOT NULL,
  origin_reference VARCHAR(120) NOT NULL,
  -- Who owns it, whoever holds it.
  owner_unit_id SMALLINT UNSIGNED NOT NULL,
  -- NULL: does not expire.
  expiry_date DATE NULL,
  create_time DATETIME(6) NOT NULL,
  PRIMARY KEY (lot_id),
  CONSTRAINT uk_lots_item_name UNIQUE (item_id, name),
  CONSTRAINT fk_lots_item FOREIGN KEY (item_id) REFERENCES items (item_id),
  CONSTRAINT fk_lots_owner FOREIGN KEY (owner_unit_id) REFERENCES units (unit_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What each account holds of each lot. Rows are made at zero outside any transaction and never
-- deleted: a row made inside one would be invisible to the locking read of its neighbour.
CREATE TABLE IF NOT EXISTS balances (
  -- One small key, so that locks are taken in one order by one index.
  balance_id INT UNSIGNED NOT NULL AUTO_INCREMENT,
  location_id INT UNSIGNED NOT NULL,
  state TINYINT UNSIGNED NOT NULL,
  -- The document that goods are held for; sixteen zero bytes for none.
  holder BINARY(16) NOT NULL,
  lot_id INT UNSIGNED NOT NULL,
  -- Kept here too, so that sums by unit and item read one table.
  unit_id SMALLINT UNSIGNED NOT NULL,
  item_id INT UNSIGNED NOT NULL,
  quantity BIGINT NOT NULL DEFAULT 0,
  -- The latest time at which the books took a movement on it; the next one is later.
  last_record_time DATETIME(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
  PRIMARY KEY (balance_id),
  CONSTRAINT uk_balances_account_lot UNIQUE (location_id, lot_id, state, holder),
  CONSTRAINT fk_balances_location FOREIGN KEY (location_id) REFERENCES locations (location_id),
  CONSTRAINT fk_balances_lot FOREIGN KEY (lot_id) REFERENCES lots (lot_id),
  -- States below 16 are inside. The domain refuses first; this is the last line of defence.
  CONSTRAINT ck_balances_never_negative CHECK (state >= 16 OR quantity >= 0),
  KEY ix_balances_unit (unit_id, balance_id),
  KEY ix_balances_item (item_id, state)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS movements (
  -- UUIDv7: rows arrive in the order of the clustered index.
  movement_id BINARY(16) NOT NULL,
  caller VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- NULL when a document posted it: the document's request is in `requests`.
  request_id BINARY(16) NULL,
  -- SHA-256 of the command's canonical form: the same request id with other content is refused.
  content_hash BINARY(32) NOT NULL,
  reason TINYINT UNSIGNED NOT NULL,
  occurred_time DATETIME(6) NOT NULL,
  record_time DATETIME(6) NOT NULL,
  reverses_movement_id BINARY(16) NULL,
  document_id BINARY(16) NULL,
  -- The paper, kept here for good; who holds it now is in source_documents.
  source_issuer VARCHAR(64) NULL,
  source_number VARCHAR(64) NULL,
  source_line INT NULL,
  PRIMARY KEY (movement_id),
  -- Ids are kept as long as the ledger. The loser of a race between twins stops here.
  CONSTRAINT uk_movements_caller_request_id UNIQUE (caller, request_id),
  -- A movement is reversed once.
  CONSTRAINT uk_movements_reverses UNIQUE (reverses_movement_id),
  CONSTRAINT fk_movements_reverses FOREIGN KEY (reverses_movement_id)
    REFERENCES movements (movement_id),
  KEY ix_movements_document (document_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS movement_lines (
  movement_id BINARY(16) NOT NULL,
  -- From 1, as callers count.
  line SMALLINT UNSIGNED NOT NULL,
  lot_id INT UNSIGNED NOT NULL,
  source_balance_id INT UNSIGNED NOT NULL,
  destination_balance_id INT UNSIGNED NOT NULL,
  -- In base units, fixed at posting.
  quantity BIGINT NOT NULL,
  -- As the caller wrote it.
  written_amount BIGINT NOT NULL,
  written_unit VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (movement_id, line),
  CONSTRAINT fk_movement_lines_movement FOREIGN KEY (movement_id) REFERENCES movements (movement_id),
  CONSTRAINT ck_movement_lines_positive CHECK (quantity > 0),
  -- A balance's own history, for sums over the lines.
  KEY ix_movement_lines_source (source_balance_id, movement_id),
  KEY ix_movement_lines_destination (destination_balance_id, movement_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which units and items a movement touched: what lists of movements are read by.
CREATE TABLE IF NOT EXISTS movement_scopes (
  unit_id SMALLINT UNSIGNED NOT NULL,
  movement_id BINARY(16) NOT NULL,
  item_id INT UNSIGNED NOT NULL,
  PRIMARY KEY (unit_id, movement_id, item_id),
  KEY ix_movement_scopes_item (unit_id, item_id, movement_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Papers in the books. The row goes when the movement is reversed, so that the paper can be entered
-- again; the movement itself keeps naming it.
CREATE TABLE IF NOT EXISTS source_documents (
  issuer VARCHAR(64) NOT NULL,
  number VARCHAR(64) NOT NULL,
  line INT NOT NULL,
  movement_id BINARY(16) NOT NULL,
  PRIMARY KEY (issuer, number, line),
  CONSTRAINT uk_source_documents_movement UNIQUE (movement_id),
  CONSTRAINT fk_source_documents_movement FOREIGN KEY (movement_id)
    REFERENCES movements (movement_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What callers wrote beside a movement. A row of its own: the sealed record covers its salted hash,
-- so the text can be corrected or erased without breaking the chain.
CREATE TABLE IF NOT EXISTS notes (
  movement_id BINARY(16) NOT NULL,
  salt BINARY(16) NOT NULL,
  text VARCHAR(500) NOT NULL,
  PRIMARY KEY (movement_id),
  CONSTRAINT fk_notes_movement FOREIGN KEY (movement_id) REFERENCES movements (movement_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
