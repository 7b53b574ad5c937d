-- Papers that transfers were written from, so that none is written twice, whoever brings it. The row
-- goes when the transfer is cancelled; the transfer itself keeps naming its paper.
CREATE TABLE IF NOT EXISTS transfer_papers (
  issuer VARCHAR(64) NOT NULL,
  number VARCHAR(64) NOT NULL,
  line INT NOT NULL,
  transfer_id BINARY(16) NOT NULL,
  CONSTRAINT pk_transfer_papers PRIMARY KEY (issuer, number, line),
  CONSTRAINT uk_transfer_papers_transfer UNIQUE (transfer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
