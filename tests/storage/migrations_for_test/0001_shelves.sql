-- Only for the test of the runner; it's not a schema of ours.
CREATE TABLE shelves (
  shelf_id INT NOT NULL,
  note VARCHAR(100) NOT NULL DEFAULT 'a; b', -- a semicolon; and a quote: '
  CONSTRAINT pk_shelves PRIMARY KEY (shelf_id)
) ENGINE = InnoDB;

INSERT INTO shelves (shelf_id, note) VALUES (1, '粮草官 [x]; "y" \\ z');
