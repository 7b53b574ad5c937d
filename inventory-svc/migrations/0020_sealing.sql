-- Who seals. One row, made by the first sealer; every sealing transaction updates it WHERE epoch = its
-- own, so that one who was deposed fails in that very transaction.
CREATE TABLE IF NOT EXISTS sealer_lease (
  lease_id TINYINT UNSIGNED NOT NULL,
  -- Grows by one whenever the lease changes hands, and never shrinks.
  epoch BIGINT UNSIGNED NOT NULL,
  -- A number that the holding process drew at its start.
  holder BINARY(16) NOT NULL,
  -- On the database's clock, the only one that all sealers share. From then on another may take it.
  end_time DATETIME(6) NOT NULL,
  CONSTRAINT pk_sealer_lease PRIMARY KEY (lease_id),
  CONSTRAINT ck_sealer_lease_one CHECK (lease_id = 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The chain: each block covers its records, and the block before it by its hash. Append-only.
CREATE TABLE IF NOT EXISTS record_blocks (
  -- 1, 2, 3 …
  number BIGINT UNSIGNED NOT NULL,
  first_sequence BIGINT UNSIGNED NOT NULL,
  last_sequence BIGINT UNSIGNED NOT NULL,
  seal_time DATETIME(6) NOT NULL,
  -- Zeros for the first block.
  previous_hash BINARY(32) NOT NULL,
  hash BINARY(32) NOT NULL,
  -- Of the lease that it was sealed under: which process to ask when something is odd.
  epoch BIGINT UNSIGNED NOT NULL,
  CONSTRAINT pk_record_blocks PRIMARY KEY (number),
  -- A fork cannot be stored: two blocks after the same one, or over the same records.
  CONSTRAINT uk_record_blocks_previous_hash UNIQUE (previous_hash),
  CONSTRAINT uk_record_blocks_first_sequence UNIQUE (first_sequence),
  -- Also finds the blocks that end within a page of the feed.
  CONSTRAINT uk_record_blocks_last_sequence UNIQUE (last_sequence),
  CONSTRAINT ck_record_blocks_not_empty CHECK (last_sequence >= first_sequence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The sealer reads the oldest of what is not sealed (sequence IS NULL) without sorting the rest, however
-- much has piled up while none ran.
CREATE INDEX ix_records_unsealed ON records (sequence, record_time);
