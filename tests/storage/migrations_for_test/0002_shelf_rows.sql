ALTER TABLE shelves ADD COLUMN row_count INT NOT NULL DEFAULT 0;
CREATE INDEX ix_shelves_note ON shelves (note);
UPDATE shelves SET row_count = row_count + 1;
