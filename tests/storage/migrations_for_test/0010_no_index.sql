DROP INDEX ix_shelves_note ON shelves;
