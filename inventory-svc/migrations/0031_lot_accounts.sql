-- The accounts of a lot, unit by unit: what a trace begins with. Rows are made once an account, so
-- postings hardly ever pay for it. Takes the place of the index that fk_balances_lot made.
CREATE INDEX IF NOT EXISTS ix_balances_lot_unit ON balances (lot_id, unit_id);
