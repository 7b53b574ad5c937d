-- The catalog. Titles, declared units and packs are in an item's newest document version, where every
-- older version of a pack can be read too; here is what statements look up or join.
CREATE TABLE items (
  -- Given under the lock of the directory `items`.
  item_id INT UNSIGNED NOT NULL,
  -- items/{item}
  name VARCHAR(69) NOT NULL,
  -- What balances count. Never changes, nor do the two facts below: postings rest on them.
  base_unit VARCHAR(32) NOT NULL,
  is_expiring BOOLEAN NOT NULL,
  is_durable BOOLEAN NOT NULL,
  hazard TINYINT UNSIGNED NOT NULL,
  -- The version of the directory that changed it last, in a unit or a pack too.
  changed_version BIGINT UNSIGNED NOT NULL,
  CONSTRAINT pk_items PRIMARY KEY (item_id),
  CONSTRAINT uk_items_name UNIQUE (name),
  INDEX ix_items_changed_version (changed_version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
