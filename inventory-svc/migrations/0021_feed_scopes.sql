-- The feed asks which units a transfer touches, by the transfer.
CREATE INDEX ix_transfer_scopes_transfer ON transfer_scopes (transfer_id);
