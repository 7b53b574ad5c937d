-- Which units a transfer touches: what lists are read by, newest first. The transfer itself is in
-- document_versions.
CREATE TABLE IF NOT EXISTS transfer_scopes (
  unit_id SMALLINT UNSIGNED NOT NULL,
  -- UUIDv7: ascends with time.
  transfer_id BINARY(16) NOT NULL,
  CONSTRAINT pk_transfer_scopes PRIMARY KEY (unit_id, transfer_id),
  CONSTRAINT fk_transfer_scopes_unit FOREIGN KEY (unit_id) REFERENCES units (unit_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
