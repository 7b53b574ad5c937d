-- The books as of any moment, written behind the sealed order by inventory-svc/storage/history_writer;
-- posting itself pays nothing for it. All but history_steps can be derived anew from the records and
-- the movements (docs/adr/0060).

-- How far the rest is written. One row. Whoever writes holds it locked, so there is one at a time.
CREATE TABLE IF NOT EXISTS history_progress (
  history_id TINYINT UNSIGNED NOT NULL,
  -- The last sealed record that was taken in; 0 before the first.
  sequence BIGINT UNSIGNED NOT NULL,
  -- From when on that record counts on the record clock.
  counts_from DATETIME(6) NOT NULL,
  -- Up to here the record clock is closed: what is sealed later counts from later on, whatever time it
  -- bears. Never goes back, and no question is answered beyond it.
  closed_time DATETIME(6) NOT NULL,
  -- Up to which day checkpoints were written, and up to which balance for the day after.
  checkpoint_day DATE NOT NULL,
  checkpoint_balance_id INT UNSIGNED NOT NULL,
  CONSTRAINT pk_history_progress PRIMARY KEY (history_id),
  CONSTRAINT ck_history_progress_one CHECK (history_id = 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The record clock: which sealed records the books had at what time. This was promised to whoever
-- asked, and is the only place that says so.
CREATE TABLE IF NOT EXISTS history_steps (
  first_sequence BIGINT UNSIGNED NOT NULL,
  last_sequence BIGINT UNSIGNED NOT NULL,
  -- The records of a step count from their own record_time on, but not before this.
  floor_time DATETIME(6) NOT NULL,
  -- The greatest id of all records up to the step's last: lists that go by id begin here.
  record_id_max BINARY(16) NOT NULL,
  CONSTRAINT pk_history_steps PRIMARY KEY (first_sequence),
  INDEX ix_history_steps_floor_time (floor_time, first_sequence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What each movement did to each balance that it touched, all its lines together.
CREATE TABLE IF NOT EXISTS balance_lines (
  balance_id INT UNSIGNED NOT NULL,
  -- The movement's record.
  sequence BIGINT UNSIGNED NOT NULL,
  occurred_time DATETIME(6) NOT NULL,
  -- The difference of two 64-bit amounts.
  delta DECIMAL(20, 0) NOT NULL,
  -- What the balance held then, on the record clock.
  quantity BIGINT NOT NULL,
  -- Its sequence, if a checkpoint of a later day was there already, which does not count it; NULL if not.
  late_sequence BIGINT UNSIGNED NULL,
  CONSTRAINT pk_balance_lines PRIMARY KEY (balance_id, sequence),
  -- The two sums of the occurred clock, each from the index alone: the days since a checkpoint, and what
  -- came late for it.
  INDEX ix_balance_lines_occurred (balance_id, occurred_time, delta),
  INDEX ix_balance_lines_late (balance_id, late_sequence, occurred_time, delta)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a balance held when a day (UTC) began, on the occurred clock, as far as it was known then. Only
-- for days before which something happened to it.
CREATE TABLE IF NOT EXISTS balance_checkpoints (
  balance_id INT UNSIGNED NOT NULL,
  day DATE NOT NULL,
  -- Papers come in any order, so this may be below zero, and beyond 64 bits.
  quantity DECIMAL(30, 0) NOT NULL,
  -- Records up to this one are counted, later ones are not.
  built_through BIGINT UNSIGNED NOT NULL,
  CONSTRAINT pk_balance_checkpoints PRIMARY KEY (balance_id, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
