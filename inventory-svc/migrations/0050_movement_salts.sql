-- Drawn for each movement and part of what its record's hash covers: who sees the hash and some of the
-- lines must not be able to guess the others. NULL: posted before there were salts.
ALTER TABLE movements ADD COLUMN salt BINARY(16) NULL;
