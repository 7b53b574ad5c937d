-- What replicas keep in memory, and how often it changed. A writer locks its row first, so versions
-- ascend in the order of commits and changes of one directory come one at a time; readers poll it.
CREATE TABLE directories (
  directory VARCHAR(16) NOT NULL,
  version BIGINT UNSIGNED NOT NULL,
  CONSTRAINT pk_directories PRIMARY KEY (directory)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The tree of units. What a unit is called, its kind and so on are in its newest document version:
-- here is only what statements look up, join or lock.
-- Row numbers are given under the lock of the directory, not by AUTO_INCREMENT: a refused insert
-- must not use up one of 65535.
CREATE TABLE units (
  unit_id SMALLINT UNSIGNED NOT NULL,
  -- units/{unit}
  name VARCHAR(69) NOT NULL,
  -- NULL for the root alone.
  parent_id SMALLINT UNSIGNED NULL,
  -- The directory's version that changed it last: replicas load what is newer than they know.
  changed_version BIGINT UNSIGNED NOT NULL,
  CONSTRAINT pk_units PRIMARY KEY (unit_id),
  CONSTRAINT uk_units_name UNIQUE (name),
  INDEX ix_units_changed_version (changed_version),
  CONSTRAINT fk_units_parent FOREIGN KEY (parent_id) REFERENCES units (unit_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Where units keep things. `kind` is here because postings of flammables ask for it.
CREATE TABLE locations (
  location_id INT UNSIGNED NOT NULL,
  unit_id SMALLINT UNSIGNED NOT NULL,
  -- units/{unit}/locations/{location}
  name VARCHAR(143) NOT NULL,
  kind TINYINT UNSIGNED NOT NULL,
  changed_version BIGINT UNSIGNED NOT NULL,
  CONSTRAINT pk_locations PRIMARY KEY (location_id),
  CONSTRAINT uk_locations_name UNIQUE (name),
  INDEX ix_locations_changed_version (changed_version),
  CONSTRAINT fk_locations_unit FOREIGN KEY (unit_id) REFERENCES units (unit_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
